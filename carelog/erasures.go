package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// A file is erased when its purpose is met and its time has run (PIPL 47): by two
// people, or by the nightly run's proposal and one. Its key is destroyed, so the
// history stays as ciphertext that nobody can open and whose chain verifies; what
// lies about the person under other keys, in indexes and in clear goes too
// (erase_file in migrations/sql/0033_retention.sql).

// Erasure is a proposed, rejected or done erasure.
type Erasure struct {
	ID         anyID       `json:"erasure_id"`
	Recipient  RecipientID `json:"recipient_id"`
	MaskedName string      `json:"masked_name"`
	Ground     string      `json:"ground"` // retention, subject_request
	State      string      `json:"state"`  // proposed, rejected, erased
	ProposedBy UserID      `json:"proposed_by"`
	ProposedAt time.Time   `json:"proposed_at"`
	DecidedBy  UserID      `json:"decided_by"`
	DecidedAt  *time.Time  `json:"decided_at"`
}

const (
	erasedName    = "已删除" // in lists, in place of a name
	erasedAgainIn = 12    // months after a rejection in which the run does not propose again
)

func erasureCause(recipient RecipientID) string { return "erasure_proposed:" + recipient.String() }

// proposeErasures proposes the files whose plans were all closed before a day, that
// no hold keeps and nobody decided about lately.
func (l *Log) proposeErasures(ctx context.Context, tx txn, before calendar.Date, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT r.id, r.office_id FROM (SELECT DISTINCT recipient_id AS id FROM care_plans WHERE state = 'closed' AND closed_on < $1) due
		JOIN recipients r ON r.id = due.id
		WHERE r.erased_at IS NULL AND NOT `+fmt.Sprintf(isHeld, "r.id")+`
			AND NOT EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = r.id AND (p.state <> 'closed' OR p.closed_on >= $1))
			AND NOT EXISTS (SELECT FROM erasures e WHERE e.recipient_id = r.id AND (e.state = 'proposed' OR e.state = 'rejected' AND e.again_on > $2))
		ORDER BY r.id LIMIT $3`, before, tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("find files whose time has run: %w", err)
	}
	type due struct {
		id     RecipientID
		office OfficeID
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		err = row.Scan(&d.id, &d.office)
		return d, err
	})
	if err != nil {
		return 0, fmt.Errorf("find files whose time has run: %w", err)
	}
	for _, d := range found {
		if err := l.proposeErasure(ctx, tx, d.id, d.office, "retention"); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

func (l *Log) proposeErasure(ctx context.Context, tx txn, recipient RecipientID, office OfficeID, ground string) error {
	id := newID[plainKind](tx.now, l.random)
	tag, err := tx.Exec(ctx, "INSERT INTO erasures (id, recipient_id, ground, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		id, recipient, ground, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("propose erasure: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	tx.append(happening{recipient: recipient, kind: "erasure_proposed", subject: anyID(id), details: map[string]any{"ground": ground}})
	return l.openTask(ctx, tx, newTask{
		kind: "erasure_proposed", cause: erasureCause(recipient), office: office, recipient: recipient,
		reason: "the time to keep the file has run: a supervisor erases it, or says why it is kept", actBy: officerWindow.closes(tx.cal(office).AddWorkdays(tx.today(), erasureWithin)),
	})
}

// erasureWithin is how many working days a proposed erasure may wait.
const erasureWithin = 20

// ProposeErasure proposes to erase a file because the person asks for it. Officers
// and supervisors of its office may, once the time to keep it has run: before, the
// refusal names the date, and the file can be restricted instead.
func (l *Log) ProposeErasure(ctx context.Context, by Actor, recipient RecipientID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		office, err := fileOffice(ctx, tx, recipient, AskErasure)
		if err != nil {
			return struct{}{}, err
		}
		if err := mayErase(ctx, tx, recipient); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, l.proposeErasure(ctx, tx, recipient, office, "subject_request")
	})
	return err
}

// mayErase refuses a file that is erased, held, in care, or whose time has not run.
func mayErase(ctx context.Context, tx txn, recipient RecipientID) error {
	var erased, isHeldNow, open, waiting bool
	var closedOn calendar.Date
	err := tx.QueryRow(ctx, `SELECT r.erased_at IS NOT NULL, `+fmt.Sprintf(isHeld, "r.id")+`,
			EXISTS (SELECT FROM care_plans WHERE recipient_id = r.id AND state <> 'closed'), (SELECT max(closed_on) FROM care_plans WHERE recipient_id = r.id),
			EXISTS (SELECT FROM alerts WHERE recipient_id = r.id AND level = 'red' AND state <> 'closed')
				OR EXISTS (SELECT FROM tasks WHERE recipient_id = r.id AND kind = 'mandatory_report' AND state = 'open')
		FROM recipients r WHERE r.id = $1`, recipient).Scan(&erased, &isHeldNow, &open, &closedOn, &waiting)
	if err != nil {
		return fmt.Errorf("read recipient: %w", err)
	}
	switch {
	case erased:
		return errErased
	case isHeldNow:
		return conflict("a legal hold keeps the file: lift it first")
	case open:
		return conflict("the plan is open: close it first")
	case waiting:
		return conflict("a red alert or a report the law demands is open: answer it first")
	}
	last, err := cutoff(ctx, tx, recipientFiles)
	if err != nil {
		return err
	}
	if closedOn.Before(last) {
		return nil
	}
	var months int
	if err := tx.QueryRow(ctx, "SELECT keep_months FROM retention_rules WHERE kind = $1 AND state = 'in_force'", recipientFiles).Scan(&months); err != nil {
		return fmt.Errorf("read the retention of files: %w", err)
	}
	return conflict("the file is kept until %s: restrict it, and erase it then", closedOn.AddMonths(months))
}

// EraseFile erases a file whose erasure was proposed. A supervisor of its office
// who did not propose it may; a repeat changes nothing. It cannot be taken back,
// and reaches backups only as they are overwritten (docs/erasure.md).
func (l *Log) EraseFile(ctx context.Context, by Actor, recipient RecipientID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		office, err := erases(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		var erased bool
		if err := tx.QueryRow(ctx, "SELECT erased_at IS NOT NULL FROM recipients WHERE id = $1", recipient).Scan(&erased); err != nil || erased {
			return struct{}{}, err
		}
		e, err := proposedErasure(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		if e.ProposedBy == by.User {
			return struct{}{}, forbidden("whoever proposed to erase the file may not do it")
		}
		if err := mayErase(ctx, tx, recipient); err != nil {
			return struct{}{}, err
		}
		if _, err := tx.Exec(ctx, "SELECT erase_file($1, $2)", e.ID, tx.now); err != nil {
			return struct{}{}, fmt.Errorf("erase the file: %w", err)
		}
		tx.audit(office, "file_erased", anyID(recipient), e.Ground)
		// The key is gone: the entry says that it happened, and nothing else.
		tx.append(happening{recipient: recipient, kind: "file_erased", subject: e.ID})
		return struct{}{}, nil
	})
	return err
}

// RejectErasure keeps a file whose erasure was proposed, with the reason; it is
// proposed again after a year at the earliest. A supervisor of its office may.
func (l *Log) RejectErasure(ctx context.Context, by Actor, recipient RecipientID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var p problems
		checkWhy(&p, why)
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		office, err := erases(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		e, err := proposedErasure(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		again := tx.today().AddMonths(erasedAgainIn)
		_, err = tx.Exec(ctx, "UPDATE erasures SET state = 'rejected', decided_by = $2, decided_at = $3, again_on = $4 WHERE id = $1", e.ID, by.User, tx.now, again)
		if err != nil {
			return struct{}{}, fmt.Errorf("reject erasure: %w", err)
		}
		tx.audit(office, "erasure_rejected", anyID(recipient), "")
		tx.append(happening{recipient: recipient, kind: "erasure_rejected", subject: e.ID, details: map[string]any{"reason": why, "again_on": again}})
		return struct{}{}, l.endTasks(ctx, tx, []string{erasureCause(recipient)}, "the file is kept")
	})
	return err
}

func erases(ctx context.Context, tx txn, recipient RecipientID) (OfficeID, error) {
	office, err := fileOffice(ctx, tx, recipient, ReadFile)
	if err == nil && (!tx.by.may(office, EraseAct) || tx.by.Kind != Person) {
		err = forbidden("only a supervisor of the office decides about erasing a file")
	}
	return office, err
}

const selectErasures = `SELECT e.id, e.recipient_id, e.ground, e.state, e.proposed_by, e.proposed_at, e.decided_by, e.decided_at, r.data_key, r.sealed
	FROM erasures e JOIN recipients r ON r.id = e.recipient_id WHERE `

func (l *Log) scanErasure(row pgx.CollectableRow) (e Erasure, err error) {
	var wrapped, sealed []byte
	err = row.Scan(&e.ID, &e.Recipient, &e.Ground, &e.State, &e.ProposedBy, &e.ProposedAt, &e.DecidedBy, &e.DecidedAt, &wrapped, &sealed)
	if err != nil {
		return e, err
	}
	facts, err := l.openRecipient(e.Recipient, wrapped, sealed)
	e.MaskedName = MaskName(facts.Name)
	return e, err
}

func proposedErasure(ctx context.Context, tx txn, recipient RecipientID) (e Erasure, err error) {
	err = tx.QueryRow(ctx, "SELECT id, ground, proposed_by FROM erasures WHERE recipient_id = $1 AND state = 'proposed' FOR UPDATE", recipient).Scan(&e.ID, &e.Ground, &e.ProposedBy)
	if none(err) {
		return e, conflict("nobody proposed to erase the file")
	}
	if err != nil {
		return e, fmt.Errorf("read the proposed erasure: %w", err)
	}
	return e, nil
}

// ErasureFilter chooses erasures.
type ErasureFilter struct {
	State string // empty: all
	Page  Page
}

// Erasures lists the erasures of the actor's offices in the order they were
// proposed: what a supervisor looks through before a file goes.
func (l *Log) Erasures(ctx context.Context, by Actor, f ErasureFilter) ([]Erasure, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list erasures")
	}
	return read(ctx, l, by, func(tx txn) ([]Erasure, error) {
		rows, err := tx.Query(ctx, selectErasures+`($1 OR r.office_id = ANY ($2)) AND ($3 = '' OR e.state = $3) AND e.id > $4 ORDER BY e.id LIMIT $5`,
			by.Kind == System, by.officesFor(ListWork), f.State, f.Page.afterOrFirst(), f.Page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list erasures: %w", err)
		}
		return pgx.CollectRows(rows, l.scanErasure)
	})
}
