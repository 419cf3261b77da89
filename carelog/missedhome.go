package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// missedHome is the step of the home visit that R9 asks for. No template has it:
// it is laid beside the plan's own steps and stays where it is laid.
const (
	missedHome       = "missed-home"
	missedHomeTitle  = "多次未联系上后上门查看"
	missedHomeWithin = 2 // working days, and as many of grace
)

// visitAtHome lays the home visit to a household that nobody saw or reached (R9).
// Where an open home visit is due by then, that one is the thing to do; a plan at
// rest lays nothing down, and its officer gets a task.
func (j *judging) visitAtHome(ctx context.Context, t newTask) error {
	if !j.plan.running() {
		t.kind, t.reason = "home_visit", "nobody has seen or reached the household: visit it at home (R9)"
		return j.openTask(ctx, j.tx, t)
	}
	due := j.tx.cal(j.plan.office).AddWorkdays(j.tx.today(), missedHomeWithin)
	var waits bool
	var n int
	err := j.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM check_ins WHERE plan_id = $1 AND kind = 'home' AND opens <= $3 AND due <= $4
				AND state IN ('planned', 'overdue', 'missed')),
			coalesce((SELECT max(n) FROM check_ins WHERE plan_id = $1 AND step = $2), 0)`, j.plan.id, missedHome, j.tx.today(), due).Scan(&waits, &n)
	if err != nil {
		return fmt.Errorf("look for a home visit: %w", err)
	}
	if waits {
		return nil
	}
	o := schedule.Occurrence{
		Step: missedHome, N: n + 1, Occasion: missedHome, Title: missedHomeTitle, Kind: schedule.Home, Nominal: due, Scored: true,
		Window: schedule.Window{Opens: j.tx.today(), Due: due, Closes: j.tx.cal(j.plan.office).AddWorkdays(due, missedHomeWithin)},
	}
	if _, err := j.insertCheckIns(ctx, j.tx, j.plan, []schedule.Occurrence{o}); err != nil {
		return err
	}
	var id CheckInID
	err = j.tx.QueryRow(ctx, "UPDATE check_ins SET fixed = true WHERE plan_id = $1 AND step = $2 AND n = $3 AND state = 'planned' RETURNING id", j.plan.id, missedHome, n+1).Scan(&id)
	if err != nil {
		return fmt.Errorf("keep the home visit where it is: %w", err)
	}
	j.tx.append(happening{recipient: j.recipient, kind: "home_visit_due", actor: System, subject: anyID(id), details: map[string]any{"rule": "R9", "due": due}})
	return j.planDueMessages(ctx, j.tx, j.plan)
}

// noVisitNeeded ends the home visit that R9 asked for, once it no longer holds:
// somebody saw or reached the household, or what it rested on was corrected.
func (j *judging) noVisitNeeded(ctx context.Context, why string) error {
	if j.plan.id.IsZero() {
		return nil
	}
	rows, err := j.tx.Query(ctx, "SELECT id FROM check_ins WHERE plan_id = $1 AND step = $2 AND state IN ('planned', 'overdue', 'missed') ORDER BY id FOR NO KEY UPDATE",
		j.plan.id, missedHome)
	if err != nil {
		return fmt.Errorf("find the home visit: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find the home visit: %w", err)
	}
	for _, id := range ids {
		if err := j.Log.supersede(ctx, j.tx, id, why); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return j.ensureNext(ctx, j.tx, j.plan.id)
}
