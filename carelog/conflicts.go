package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// A contact with a conflict of interest is never asked about the household: not
// named for it, not planned for, not texted. What the contact says about it all
// the same is for a person to judge.

var conflictKinds = []string{"kin_of_offender", "creditor", "other"}

// conflictNoted is why a contact is not texted about a household.
const conflictNoted = "a conflict of interest is noted: this contact is not asked about this household"

// isConflicted says that the contact may not be named.
var isConflicted = reason{
	"may not be named: a conflict of interest with this household is noted",
	"不得指定\uff1a已登记该联系人与这户有利害冲突",
}

// conflicted is the SQL for a contact who is never asked about a household.
func conflicted(contact, recipient string) string {
	return fmt.Sprintf("EXISTS (SELECT FROM contact_conflicts x WHERE x.contact_id = %s AND x.recipient_id = %s AND x.ended_at IS NULL)", contact, recipient)
}

// NewConflict is a conflict of interest between a contact and a household.
type NewConflict struct {
	Contact   ContactID
	Recipient RecipientID
	Kind      string // kin_of_offender, creditor, other
	Reason    string // sealed in the history
}

// FlagConflict notes that a contact has a conflict of interest with a household:
// the contact is taken off its plan, open requests are closed and asked of who is
// named beside, else of nobody and the officer phones. Officers and supervisors
// of the household's office may. Refusals: Invalid, NotFound, Forbidden, Conflict
// when it is noted already.
func (l *Log) FlagConflict(ctx context.Context, by Actor, n NewConflict) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var probs problems
		if !slices.Contains(conflictKinds, n.Kind) {
			probs.add("kind", isUnknown)
		}
		checkWhy(&probs, n.Reason)
		if err := probs.err(); err != nil {
			return struct{}{}, err
		}
		if err := l.mayFlag(ctx, tx, n.Contact, n.Recipient); err != nil {
			return struct{}{}, err
		}
		plans, err := l.lockPlansNaming(ctx, tx, n.Contact, n.Recipient)
		if err != nil {
			return struct{}{}, err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO contact_conflicts (contact_id, recipient_id, kind, noted_by, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (contact_id, recipient_id) WHERE ended_at IS NULL DO NOTHING`, n.Contact, n.Recipient, n.Kind, tx.by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("insert conflict: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("the conflict of interest is noted already")
		}
		for _, p := range plans {
			if err := l.putInPlace(ctx, tx, p, n.Contact, ContactID{}, conflictNoted); err != nil {
				return struct{}{}, err
			}
		}
		tx.append(happening{recipient: n.Recipient, kind: "conflict_flagged", subject: anyID(n.Contact), details: map[string]any{
			"conflict": n.Kind, "contact_id": n.Contact, "reason": n.Reason,
		}})
		return struct{}{}, nil
	})
	return err
}

// EndConflict ends a conflict of interest that was noted. It names nobody: a
// person does. Supervisors of the household's office may, with a reason.
func (l *Log) EndConflict(ctx context.Context, by Actor, contact ContactID, recipient RecipientID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var probs problems
		checkWhy(&probs, why)
		if err := probs.err(); err != nil {
			return struct{}{}, err
		}
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		if !by.may(file.office, EndConflict) {
			return struct{}{}, forbidden("only a supervisor of the office ends a conflict of interest")
		}
		tag, err := tx.Exec(ctx, "UPDATE contact_conflicts SET ended_at = $3, ended_by = $4 WHERE contact_id = $1 AND recipient_id = $2 AND ended_at IS NULL",
			contact, recipient, tx.now, tx.by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("end conflict: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, notFound("conflict of interest")
		}
		tx.append(happening{recipient: recipient, kind: "conflict_ended", subject: anyID(contact), details: map[string]any{"contact_id": contact, "reason": why}})
		return struct{}{}, nil
	})
	return err
}

// NotedConflict is a conflict of interest as a file shows it.
type NotedConflict struct {
	Contact ContactID  `json:"contact_id"`
	Kind    string     `json:"kind"`
	NotedBy UserID     `json:"noted_by"`
	At      time.Time  `json:"at"`
	EndedAt *time.Time `json:"ended_at"`
}

// Conflicts lists the conflicts of interest noted about a household, newest
// first, ended ones too. Officers and supervisors of its office may; the read is
// audited.
func (l *Log) Conflicts(ctx context.Context, by Actor, recipient RecipientID) ([]NotedConflict, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]NotedConflict, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, "SELECT contact_id, kind, noted_by, at, ended_at FROM contact_conflicts WHERE recipient_id = $1 ORDER BY at DESC, contact_id", recipient)
		if err != nil {
			return nil, fmt.Errorf("list conflicts: %w", err)
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c NotedConflict, err error) {
			err = row.Scan(&c.Contact, &c.Kind, &c.NotedBy, &c.At, &c.EndedAt)
			return c, err
		})
		if err != nil {
			return nil, fmt.Errorf("list conflicts: %w", err)
		}
		tx.audit(file.office, "conflicts_read", anyID(recipient), "")
		return found, nil
	})
}

// mayFlag looks the household and the contact up, and whether the actor may tell
// of a conflict between them.
func (l *Log) mayFlag(ctx context.Context, tx txn, contact ContactID, recipient RecipientID) error {
	if _, err := l.openFile(ctx, tx, recipient, ChangeContact); err != nil {
		return err
	}
	c, err := readContact(ctx, tx, contact)
	if err == nil && !c.phoneOf.IsZero() {
		return notFound("contact")
	}
	return err
}

// checkMayBeAsked refuses contacts who are never asked about the household: for
// a conflict of interest with it, or for what it is about.
func (l *Log) checkMayBeAsked(ctx context.Context, tx txn, p *problems, primary, backup ContactID, recipient RecipientID) error {
	for field, contact := range map[string]ContactID{"primary_contact_id": primary, "backup_contact_id": backup} {
		if contact.IsZero() {
			continue
		}
		has, err := hasConflict(ctx, tx, contact, recipient)
		if err != nil {
			return err
		}
		if has {
			p.add(field, isConflicted)
			continue
		}
		barred, err := l.topicsBar(ctx, tx, contact, recipient)
		if err != nil {
			return err
		}
		if barred {
			p.add(field, isTopicBarred)
		}
	}
	return nil
}

func hasConflict(ctx context.Context, tx txn, contact ContactID, recipient RecipientID) (has bool, err error) {
	if err = tx.QueryRow(ctx, "SELECT "+conflicted("$1", "$2"), contact, recipient).Scan(&has); err != nil {
		return false, fmt.Errorf("look for a conflict of interest: %w", err)
	}
	return has, nil
}
