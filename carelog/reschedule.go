package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// mostMoved is how many days past its due date, or past today, a check-in may be
// moved: what nobody can do for so long is a pause.
const mostMoved = 60

// RescheduleCheckIn moves an open check-in to a working day, with a reason. It
// may not be moved past 60 days after its due date: what nobody can do for so
// long is a pause, which a person reviews. Texts planned for the old date are
// cancelled and planned anew. Officers of the office may.
func (l *Log) RescheduleCheckIn(ctx context.Context, by Actor, id CheckInID, due calendar.Date, why string) (CheckIn, error) {
	return write(ctx, l, by, func(tx txn) (CheckIn, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return CheckIn{}, err
		}
		if !by.mayAny(c.office, Officer, Supervisor) {
			return CheckIn{}, forbidden("only officers and supervisors of the office move its check-ins")
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
	if !isOpen(c.state) {
		return conflict("the check-in is %s: only an open one can be moved", c.state)
	}
	var p problems
	switch {
	case due.IsZero():
		p.add("due", isRequired)
	case due.Before(tx.today()):
		p.add("due", isInPast)
	case due.After(c.window.Due.AddDays(mostMoved)) && due.After(tx.today().AddDays(mostMoved)):
		p.add("due", isOutsideWindow)
	case !tx.cal(c.office).IsWorkday(due):
		p.add("due", notAWorkday(tx.cal(c.office).RollForward(due)))
	}
	if strings.TrimSpace(why) == "" {
		p.add("reason", isRequired)
	}
	return p.err()
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
// date are cancelled and planned anew.
func (l *Log) fixCheckIn(ctx context.Context, tx txn, c checkIn, f fixed) error {
	if err := l.stopEscalations(ctx, tx, []CheckInID{c.id}, nil, "the check-in was moved"); err != nil {
		return err
	}
	if err := l.cancelPlanned(ctx, tx, []CheckInID{c.id}, "the check-in was moved"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE check_ins SET due = $2, opens = $3, closes = $4, state = 'planned', reason = $5, fixed = true, appointed_at = $6,
			messages_from = $7, messages_planned = false, next_try_on = NULL, updated_at = $8 WHERE id = $1`,
		c.id, f.window.Due, f.window.Opens, f.window.Closes, f.reason, f.at, messagesFrom(tx.cal(c.office), c.kind, f.window.Due), tx.now)
	if err != nil {
		return fmt.Errorf("move check-in: %w", err)
	}
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return err
	}
	return l.planDueMessages(ctx, tx, p)
}
