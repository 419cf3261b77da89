package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// Move is a check-in that a change of calendar, template, tier or anchor moves.
// From is no date when the change adds it, To when the change drops it.
type Move struct {
	CheckIn   CheckInID     `json:"check_in_id"`
	Plan      PlanID        `json:"plan_id"`
	Recipient RecipientID   `json:"recipient_id"`
	Step      string        `json:"step"`
	From      calendar.Date `json:"from"`
	To        calendar.Date `json:"to"`
}

// layAnew brings a running plan's check-ins in line with its template, anchors
// and working days as they are now, and tells what moved. Only what lies ahead
// moves: a check-in that is due today or before, that somebody agreed or moved,
// or about which a text went out already, keeps its date.
func (l *Log) layAnew(ctx context.Context, tx txn, p plan, why string) ([]Move, error) {
	ahead, err := l.movable(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	var moves []Move
	for _, c := range ahead {
		o, there := schedule.At(p.template, p.anchors(), c.step, c.n, tx.cal(p.office))
		if !there {
			moves = append(moves, Move{CheckIn: c.id, Plan: p.id, Recipient: p.recipient, Step: c.step, From: c.window.Due})
			if err := l.supersede(ctx, tx, c.id, why); err != nil {
				return nil, err
			}
			continue
		}
		window := notBefore(o.Window, tx.cal(p.office).NextWorkday(tx.today()), tx.cal(p.office), p.template, c.step)
		if window == c.window {
			continue
		}
		if err := l.moveWindow(ctx, tx, p, c, window, why); err != nil {
			return nil, err
		}
		if window.Due != c.window.Due {
			moves = append(moves, Move{CheckIn: c.id, Plan: p.id, Recipient: p.recipient, Step: c.step, From: c.window.Due, To: window.Due})
		}
	}
	if _, err := l.layCheckIns(ctx, tx, p, tx.today().AddDays(1), tx.today().AddDays(horizonDays+rollDays)); err != nil {
		return nil, err
	}
	return moves, l.planDueMessages(ctx, tx, p)
}

// numbered is a check-in ahead with its place in its step.
type numbered struct {
	checkIn
	n int
}

// movable are the plan's check-ins ahead that nobody has fixed or been texted about.
func (l *Log) movable(ctx context.Context, tx txn, p plan) ([]numbered, error) {
	rows, err := tx.Query(ctx, `SELECT c.id, c.step, c.n, c.kind, c.opens, c.due, c.closes FROM check_ins c
		WHERE c.plan_id = $1 AND c.state = 'planned' AND c.due > $2 AND NOT c.fixed
			AND NOT EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.dispatch IN ('sending', 'accepted', 'unknown'))
		ORDER BY c.due, c.id FOR NO KEY UPDATE OF c`, p.id, tx.today())
	if err != nil {
		return nil, fmt.Errorf("find check-ins to move: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c numbered, err error) {
		err = row.Scan(&c.id, &c.step, &c.n, &c.kind, &c.window.Opens, &c.window.Due, &c.window.Closes)
		return c, err
	})
}

// notBefore keeps a moved window in the future: what would now lie behind is due
// on the first working day there is.
func notBefore(w schedule.Window, first calendar.Date, cal *calendar.Calendar, t schedule.Template, step string) schedule.Window {
	if !w.Due.Before(first) {
		return w
	}
	for _, s := range t.Steps {
		if s.Key == step {
			return schedule.Window{Opens: first.AddDays(-s.LeadDays), Due: first, Closes: cal.AddWorkdays(first, s.GraceWorkdays)}
		}
	}
	return w
}

func (l *Log) moveWindow(ctx context.Context, tx txn, p plan, c numbered, w schedule.Window, why string) error {
	tx.pending.laid = true
	if err := l.cancelPlanned(ctx, tx, []CheckInID{c.id}, why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE check_ins SET due = $2, opens = $3, closes = $4, reason = $5, messages_from = $6, messages_planned = false, updated_at = $7
		WHERE id = $1`, c.id, w.Due, w.Opens, w.Closes, why, messagesFrom(tx.cal(p.office), c.kind, w.Due), tx.now)
	if err != nil {
		return fmt.Errorf("move check-in: %w", err)
	}
	return nil
}

// supersede ends a check-in that the plan no longer asks for.
func (l *Log) supersede(ctx context.Context, tx txn, id CheckInID, why string) error {
	_, err := tx.Exec(ctx, "UPDATE check_ins SET state = 'superseded', reason = $2, updated_at = $3 WHERE id = $1", id, why, tx.now)
	if err != nil {
		return fmt.Errorf("supersede check-in: %w", err)
	}
	return l.settleAsks(ctx, tx, []CheckInID{id}, why)
}
