package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// InstalmentChange ties an instalment to another check-in, or another day.
type InstalmentChange struct {
	CheckIn CheckInID     // zero: as it is
	DueOn   calendar.Date // zero: as it is
	Reason  string
}

// waitingInstalment is an instalment's row as the verbs work on it.
type waitingInstalment struct {
	id        InstalmentID
	n         int
	recipient RecipientID
	office    OfficeID
	amount    int64
	dueOn     calendar.Date
	checkIn   CheckInID
	state     string
	drawnUpBy UserID
}

func lockInstalment(ctx context.Context, tx txn, id InstalmentID) (waitingInstalment, error) {
	n := waitingInstalment{id: id}
	err := tx.QueryRow(ctx, `SELECT n.n, n.recipient_id, r.office_id, n.amount_fen, n.due_on, n.check_in_id, n.state, n.drawn_up_by
		FROM instalments n JOIN recipients r ON r.id = n.recipient_id WHERE n.id = $1 FOR UPDATE OF n`, id).
		Scan(&n.n, &n.recipient, &n.office, &n.amount, &n.dueOn, &n.checkIn, &n.state, &n.drawnUpBy)
	if none(err) {
		return n, notFound("instalment")
	}
	if err != nil {
		return n, fmt.Errorf("read instalment: %w", err)
	}
	return n, nil
}

// TieInstalment names the open check-in before which an instalment is not released,
// or moves its day, with a reason: a check-in may be superseded by another. Officers
// and supervisors of the office may. Refusals: Invalid, NotFound, Forbidden, Conflict
// when it is released.
func (l *Log) TieInstalment(ctx context.Context, by Actor, id InstalmentID, c InstalmentChange) (Funds, error) {
	return write(ctx, l, by, func(tx txn) (Funds, error) {
		n, err := lockInstalment(ctx, tx, id)
		if err != nil {
			return Funds{}, err
		}
		if !by.may(n.office, KeepFunds) {
			return Funds{}, forbidden("only officers and supervisors of the office change an instalment")
		}
		if n.state != "waiting" {
			return Funds{}, conflict("the instalment is released")
		}
		var p problems
		p.needsReason(c.Reason)
		if c.CheckIn.IsZero() && c.DueOn.IsZero() {
			p.add("check_in_id", isRequired)
		}
		if !c.DueOn.IsZero() && c.DueOn.Before(tx.today()) {
			p.add("due_on", isInPast)
		}
		if err := namesOpenCheckIn(ctx, tx, &p, "check_in_id", c.CheckIn, n.recipient); err != nil {
			return Funds{}, err
		}
		if err := p.err(); err != nil {
			return Funds{}, err
		}
		if c.DueOn.IsZero() {
			c.DueOn = n.dueOn
		}
		_, err = tx.Exec(ctx, "UPDATE instalments SET check_in_id = coalesce($2, check_in_id), due_on = $3, look_on = greatest($3::date + 1, look_on) WHERE id = $1", id, c.CheckIn, c.DueOn)
		if err != nil {
			return Funds{}, fmt.Errorf("change instalment: %w", err)
		}
		tx.append(happening{recipient: n.recipient, kind: "instalment_changed", subject: anyID(id), details: dropEmpty(map[string]any{
			"instalment": n.n, "due_on": c.DueOn, "check_in_id": c.CheckIn.String(), "reason": c.Reason,
		})})
		if c.DueOn.After(n.dueOn) {
			if err := l.endTasks(ctx, tx, []string{lateInstalment(id)}, "the instalment has another day"); err != nil {
				return Funds{}, err
			}
		}
		return l.fundsAfter(ctx, tx, n.recipient)
	})
}

// ReleaseInstalment releases a part of the award after its named check-in was
// completed with the questions about the money answered. A supervisor of the office
// may who neither drew the agreement up nor made or recorded that visit; not while a
// red alert of the household is open. The release is written down; who transfers the
// money is no part of this service. Refusals: NotFound, Forbidden, Conflict.
func (l *Log) ReleaseInstalment(ctx context.Context, by Actor, id InstalmentID) (Funds, error) {
	return write(ctx, l, by, func(tx txn) (Funds, error) {
		n, err := lockInstalment(ctx, tx, id)
		if err != nil {
			return Funds{}, err
		}
		switch {
		case by.Kind != Person || !by.may(n.office, ReleaseFunds):
			return Funds{}, forbidden("a supervisor of the office releases an instalment")
		case n.drawnUpBy == by.User:
			return Funds{}, forbidden("whoever drew the agreement up releases nothing of it")
		case n.state != "waiting":
			return Funds{}, conflict("the instalment is released")
		case n.checkIn.IsZero():
			return Funds{}, conflict("no check-in is named before which it is not released: name one")
		}
		if err := l.moneyAnswered(ctx, tx, n); err != nil {
			return Funds{}, err
		}
		_, err = tx.Exec(ctx, "UPDATE instalments SET state = 'released', released_by = $2, released_at = $3, look_on = NULL WHERE id = $1", id, by.User, tx.now)
		if err != nil {
			return Funds{}, fmt.Errorf("release instalment: %w", err)
		}
		tx.append(happening{recipient: n.recipient, kind: "instalment_released", subject: anyID(id), details: map[string]any{
			"instalment": n.n, "amount_fen": n.amount, "check_in_id": n.checkIn,
		}})
		if err := l.endTasks(ctx, tx, []string{lateInstalment(id)}, "the instalment was released"); err != nil {
			return Funds{}, err
		}
		return l.fundsAfter(ctx, tx, n.recipient)
	})
}

// moneyAnswered refuses where the named check-in is not done, left the questions about
// the money open, was made by who now releases, or where a red alert is open.
func (l *Log) moneyAnswered(ctx context.Context, tx txn, n waitingInstalment) error {
	var red bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM alerts WHERE recipient_id = $1 AND level = 'red' AND state <> 'closed')", n.recipient).Scan(&red)
	if err != nil {
		return fmt.Errorf("look for what is red: %w", err)
	}
	if red {
		return conflict("a red alert of the household is open: it is answered before money is released")
	}
	var record RecordID
	var recordedBy UserID
	var officers []UserID
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT b.id, b.recorded_by, b.officers, b.sealed FROM check_in_records b JOIN check_ins c ON c.id = b.check_in_id AND c.state = 'done'
		WHERE c.id = $1 AND b.superseded_by IS NULL AND b.outcome = 'reached' ORDER BY b.recorded_at DESC LIMIT 1`, n.checkIn).
		Scan(&record, &recordedBy, &officers, &sealed)
	if none(err) {
		return conflict("the named check-in is not done: the instalment waits for it")
	}
	if err != nil {
		return fmt.Errorf("read the named check-in: %w", err)
	}
	for _, officer := range append(officers, recordedBy) {
		if officer == tx.by.User {
			return forbidden("whoever made or recorded the visit does not release what waits for it")
		}
	}
	key, err := l.recipientKey(ctx, tx, n.recipient)
	if err != nil {
		return err
	}
	said, err := crypt.OpenJSON[CheckInRecord](key, sealed, "check_in_records.sealed/"+record.String())
	if err != nil {
		return fmt.Errorf("open record %s: %w", record, err)
	}
	if !said.askedOfMoney() || said.UseOfMoney == "" && len(said.Uses) == 0 {
		return conflict("the named check-in left the questions about the money open: receipt, demands and what it was used for are answered first")
	}
	return nil
}

func (l *Log) fundsAfter(ctx context.Context, tx txn, recipient RecipientID) (Funds, error) {
	f, err := l.openFile(ctx, tx, recipient)
	if err != nil {
		return Funds{}, err
	}
	return l.fundsOf(ctx, tx, f)
}

func lateInstalment(id InstalmentID) string { return "instalment_late:" + id.String() }

// lateInstalmentAgain is after how many days a waiting instalment is looked at again.
const lateInstalmentAgain = 7

// WatchInstalments makes a task of each instalment that waits past its day, at most
// limit at once, and tells how many it looked at. It costs what is due.
func (l *Log) WatchInstalments(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, `SELECT n.id, n.recipient_id, r.office_id, n.check_in_id FROM instalments n JOIN recipients r ON r.id = n.recipient_id
			WHERE n.look_on <= $1 ORDER BY n.look_on, n.id LIMIT $2 FOR UPDATE OF n SKIP LOCKED`, tx.today(), limit)
		if err != nil {
			return 0, fmt.Errorf("find instalments to look at: %w", err)
		}
		late, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n waitingInstalment, err error) {
			err = row.Scan(&n.id, &n.recipient, &n.office, &n.checkIn)
			return n, err
		})
		if err != nil {
			return 0, fmt.Errorf("find instalments to look at: %w", err)
		}
		for _, n := range late {
			err := l.openTask(ctx, tx, newTask{
				kind: "instalment_late", cause: lateInstalment(n.id), office: n.office, recipient: n.recipient, checkIn: n.checkIn,
				reason: "an instalment of the award waits past its day: make the visit it waits for and have it released, or give it another day",
				actBy:  officerWindow.closes(tx.cal(n.office).AddWorkdays(tx.today(), 2)),
			})
			if err != nil {
				return 0, err
			}
			if _, err := tx.Exec(ctx, "UPDATE instalments SET look_on = $2 WHERE id = $1", n.id, tx.today().AddDays(lateInstalmentAgain)); err != nil {
				return 0, fmt.Errorf("set the next look: %w", err)
			}
		}
		return len(late), nil
	})
}
