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

// layAnew brings a running plan's check-ins in line with its template, tier,
// anchors and working days as they are now, and tells what moved, what is new
// (From no date) and what is dropped (To no date). Only what lies ahead moves: a
// check-in that is due today or before, that somebody agreed or moved, or about
// which a text went out already, keeps its date. A plan at rest keeps all; it is
// laid anew when it is resumed.
func (l *Log) layAnew(ctx context.Context, tx txn, p plan, why string) ([]Move, error) {
	if !p.running() {
		return nil, nil
	}
	changes, err := l.changesOf(ctx, tx, p, "FOR NO KEY UPDATE OF c")
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	var laid []schedule.Occurrence
	for _, c := range changes {
		switch {
		case c.laid():
			laid = append(laid, c.to)
		case c.dropped():
			err = l.supersede(ctx, tx, c.from.id, why)
		default:
			err = l.moveWindow(ctx, tx, p, c, why)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(laid) > 0 {
		if _, err := l.insertCheckIns(ctx, tx, p, laid); err != nil {
			return nil, err
		}
	}
	return movesOf(p, changes), l.planDueMessages(ctx, tx, p)
}

// previewAnew tells what layAnew would answer, and changes nothing.
func (l *Log) previewAnew(ctx context.Context, tx txn, p plan) ([]Move, error) {
	if !p.running() {
		return nil, nil
	}
	changes, err := l.changesOf(ctx, tx, p, "")
	return movesOf(p, changes), err
}

// aheadOf is a check-in as the plan has it, and whether it may be moved.
type aheadOf struct {
	numbered
	title, occasion string
	movable         bool
	byPhone         bool // it became a phone call because the village could not be asked, or kept silent
}

// change is one check-in that is not as the plan asks for it now. A new one comes
// from nothing, one that is no longer asked for goes to nothing.
type change struct {
	from aheadOf
	to   schedule.Occurrence
}

func (c change) laid() bool    { return c.from.id.IsZero() }
func (c change) dropped() bool { return c.to.N == 0 }

func movesOf(p plan, changes []change) []Move {
	var moves []Move
	for _, c := range changes {
		step := c.from.step
		if c.laid() {
			step = c.to.Step
		}
		if c.from.window.Due != c.to.Due {
			moves = append(moves, Move{CheckIn: c.from.id, Plan: p.id, Recipient: p.recipient, Step: step, From: c.from.window.Due, To: c.to.Due})
		}
	}
	return moves
}

// changesOf compares what a running plan has ahead with what it asks for now.
func (l *Log) changesOf(ctx context.Context, tx txn, p plan, lock string) ([]change, error) {
	asked, err := l.course(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	wanted := asked.between(tx.today().AddDays(1), tx.today().AddDays(horizonDays+rollDays))
	present, err := l.present(ctx, tx, p, wanted, lock)
	if err != nil {
		return nil, err
	}
	var changes []change
	there, ahead := map[place]bool{}, false
	for _, c := range present {
		there[place{c.step, c.n}] = true
		if !c.movable {
			ahead = ahead || c.state == "planned"
			continue
		}
		to := asked.anew(c, tx.today())
		if to.N == 0 {
			there[place{c.step, c.n}] = false
		}
		ahead = ahead || to.N > 0
		if to.N == 0 || c.differs(to) {
			changes = append(changes, change{c, to})
		}
	}
	for _, o := range wanted {
		if !there[place{o.Step, o.N}] {
			changes, ahead = append(changes, change{to: o}), true
		}
	}
	for after := tx.today(); !ahead; {
		next, err := asked.next(after)
		if err != nil {
			return nil, err
		}
		same, err := l.present(ctx, tx, p, []schedule.Occurrence{next}, lock)
		if err != nil {
			return nil, err
		}
		if ahead = len(same) == 0; ahead { // else it was moved forward and done already
			changes = append(changes, change{to: next})
		}
		after = next.Due
	}
	return changes, nil
}

// place names a check-in within its plan.
type place struct {
	step string
	n    int
}

// present are the plan's check-ins that are planned ahead, and those that stand
// in the place of a wanted one whatever became of them.
func (l *Log) present(ctx context.Context, tx txn, p plan, wanted []schedule.Occurrence, lock string) ([]aheadOf, error) {
	steps, numbers := make([]string, len(wanted)), make([]int, len(wanted))
	for i, o := range wanted {
		steps[i], numbers[i] = o.Step, o.N
	}
	rows, err := tx.Query(ctx, `SELECT c.id, c.step, c.n, c.kind, c.opens, c.due, c.closes, c.title, c.occasion, c.scored, c.asks_village, c.state,
			c.state = 'planned' AND c.due > $2 AND NOT c.fixed
				AND NOT EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.dispatch IN ('sending', 'accepted', 'unknown')), c.by_phone <> ''
		FROM check_ins c WHERE c.plan_id = $1 AND c.state NOT IN ('cancelled', 'superseded')
			AND (c.state = 'planned' AND c.due >= $3 OR (c.step, c.n) IN (SELECT * FROM unnest($4::text[], $5::int[])))
		ORDER BY c.due, c.id `+lock, p.id, tx.today(), tx.cal(p.office).RollBack(tx.today()), steps, numbers)
	if err != nil {
		return nil, fmt.Errorf("find check-ins to move: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c aheadOf, err error) {
		err = row.Scan(&c.id, &c.step, &c.n, &c.kind, &c.window.Opens, &c.window.Due, &c.window.Closes, &c.title, &c.occasion, &c.scored, &c.asks, &c.state, &c.movable, &c.byPhone)
		return c, err
	})
}

// anew is what a check-in ahead is to be; nothing when the plan does not ask for
// it any more. What would now lie behind is due on the first working day there is,
// unless the next of its step is due by then as well and stands for it.
func (c course) anew(has aheadOf, today calendar.Date) schedule.Occurrence {
	o, there := c.at(has.step, has.n)
	o = has.isByPhone(o)
	if !there || o.Kind != has.kind {
		return schedule.Occurrence{}
	}
	if o.Due.After(today) {
		return o
	}
	first, s := c.cal.NextWorkday(today), c.step(has.step)
	if next, repeats := c.at(has.step, has.n+1); repeats && !next.Due.After(first) {
		return schedule.Occurrence{}
	}
	o.Window = schedule.Window{Opens: first.AddDays(-s.LeadDays), Due: first, Closes: c.cal.AddWorkdays(first, s.GraceWorkdays)}
	return o
}

func (c aheadOf) differs(o schedule.Occurrence) bool {
	return c.window != o.Window || c.title != o.Title || c.occasion != o.Occasion || c.scored != o.Scored || c.asks != o.AsksVillage
}

// numbered is a check-in ahead with its place in its step.
type numbered struct {
	checkIn
	n int
}

// moveWindow makes a check-in what it is to be. Its texts are planned anew where
// the date or who is asked changed.
func (l *Log) moveWindow(ctx context.Context, tx txn, p plan, c change, why string) error {
	tx.pending.laid = true
	o, retold := c.to, c.from.window.Due != c.to.Due || c.from.asks != c.to.AsksVillage
	if retold {
		if err := l.cancelPlanned(ctx, tx, []CheckInID{c.from.id}, why); err != nil {
			return err
		}
	}
	if o.Exception != "" {
		why = o.Exception
	}
	_, err := tx.Exec(ctx, `UPDATE check_ins SET due = $2, opens = $3, closes = $4, title = $5, occasion = $6, scored = $7, asks_village = $8,
			reason = CASE WHEN $9 THEN $10 ELSE reason END, messages_from = $11, messages_planned = messages_planned AND NOT $9, updated_at = $12
		WHERE id = $1`, c.from.id, o.Due, o.Opens, o.Closes, o.Title, o.Occasion, o.Scored, o.AsksVillage,
		retold, why, messagesFrom(tx.cal(p.office), o.Kind, o.Due), tx.now)
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
