package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// mostMoved is how many days past the date it had before the first move a check-in
// may be moved: what nobody can do for so long is a pause.
const mostMoved = 60

// RescheduleCheckIn moves an open check-in to a working day, with a reason. It
// may not be moved past 60 days after the date it had first, however often it is
// moved: what nobody can do for so long is a pause, which a person reviews. Texts
// planned for the old date are cancelled and planned anew. Officers of the office
// may; of what is overdue or missed a supervisor of the office, and it stays late:
// its escalation goes on. What runs on a real-time clock is never moved.
func (l *Log) RescheduleCheckIn(ctx context.Context, by Actor, id CheckInID, due calendar.Date, why string) (CheckIn, error) {
	return write(ctx, l, by, func(tx txn) (CheckIn, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return CheckIn{}, err
		}
		if !by.may(c.office, ManagePlan) {
			return CheckIn{}, forbidden("only officers and supervisors of the office move its check-ins")
		}
		if c.late(tx) && !by.may(c.office, MoveLate) {
			return CheckIn{}, forbidden("the check-in is late: a supervisor of the office decides whether it is moved")
		}
		if err := l.checkMove(tx, c, due, why); err != nil {
			return CheckIn{}, err
		}
		if err := l.moveCheckIn(ctx, tx, c, due); err != nil {
			return CheckIn{}, err
		}
		tx.append(happening{recipient: c.recipient, kind: "check_in_rescheduled", subject: anyID(id), details: map[string]any{
			"from": c.window.Due, "to": due, "reason": why,
		}})
		return l.oneCheckIn(ctx, tx, id)
	})
}

func (l *Log) checkMove(tx txn, c checkIn, due calendar.Date, why string) error {
	if err := c.movable(); err != nil {
		return err
	}
	var p problems
	switch {
	case due.IsZero():
		p.add("due", isRequired)
	case due.Before(tx.today()):
		p.add("due", isInPast)
	case due.After(c.firstDue.AddDays(mostMoved)):
		p.add("due", isOutsideWindow)
	case !tx.cal(c.office).IsWorkday(due):
		p.add("due", notAWorkday(tx.cal(c.office).RollForward(due)))
	}
	if strings.TrimSpace(why) == "" {
		p.add("reason", isRequired)
	}
	return p.err()
}

func (c checkIn) movable() error {
	switch {
	case !isOpen(c.state):
		return conflict("the check-in is %s: only an open one can be moved", c.state)
	case c.actBy != nil:
		return conflict("the check-in runs on a real-time clock: it is made, not moved")
	}
	return nil
}

// late tells whether the check-in is overdue or missed, marked by the sweep or not yet.
func (c checkIn) late(tx txn) bool {
	switch {
	case c.state != "planned":
		return isOpen(c.state)
	case c.actBy != nil:
		return !c.actBy.After(tx.now)
	default:
		return c.window.Due.Before(tx.dueFloor(c.office))
	}
}

func (l *Log) moveCheckIn(ctx context.Context, tx txn, c checkIn, due calendar.Date) error {
	w := c.window
	grace := tx.cal(c.office).WorkdaysBetween(w.Due, w.Closes)
	if due.Before(w.Opens) {
		w.Opens = due
	}
	w.Due, w.Closes = due, tx.cal(c.office).AddWorkdays(due, max(grace, 1))
	return l.fixCheckIn(ctx, tx, c, fixed{window: w, reason: "moved by an officer"})
}

// fixed is where a person put a check-in: no recalculation moves it from there.
type fixed struct {
	window schedule.Window
	at     *time.Time // of an appointment
	reason string
}

// fixCheckIn puts a check-in where a person wants it. Texts planned for the old
// date are cancelled and planned anew. What is late stays late: what the ladder
// tells goes on.
func (l *Log) fixCheckIn(ctx context.Context, tx txn, c checkIn, f fixed) error {
	if err := l.cancelReminders(ctx, tx, c.id, "the check-in was moved"); err != nil {
		return err
	}
	late := c.late(tx)
	if late && c.state == "planned" { // the sweep has not come by yet
		if err := l.catchUpOn(ctx, tx, c.id); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE check_ins SET first_due = coalesce(first_due, due), due = $2, opens = $3, closes = $4, reason = $5, fixed = true,
			appointed_at = $6, messages_from = $7, messages_planned = false, next_try_on = NULL, updated_at = $8 WHERE id = $1`,
		c.id, f.window.Due, f.window.Opens, f.window.Closes, f.reason, f.at, messagesFrom(tx.cal(c.office), c.kind, f.window.Due), tx.now)
	if err != nil {
		return fmt.Errorf("move check-in: %w", err)
	}
	if late {
		return l.planLate(ctx, tx, c.id)
	}
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return err
	}
	return l.planDueMessages(ctx, tx, p)
}

// catchUpOn does for one check-in what the sweep would do.
func (l *Log) catchUpOn(ctx context.Context, tx txn, id CheckInID) error {
	found, err := findLate(ctx, tx, selectLate+"c.id = $1", id)
	if err != nil {
		return err
	}
	return l.becomeOverdue(ctx, tx, found)
}

// cancelReminders cancels the planned reminders and requests about a check-in.
// What the ladder planned stays: it tells that something is late.
func (l *Log) cancelReminders(ctx context.Context, tx txn, id CheckInID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE check_in_id = $1 AND dispatch = 'planned' AND purpose IN ('officer_reminder', 'village_request')`, id, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel reminders: %w", err)
	}
	return nil
}

// planLate plans the reminders and requests of a late check-in for its new date.
func (l *Log) planLate(ctx context.Context, tx txn, id CheckInID) error {
	rows, err := tx.Query(ctx, selectToPlan+"c.id = $1 AND c.state IN ('overdue', 'missed')", id)
	if err != nil {
		return fmt.Errorf("find the check-in to plan for: %w", err)
	}
	due, err := pgx.CollectRows(rows, scanToPlan)
	if err != nil {
		return fmt.Errorf("find the check-in to plan for: %w", err)
	}
	return l.planMessagesOf(ctx, tx, due)
}
