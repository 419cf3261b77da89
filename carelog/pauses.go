package carelog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Reasons of what a pause or an end cancelled: what comes back opens the same
// check-ins again, so that nobody is texted twice about them.
const (
	whilePaused = "the plan was paused"
	whenClosed  = "the plan was closed"
	whenDied    = "the recipient died"
)

// PausePlan pauses a running plan until reviewOn, when somebody must decide. Its
// open check-ins and planned texts are cancelled with the reason, and come back as
// they were when it is resumed. Officers and supervisors of the office may; where
// something is overdue or a red alert is open, a supervisor alone.
func (l *Log) PausePlan(ctx context.Context, by Actor, id PlanID, reviewOn calendar.Date, why string) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		if err := checkPause(tx, reviewOn, why); err != nil {
			return Plan{}, err
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		if !by.may(p.office, ManagePlan) {
			return Plan{}, forbidden("only officers and supervisors of the office pause its plans")
		}
		if !p.running() {
			return Plan{}, conflict("the plan is %s: only a running plan can be paused", p.state)
		}
		if err := l.pausePlan(ctx, tx, p, newPause{reviewOn: reviewOn, why: why}); err != nil {
			return Plan{}, err
		}
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

func checkPause(tx txn, reviewOn calendar.Date, why string) error {
	var probs problems
	if strings.TrimSpace(why) == "" {
		probs.add("reason", isRequired)
	}
	switch {
	case reviewOn.IsZero():
		probs.add("review_on", isRequired)
	case !reviewOn.After(tx.today()):
		probs.add("review_on", isInPast)
	case reviewOn.After(tx.today().AddYears(1)):
		probs.add("review_on", isOutsideWindow)
	}
	return probs.err()
}

// newPause is a pause on its way in. Act joins the plans of a household that are
// paused together.
type newPause struct {
	reviewOn calendar.Date
	why      string
	act      anyID
}

func (l *Log) pausePlan(ctx context.Context, tx txn, p plan, n newPause) error {
	if err := l.mayRest(ctx, tx, p); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE care_plans SET state = 'paused', review_on = $2, reason = 'paused by an officer', closing_by = NULL, closing_path = '',
		pause_act = $3, updated_at = $4 WHERE id = $1`, p.id, n.reviewOn, n.act, tx.now)
	if err != nil {
		return fmt.Errorf("pause plan: %w", err)
	}
	if err := l.takeUpReview(ctx, tx, p.id); err != nil {
		return err
	}
	if err := l.cancelOpenWork(ctx, tx, p, whilePaused); err != nil {
		return err
	}
	if err := l.endTasks(ctx, tx, []string{closingCause(p.id)}, whilePaused); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_paused", subject: anyID(p.id), details: dropEmpty(map[string]any{
		"reason": n.why, "review_on": n.reviewOn, "with_household": !n.act.IsZero(),
	})})
	return nil
}

// PauseHousehold pauses the running plans of everybody of the plan's household
// in one act. A plan of theirs at another office is not touched. Whoever may pause
// each of them may (PausePlan).
func (l *Log) PauseHousehold(ctx context.Context, by Actor, id PlanID, reviewOn calendar.Date, why string) ([]Plan, error) {
	return write(ctx, l, by, func(tx txn) ([]Plan, error) {
		if err := checkPause(tx, reviewOn, why); err != nil {
			return nil, err
		}
		plans, err := l.lockHousehold(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		act := newID[plainKind](tx.now, l.random)
		var ids []PlanID
		for _, p := range plans {
			if !by.may(p.office, ManagePlan) {
				continue
			}
			if p.id == id && !p.running() {
				return nil, conflict("the plan is %s: only a running plan can be paused", p.state)
			}
			if !p.running() {
				continue
			}
			if err := l.pausePlan(ctx, tx, p, newPause{reviewOn: reviewOn, why: why, act: act}); err != nil {
				return nil, err
			}
			ids = append(ids, p.id)
		}
		return l.shownPlans(ctx, tx, ids)
	})
}

// ResumeHousehold resumes the plans that were paused in one act with the plan.
// One that rests for a reason of its own goes on resting. Officers and
// supervisors of the office may.
func (l *Log) ResumeHousehold(ctx context.Context, by Actor, id PlanID) ([]Plan, error) {
	return write(ctx, l, by, func(tx txn) ([]Plan, error) {
		plans, err := l.lockHousehold(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		var act anyID
		for _, p := range plans {
			if p.id == id {
				act = p.pauseAct
			}
		}
		if act.IsZero() {
			return nil, conflict("the plan was not paused together with its household: resume it alone")
		}
		var ids []PlanID
		for _, p := range plans {
			if p.pauseAct != act || p.state != "paused" || p.path == "death" || p.closingProposed() || !by.may(p.office, ManagePlan) {
				continue
			}
			if err := l.startPlan(ctx, tx, p.id, !freshPlan); err != nil {
				return nil, err
			}
			ids = append(ids, p.id)
		}
		return l.shownPlans(ctx, tx, ids)
	})
}

// lockHousehold locks the open plans of everybody of the plan's household, in
// the order of their ids.
func (l *Log) lockHousehold(ctx context.Context, tx txn, id PlanID) ([]plan, error) {
	var office OfficeID
	var recipient RecipientID
	err := tx.QueryRow(ctx, "SELECT office_id, recipient_id FROM care_plans WHERE id = $1", id).Scan(&office, &recipient)
	if none(err) {
		return nil, notFound("plan")
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if !tx.by.may(office, ManagePlan) {
		return nil, forbidden("only officers and supervisors of the office pause its plans")
	}
	rows, err := tx.Query(ctx, `SELECT id FROM care_plans WHERE state <> 'closed' AND (id = $1 OR recipient_id IN
		(SELECT o.recipient_id FROM household_links k JOIN household_links o ON o.household_id = k.household_id WHERE k.recipient_id = $2))
		ORDER BY id`, id, recipient)
	if err != nil {
		return nil, fmt.Errorf("find the household's plans: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return nil, fmt.Errorf("find the household's plans: %w", err)
	}
	plans := make([]plan, len(ids))
	for i, id := range ids {
		if plans[i], err = l.lockPlan(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

func (l *Log) shownPlans(ctx context.Context, tx txn, ids []PlanID) ([]Plan, error) {
	rows, err := tx.Query(ctx, selectPlans+"p.id = ANY ($1) ORDER BY p.id", ids)
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	plans, err := pgx.CollectRows(rows, l.scanPlan)
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	return plans, nil
}

// reviveCheckIns opens the check-ins again that were cancelled for a reason and
// whose date is still to come, unless their place was taken meanwhile.
func reviveCheckIns(ctx context.Context, tx txn, id PlanID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE check_ins c SET state = 'planned', cancelled_from = '', reason = '', messages_planned = false, updated_at = $3
		WHERE c.plan_id = $1 AND c.state = 'cancelled' AND c.reason = $4 AND c.due >= $2 AND NOT EXISTS
			(SELECT FROM check_ins o WHERE o.plan_id = $1 AND o.step = c.step AND o.n = c.n AND o.id <> c.id
				AND (o.state NOT IN ('cancelled', 'superseded') OR (o.state = 'cancelled' AND o.reason = $4 AND o.id > c.id)))`,
		id, tx.today(), tx.now, why)
	if err != nil {
		return fmt.Errorf("open check-ins again: %w", err)
	}
	return nil
}

// cancelOpenWork cancels a plan's open check-ins, asks and planned texts.
func (l *Log) cancelOpenWork(ctx context.Context, tx txn, p plan, why string) error {
	rows, err := tx.Query(ctx, `UPDATE check_ins SET state = 'cancelled', cancelled_from = state, reason = $2, updated_at = $3
		WHERE plan_id = $1 AND state IN ('planned', 'overdue', 'missed') RETURNING id`, p.id, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel check-ins: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("cancel check-ins: %w", err)
	}
	if err := l.settleAsks(ctx, tx, ids, why); err != nil {
		return err
	}
	return l.withdrawConfirmations(ctx, tx, p.id, why)
}

// closingProposed tells whether a closing waits for a supervisor. A plan at rest
// stays at rest meanwhile: nobody is asked about somebody who died.
func (p plan) closingProposed() bool { return p.state != "closed" && !p.closingBy.IsZero() }
