package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// What a pause or a recorded death cancelled comes back as it was: rest is no way
// to be rid of what was late.

// whileResting is why a check-in whose date passed while its plan was at rest does
// not come back: a later one of its step does.
const whileResting = "its date passed while the plan was at rest"

// resting is a check-in that a plan's rest cancelled.
type resting struct {
	id     CheckInID
	step   string
	was    string // planned, overdue, missed
	due    calendar.Date
	closes calendar.Date
	actBy  *time.Time
}

// reviveLate opens again, of what was cancelled for these reasons, what was late
// when the plan came to rest, its old clock running; and of what fell due
// meanwhile the last of each step, late from today. What is still to come is left
// to reviveCheckIns, but for what is due since the last working day.
func (l *Log) reviveLate(ctx context.Context, tx txn, p plan, whys ...string) error {
	found, err := restingCheckIns(ctx, tx, p.id, whys)
	if err != nil {
		return err
	}
	var back struct{ late, due, lapsed, gone []CheckInID }
	floor, last := tx.dueFloor(p.office), map[string]bool{}
	for _, c := range found { // the latest first
		passed := c.due.Before(floor)
		if c.actBy != nil {
			passed = !c.actBy.After(tx.now)
		}
		switch {
		case c.was != "planned":
			back.late = append(back.late, c.id)
		case !passed && c.due.Before(tx.today()):
			back.due = append(back.due, c.id)
		case passed && !last[c.step]:
			back.lapsed = append(back.lapsed, c.id)
		case passed:
			back.gone = append(back.gone, c.id)
		}
		last[c.step] = last[c.step] || passed
	}
	_, err = tx.Exec(ctx, `UPDATE check_ins SET state = CASE WHEN id = ANY ($1) THEN cancelled_from ELSE 'planned' END, cancelled_from = '', reason = '',
			messages_planned = false, updated_at = $3 WHERE id = ANY ($1) OR id = ANY ($2)`, back.late, append(back.due, back.lapsed...), tx.now)
	if err != nil {
		return fmt.Errorf("open late check-ins again: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE check_ins SET cancelled_from = '', reason = $2, updated_at = $3 WHERE id = ANY ($1)", back.gone, whileResting, tx.now)
	if err != nil {
		return fmt.Errorf("let passed check-ins rest: %w", err)
	}
	if err := l.resumeLadders(ctx, tx, back.late, whys); err != nil {
		return err
	}
	return l.lateFromToday(ctx, tx, p, back.lapsed)
}

// restingCheckIns are what the plan's present rest cancelled and whose place
// nothing else took since, the latest first.
func restingCheckIns(ctx context.Context, tx txn, id PlanID, whys []string) ([]resting, error) {
	rows, err := tx.Query(ctx, `SELECT c.id, c.step, c.cancelled_from, c.due, c.closes, c.act_by FROM check_ins c
		WHERE c.plan_id = $1 AND c.state = 'cancelled' AND c.reason = ANY ($2) AND c.cancelled_from <> '' AND NOT EXISTS
			(SELECT FROM check_ins o WHERE o.plan_id = $1 AND o.step = c.step AND o.n = c.n AND o.id <> c.id
				AND (o.state NOT IN ('cancelled', 'superseded') OR (o.state = 'cancelled' AND o.reason = ANY ($2) AND o.cancelled_from <> '' AND o.id > c.id)))
		ORDER BY c.due DESC, c.id DESC FOR NO KEY UPDATE OF c`, id, whys)
	if err != nil {
		return nil, fmt.Errorf("find what the rest cancelled: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c resting, err error) {
		err = row.Scan(&c.id, &c.step, &c.was, &c.due, &c.closes, &c.actBy)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("find what the rest cancelled: %w", err)
	}
	return found, nil
}

// resumeLadders lets the escalations run on that the rest stopped, by their old
// clock: whoever stands on the highest rung that is due hears once more.
func (l *Log) resumeLadders(ctx context.Context, tx txn, ids []CheckInID, whys []string) error {
	_, err := tx.Exec(ctx, `UPDATE escalations SET state = 'running', stopped_at = NULL, stopped_why = '', rung = 0, told_at = NULL, next_at = $3
		WHERE id IN (SELECT DISTINCT ON (check_in_id) id FROM escalations WHERE check_in_id = ANY ($1) AND state = 'stopped' AND stopped_why = ANY ($2)
			ORDER BY check_in_id, stopped_at DESC, id DESC)`, ids, whys, tx.now)
	if err != nil {
		return fmt.Errorf("let escalations run on: %w", err)
	}
	found, err := findLate(ctx, tx, selectLadderless+"c.id = ANY ($1) ORDER BY c.due, c.id", ids)
	if err != nil {
		return err
	}
	for _, o := range found {
		if err := l.beginLadder(ctx, tx, o); err != nil {
			return err
		}
	}
	return nil
}

// selectLadderless finds late check-ins that no ladder runs for.
const selectLadderless = `SELECT c.id, c.office_id, c.plan_id, c.recipient_id, coalesce(c.first_due, c.due), t.key, c.act_by
	FROM check_ins c JOIN care_plans p ON p.id = c.plan_id JOIN plan_templates t ON t.id = p.template_id
	WHERE c.state IN ('overdue', 'missed') AND NOT EXISTS (SELECT FROM escalations e WHERE e.check_in_id = c.id AND e.state = 'running') AND `

// lateFromToday marks check-ins overdue that fell due while nobody was to make
// them: their ladder and their grace count from today. A real-time clock is the
// hour it was all the same.
func (l *Log) lateFromToday(ctx context.Context, tx txn, p plan, ids []CheckInID) error {
	found, err := findLate(ctx, tx, selectLate+"c.id = ANY ($1) ORDER BY c.due, c.id", ids)
	if err != nil || len(found) == 0 {
		return err
	}
	for i := range found {
		found[i].from = tx.today()
	}
	rows, err := tx.Query(ctx, "SELECT id, due, closes FROM check_ins WHERE id = ANY ($1) ORDER BY id", ids)
	if err != nil {
		return fmt.Errorf("read their grace: %w", err)
	}
	passed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c resting, err error) {
		err = row.Scan(&c.id, &c.due, &c.closes)
		return c, err
	})
	if err != nil {
		return fmt.Errorf("read their grace: %w", err)
	}
	cal := tx.cal(p.office)
	for _, c := range passed {
		closes := cal.AddWorkdays(tx.today(), max(cal.WorkdaysBetween(c.due, c.closes), 1))
		if _, err := tx.Exec(ctx, "UPDATE check_ins SET closes = $2 WHERE id = $1", c.id, closes); err != nil {
			return fmt.Errorf("give grace anew: %w", err)
		}
	}
	return l.becomeOverdue(ctx, tx, found)
}

// mayRest refuses that an officer alone lets a plan rest where something is late
// or a red alert is open.
func (l *Log) mayRest(ctx context.Context, tx txn, p plan) error {
	if tx.by.may(p.office, RestOverRed) {
		return nil
	}
	var waits bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM check_ins WHERE plan_id = $1 AND (state IN ('overdue', 'missed')
				OR state = 'planned' AND CASE WHEN real_time THEN act_by <= $3 ELSE due < $4 END))
			OR EXISTS (SELECT FROM alerts WHERE recipient_id = $2 AND level = 'red' AND state <> 'closed')`,
		p.id, p.recipient, tx.now, tx.dueFloor(p.office)).Scan(&waits)
	if err != nil {
		return fmt.Errorf("look for what waits: %w", err)
	}
	if waits {
		return forbidden("something is overdue or a red alert is open: a supervisor of the office decides whether the plan rests")
	}
	return nil
}
