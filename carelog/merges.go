package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// Merge proposes that two files are one person's, or two entries one contact's.
type Merge struct {
	ID         MergeID `json:"merge_id"`
	Kind       string  `json:"kind"`    // file, contact
	Kept       anyID   `json:"kept_id"` // the recipient or contact that stays
	Gone       anyID   `json:"gone_id"` // and the one that points at it
	Reason     string  `json:"reason"`
	State      string  `json:"state"` // open, done, rejected
	ProposedBy UserID  `json:"proposed_by"`

	office OfficeID
}

const (
	mergeFiles    = "file"
	mergeContacts = "contact"
	whenMerged    = "the file was merged with another of the same person"
	mergeWithin   = 5 // working days
)

var isTheSame = reason{"is the one that stays: name another", "与保留的一方相同\uff0c请另选"}

// ProposeFileMerge proposes that the second file is about the person of the first,
// which stays. A supervisor who did not propose it decides (DecideMerge). Officers
// and supervisors of the office of both may. Refusals: Invalid, NotFound, Forbidden,
// Conflict while one waits for the file that goes.
func (l *Log) ProposeFileMerge(ctx context.Context, by Actor, kept, gone RecipientID, why string) (MergeID, error) {
	return write(ctx, l, by, func(tx txn) (MergeID, error) {
		stays, goes, err := l.filesToMerge(ctx, tx, kept, gone)
		if err != nil {
			return MergeID{}, err
		}
		m := Merge{Kind: mergeFiles, Kept: anyID(kept), Gone: anyID(gone), Reason: why, office: stays.office}
		id, err := l.proposeMerge(ctx, tx, m, stays.key, kept)
		if err != nil {
			return id, err
		}
		for _, f := range []file{stays, goes} {
			tx.append(happening{recipient: f.id, kind: "merge_proposed", subject: anyID(id), details: map[string]any{"reason": why}})
		}
		return id, nil
	})
}

func (l *Log) filesToMerge(ctx context.Context, tx txn, kept, gone RecipientID) (stays, goes file, err error) {
	if kept == gone {
		return stays, goes, invalid("gone_id", isTheSame)
	}
	if stays, err = l.openFile(ctx, tx, kept, ProposeMergeAct); err != nil {
		return stays, goes, err
	}
	if goes, err = l.openFile(ctx, tx, gone, ProposeMergeAct); err == nil && stays.office != goes.office {
		err = conflict("the files are of two offices: hand one over first")
	}
	return stays, goes, err
}

// ProposeContactMerge proposes that the second village contact is the first, who
// stays with both numbers. As ProposeFileMerge.
func (l *Log) ProposeContactMerge(ctx context.Context, by Actor, kept, gone ContactID, why string) (MergeID, error) {
	return write(ctx, l, by, func(tx txn) (MergeID, error) {
		stays, goes, err := contactsToMerge(ctx, tx, kept, gone, ProposeMergeAct)
		if err != nil {
			return MergeID{}, err
		}
		key, err := l.keys.Unwrap(stays.id, stays.wrapped)
		if err != nil {
			return MergeID{}, fmt.Errorf("open the contact's key: %w", err)
		}
		tx.audit(stays.office, "contact_merge_proposed", anyID(goes.id), "")
		return l.proposeMerge(ctx, tx, Merge{Kind: mergeContacts, Kept: anyID(kept), Gone: anyID(gone), Reason: why, office: stays.office}, key, RecipientID{})
	})
}

func contactsToMerge(ctx context.Context, tx txn, kept, gone ContactID, act Act) (stays, goes contactRow, err error) {
	if kept == gone {
		return stays, goes, invalid("gone_id", isTheSame)
	}
	if stays, err = contactToChange(ctx, tx, kept, act); err != nil {
		return stays, goes, err
	}
	if goes, err = contactToChange(ctx, tx, gone, act); err != nil {
		return stays, goes, err
	}
	var second bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM village_contacts WHERE phone_of IN ($1, $2) AND state = 'active')", kept, gone).Scan(&second)
	switch {
	case err != nil:
		return stays, goes, fmt.Errorf("look for a second phone: %w", err)
	case stays.office != goes.office || !stays.phoneOf.IsZero() || !goes.phoneOf.IsZero():
		return stays, goes, invalid("gone_id", isUnknownContact)
	case second:
		return stays, goes, conflict("one of them has a second phone: remove it first, a contact keeps two numbers")
	}
	return stays, goes, nil
}

func (l *Log) proposeMerge(ctx context.Context, tx txn, m Merge, key crypt.DataKey, recipient RecipientID) (MergeID, error) {
	var p problems
	p.needsReason(m.Reason)
	if err := p.err(); err != nil {
		return MergeID{}, err
	}
	id := newID[mergeKind](tx.now, l.random)
	_, err := tx.Exec(ctx, `INSERT INTO merges (id, office_id, kind, kept_id, gone_id, proposed_by, proposed_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, m.office, m.Kind, m.Kept, m.Gone, tx.by.User, tx.now, key.Seal([]byte(m.Reason), "merges.sealed/"+id.String()))
	if err != nil {
		return id, fmt.Errorf("propose merge: %w", err)
	}
	return id, l.openTask(ctx, tx, newTask{
		kind: "merge_approval", cause: "merge:" + id.String(), office: m.office, recipient: recipient,
		reason: "two files or contacts are proposed to be one: a supervisor who did not propose it decides",
		actBy:  officerWindow.closes(tx.cal(m.office).AddWorkdays(tx.today(), mergeWithin)),
	})
}

// DecideMerge merges the two, or rejects it: a supervisor of the office who did not
// propose it. Of a person's two files the one that stays goes on with its plan; the
// other's check-ins and texts end with a reason, its history stays and verifies, and
// reading either shows both. A contact that goes becomes a second phone of the one
// that stays: what it was asked stays open, and its answers count. There is no way
// back: where it was a mistake, a person enrols anew and notes it in both files.
// Refusals: NotFound, Forbidden, Conflict while something of the file that goes is
// not settled.
func (l *Log) DecideMerge(ctx context.Context, by Actor, id MergeID, merge bool) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		m := Merge{ID: id}
		err := tx.QueryRow(ctx, "SELECT office_id, kind, kept_id, gone_id, state, proposed_by FROM merges WHERE id = $1 FOR UPDATE", id).
			Scan(&m.office, &m.Kind, &m.Kept, &m.Gone, &m.State, &m.ProposedBy)
		switch {
		case none(err):
			return struct{}{}, notFound("merge")
		case err != nil:
			return struct{}{}, fmt.Errorf("read merge: %w", err)
		case by.Kind != Person || !by.may(m.office, DecideMerge):
			return struct{}{}, forbidden("a supervisor of the office decides about a merge")
		case m.State != "open":
			return struct{}{}, conflict("the merge is decided already")
		case merge && m.ProposedBy == by.User:
			return struct{}{}, forbidden("whoever proposed the merge may not approve it")
		}
		state := "rejected"
		if merge {
			state = "done"
			if m.Kind == mergeFiles {
				err = l.mergeFile(ctx, tx, m)
			} else {
				err = l.mergeContact(ctx, tx, m)
			}
		}
		if err != nil {
			return struct{}{}, err
		}
		if _, err := tx.Exec(ctx, "UPDATE merges SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1", id, state, by.User, tx.now); err != nil {
			return struct{}{}, fmt.Errorf("decide merge: %w", err)
		}
		tx.audit(m.office, "merge_decided", anyID(id), state)
		return struct{}{}, l.endTasks(ctx, tx, []string{"merge:" + id.String()}, "a supervisor decided about the merge")
	})
	return err
}

func (l *Log) mergeFile(ctx context.Context, tx txn, m Merge) error {
	kept, gone := RecipientID(m.Kept), RecipientID(m.Gone)
	if _, _, err := l.filesToMerge(ctx, tx, kept, gone); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, "SELECT id FROM care_plans WHERE recipient_id IN ($1, $2) AND state <> 'closed' ORDER BY id FOR NO KEY UPDATE", kept, gone)
	if err != nil {
		return fmt.Errorf("lock the plans: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return fmt.Errorf("lock the plans: %w", err)
	}
	var stays, goes plan
	for _, id := range ids {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.recipient == kept {
			stays = p
		} else {
			goes = p
		}
	}
	if err := l.mayGo(ctx, tx, kept, gone, stays, goes); err != nil {
		return err
	}
	if !goes.id.IsZero() {
		if err := l.closeMerged(ctx, tx, m, goes); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE recipients SET merged_into = $1 WHERE id = $2 OR merged_into = $2", kept, gone); err != nil {
		return fmt.Errorf("merge file: %w", err)
	}
	tx.append(happening{recipient: kept, kind: "file_merged", subject: anyID(gone), details: map[string]any{"other_file": gone}},
		happening{recipient: gone, kind: "file_merged_away", subject: anyID(kept), details: map[string]any{"other_file": kept}})
	return nil
}

// mayGo refuses to let a file go that would take something with it that the other
// does not have: what waits for a deed, the only open plan, a bar, closer care.
func (l *Log) mayGo(ctx context.Context, tx txn, kept, gone RecipientID, stays, goes plan) error {
	var waits, conflicts bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM alerts WHERE recipient_id = $1 AND state <> 'closed')
			OR EXISTS (SELECT FROM tasks WHERE recipient_id = $1 AND kind = 'mandatory_report' AND state = 'open')
			OR EXISTS (SELECT FROM referrals WHERE recipient_id = $1 AND state IN ('drafted', 'sent', 'acknowledged'))
			OR EXISTS (SELECT FROM instalments WHERE recipient_id = $1 AND state = 'waiting'),
		EXISTS (SELECT FROM contact_conflicts g WHERE g.recipient_id = $1 AND g.ended_at IS NULL AND NOT EXISTS
			(SELECT FROM contact_conflicts k WHERE k.recipient_id = $2 AND k.contact_id = g.contact_id AND k.ended_at IS NULL))`, gone, kept).Scan(&waits, &conflicts)
	tiers := []string{"", "green", "amber", "red"}
	switch {
	case err != nil:
		return fmt.Errorf("look for what waits: %w", err)
	case waits:
		return conflict("an alert, a report, a referral or an instalment of the file that goes is open: settle it first")
	case conflicts:
		return conflict("a contact has a conflict of interest in the file that goes: note it in the other first")
	case !goes.id.IsZero() && stays.id.IsZero():
		return conflict("only the file that goes has an open plan: merge them the other way round")
	case goes.villageBarred && !stays.villageBarred:
		return conflict("the file that goes is barred from the village: bar the other first")
	case slices.Index(tiers, goes.tier) > slices.Index(tiers, stays.tier):
		return conflict("the file that goes is looked after more closely: raise the other first")
	}
	return nil
}

// closeMerged closes the plan of the file that goes: the person's other plan goes on.
func (l *Log) closeMerged(ctx context.Context, tx txn, m Merge, p plan) error {
	_, err := tx.Exec(ctx, `UPDATE care_plans SET state = 'closed', closing_path = 'merged', closing_by = $2, closed_by = $3, review_on = NULL, pause_act = NULL, updated_at = $4
		WHERE id = $1`, p.id, m.ProposedBy, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("close plan: %w", err)
	}
	if err := l.cancelOpenWork(ctx, tx, p, whenMerged); err != nil {
		return err
	}
	if err := l.endWithPlan(ctx, tx, p); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_closed", subject: anyID(p.id), details: map[string]any{"reason": whenMerged, "path": "merged"}})
	return nil
}

// mergeContact makes the contact that goes a second phone of the one that stays. What
// is open there stays open: nobody is asked again, and every code still answers.
func (l *Log) mergeContact(ctx context.Context, tx txn, m Merge) error {
	plans, err := l.plansNamingEither(ctx, tx, ContactID(m.Kept), ContactID(m.Gone))
	if err != nil {
		return err
	}
	stays, goes, err := contactsToMerge(ctx, tx, ContactID(m.Kept), ContactID(m.Gone), DecideMerge)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"INSERT INTO contact_villages (contact_id, village_id) SELECT $1, village_id FROM contact_villages WHERE contact_id = $2 ON CONFLICT DO NOTHING",
		`INSERT INTO contact_conflicts (contact_id, recipient_id, kind, noted_by, at) SELECT $1, recipient_id, kind, noted_by, at FROM contact_conflicts
			WHERE contact_id = $2 AND ended_at IS NULL ON CONFLICT DO NOTHING`,
		`UPDATE village_contacts k SET barred_topics = (SELECT coalesce(array_agg(DISTINCT t), '{}') FROM village_contacts b, unnest(b.barred_topics) t WHERE b.id IN ($1, $2))
			WHERE k.id IN ($1, $2)`,
		"UPDATE village_contacts SET phone_of = $1 WHERE id = $2",
	} {
		if _, err := tx.Exec(ctx, sql, stays.id, goes.id); err != nil {
			return fmt.Errorf("merge contact: %w", err)
		}
	}
	for _, p := range plans {
		if err := l.nameMerged(ctx, tx, p, stays.id, goes.id); err != nil {
			return err
		}
	}
	tx.audit(stays.office, "contact_merged", anyID(goes.id), fmt.Sprintf("%d plans", len(plans)))
	return nil
}

func (l *Log) plansNamingEither(ctx context.Context, tx txn, kept, gone ContactID) ([]plan, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM care_plans WHERE state <> 'closed' AND (primary_contact_id IN ($1, $2) OR backup_contact_id IN ($1, $2)) ORDER BY id FOR NO KEY UPDATE`, kept, gone)
	if err != nil {
		return nil, fmt.Errorf("lock the contacts' plans: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return nil, fmt.Errorf("lock the contacts' plans: %w", err)
	}
	slices.SortFunc(ids, func(a, b PlanID) int { return bytes.Compare(a[:], b[:]) })
	plans := make([]plan, len(ids))
	for i, id := range ids {
		if plans[i], err = l.lockPlan(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// nameMerged has a plan name the contact that stays, without asking anew; a household
// that either of them may not be asked about loses the place, with a task.
func (l *Log) nameMerged(ctx context.Context, tx txn, p plan, kept, gone ContactID) error {
	barred, err := hasConflict(ctx, tx, kept, p.recipient)
	if err == nil && !barred {
		barred, err = l.topicsBar(ctx, tx, kept, p.recipient)
	}
	if err != nil {
		return err
	}
	details := map[string]any{"contact_id": gone.String(), "new_contact_id": kept.String()}
	tx.append(happening{recipient: p.recipient, kind: "contact_merged", subject: anyID(p.id), details: details})
	if !barred {
		_, err := tx.Exec(ctx, `UPDATE care_plans SET primary_contact_id = CASE primary_contact_id WHEN $3 THEN $2 ELSE primary_contact_id END,
				backup_contact_id = CASE WHEN backup_contact_id IN ($2, $3) AND primary_contact_id IN ($2, $3) THEN NULL WHEN backup_contact_id = $3 THEN $2 ELSE backup_contact_id END,
				updated_at = $4 WHERE id = $1`, p.id, kept, gone, tx.now)
		if err != nil {
			return fmt.Errorf("name the merged contact: %w", err)
		}
		return nil
	}
	for _, contact := range []ContactID{kept, gone} {
		if p, err = l.lockPlan(ctx, tx, p.id); err != nil {
			return err
		}
		if p.primary != contact && p.backup != contact {
			continue
		}
		if err := l.putInPlace(ctx, tx, p, contact, ContactID{}, "the contact may not be asked about this household"); err != nil {
			return err
		}
	}
	return l.openTask(ctx, tx, newTask{
		kind: "contact_conflict", cause: "contact_conflict:" + kept.String() + ":" + p.id.String(), office: p.office, recipient: p.recipient, plan: p.id, contact: kept,
		reason: "the new contact may not be asked about this household: name another contact",
		actBy:  officerWindow.closes(tx.cal(p.office).NextWorkday(tx.today())),
	})
}
