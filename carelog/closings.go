package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The paths on which a plan may be closed (domain 2 and 7). Exit asks for the
// exit rule; each of the others for what it is named after, recorded before.
const (
	exitPath    = "exit"
	deathPath   = "death"
	movedPath   = "moved_away" // and another body has accepted the household
	refusalPath = "refusal"    // and a supervisor has confirmed it
)

var closingPaths = []string{exitPath, deathPath, movedPath, refusalPath}

// ClosingProposal proposes the closing of a plan.
type ClosingProposal struct {
	Path   string // exit, death, moved_away, refusal; empty: exit
	Reason string // for moved_away: who has accepted the household
}

// ProposeClosing proposes to close a plan on one of the defined paths. It is
// refused with every unmet condition of the exit rule, or while what the path is
// named after is not recorded. Care goes on until a supervisor has decided; a
// plan that rests goes on resting. Officers and supervisors of the office may.
func (l *Log) ProposeClosing(ctx context.Context, by Actor, id PlanID, c ClosingProposal) (Plan, error) {
	if c.Path == "" {
		c.Path = exitPath
	}
	if err := c.check(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, ProposeClosing) {
			return forbidden("only officers and supervisors of the office close its plans")
		}
		return l.proposeClosing(ctx, tx, p, c)
	})
}

// changePlan locks a plan, does something to it and shows what became of it.
func (l *Log) changePlan(ctx context.Context, by Actor, id PlanID, do func(tx txn, p plan) error) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		if err := do(tx, p); err != nil {
			return Plan{}, err
		}
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

func (c ClosingProposal) check() error {
	var probs problems
	if !slices.Contains(closingPaths, c.Path) {
		probs.add("path", isUnknown)
	}
	probs.needsReason(c.Reason)
	return probs.err()
}

// maxReason is how much a person may write about a decision.
const maxReason = 2000 // bytes; some 660 Chinese characters

func (p *problems) needsReason(why string) {
	if strings.TrimSpace(why) == "" {
		p.add("reason", isRequired)
	} else if len(why) > maxReason {
		p.add("reason", isTooLong)
	}
}

// ClosePlan takes two people: the first call proposes the closing by the exit
// rule with a reason, the second, by a supervisor who did not propose it, closes
// the plan on whatever path was proposed. Nothing ever closes by itself.
func (l *Log) ClosePlan(ctx context.Context, by Actor, id PlanID, why string) (Plan, error) {
	if err := (ClosingProposal{Path: exitPath, Reason: why}).check(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		switch {
		case !by.may(p.office, ProposeClosing, ApproveClosing):
			return forbidden("only officers and supervisors of the office close its plans")
		case !p.closingProposed():
			return l.proposeClosing(ctx, tx, p, ClosingProposal{Path: exitPath, Reason: why})
		case !by.may(p.office, ApproveClosing):
			return forbidden("a supervisor has to approve the closing")
		case p.closingBy == by.User:
			return forbidden("whoever proposed the closing may not approve it")
		default:
			return l.approveClosing(ctx, tx, p, why)
		}
	})
}

// RejectClosing ends a proposed closing: care goes on as before. A supervisor of
// the office may, and whoever proposed it.
func (l *Log) RejectClosing(ctx context.Context, by Actor, id PlanID, why string) (Plan, error) {
	if err := (ClosingProposal{Path: exitPath, Reason: why}).check(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, ApproveClosing) && (p.closingBy != by.User || !by.may(p.office, ProposeClosing)) {
			return forbidden("a supervisor, or whoever proposed the closing, rejects it")
		}
		if !p.closingProposed() {
			return conflict("no closing is proposed")
		}
		// What runs needs no review; what rests keeps its own.
		_, err := tx.Exec(ctx, `UPDATE care_plans SET state = CASE state WHEN 'closing' THEN 'active' ELSE state END, closing_by = NULL, closing_path = '',
			review_on = CASE state WHEN 'closing' THEN NULL ELSE review_on END, updated_at = $2 WHERE id = $1`, p.id, tx.now)
		if err != nil {
			return fmt.Errorf("reject closing: %w", err)
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_closing_rejected", subject: anyID(p.id), details: map[string]any{"reason": why}})
		return l.endTasks(ctx, tx, []string{closingCause(p.id)}, "the closing was rejected")
	})
}

func closingCause(id PlanID) string { return "closing_approval:" + id.String() }

// pathRecorded is what each path asks to have happened before.
var pathRecorded = map[string]struct {
	path string
	why  reason
}{
	deathPath:   {"death", notRecordedDeath},
	movedPath:   {"moved", notRecordedMove},
	refusalPath: {"refusal_confirmed", notConfirmedRefusal},
}

func (l *Log) mayClose(ctx context.Context, tx txn, p plan, path string) error {
	var red bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM alerts WHERE recipient_id = $1 AND level = 'red' AND state <> 'closed')
		OR EXISTS (SELECT FROM tasks WHERE recipient_id = $1 AND kind = 'mandatory_report' AND state = 'open')`, p.recipient).Scan(&red)
	if err != nil {
		return fmt.Errorf("look for what is red: %w", err)
	}
	if red && path != exitPath {
		return conflict("a red alert or a report the law demands is open: it is answered before the plan is closed")
	}
	if path == exitPath {
		conditions, err := l.exitConditions(ctx, tx, p)
		if err != nil {
			return err
		}
		return unmet(conditions)
	}
	if needs := pathRecorded[path]; p.path != needs.path {
		return invalid("path", needs.why)
	}
	return nil
}

// proposeClosing leaves the plan as it runs or rests until a supervisor has decided.
func (l *Log) proposeClosing(ctx context.Context, tx txn, p plan, c ClosingProposal) error {
	switch {
	case p.closingProposed():
		return conflict("a closing is proposed: it is approved or rejected first")
	case p.state == "paused" && c.Path == exitPath:
		return conflict("the plan is paused: resume it first, so that care goes on until the closing is approved")
	case p.state == "closed", p.state == "draft" && c.Path == exitPath:
		return conflict("the plan is %s: only a running plan can be closed", p.state)
	}
	if err := l.mayClose(ctx, tx, p, c.Path); err != nil {
		return err
	}
	decideBy := tx.cal(p.office).AddWorkdays(tx.today(), 5)
	_, err := tx.Exec(ctx, `UPDATE care_plans SET state = CASE state WHEN 'active' THEN 'closing' ELSE state END, closing_by = $2, closing_path = $3,
		review_on = $4, updated_at = $5 WHERE id = $1`, p.id, tx.by.User, c.Path, decideBy, tx.now)
	if err != nil {
		return fmt.Errorf("propose closing: %w", err)
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_closing_proposed", subject: anyID(p.id), details: map[string]any{"reason": c.Reason, "path": c.Path}})
	return l.openTask(ctx, tx, newTask{
		kind: "closing_approval", cause: closingCause(p.id), office: p.office, recipient: p.recipient, plan: p.id,
		reason: "the closing of the plan is proposed: a supervisor who did not propose it approves or rejects it", actBy: officerWindow.closes(decideBy),
	})
}

// approveClosing looks at the conditions once more: much may have happened since.
func (l *Log) approveClosing(ctx context.Context, tx txn, p plan, why string) error {
	if err := l.mayClose(ctx, tx, p, p.closingPath); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET state = 'closed', closed_by = $2, closed_on = $4, review_on = NULL, pause_act = NULL, updated_at = $3 WHERE id = $1",
		p.id, tx.by.User, tx.now, tx.today())
	if err != nil {
		return fmt.Errorf("close plan: %w", err)
	}
	if err := l.cancelOpenWork(ctx, tx, p, whenClosed); err != nil {
		return err
	}
	if err := l.endWithPlan(ctx, tx, p); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_closed", subject: anyID(p.id), details: map[string]any{"reason": why, "path": p.closingPath}})
	return nil
}

// endWithPlan ends what waits about a plan that was closed: the offer to hand it
// over, the decisions, and its alerts.
func (l *Log) endWithPlan(ctx context.Context, tx txn, p plan) error {
	if err := l.lapseTransfer(ctx, tx, p); err != nil {
		return err
	}
	if err := l.endOpenAlerts(ctx, tx, p.recipient, whenClosed); err != nil {
		return err
	}
	return l.endTasks(ctx, tx, append(pathCauses(p.id), closingCause(p.id), "plan_review:"+p.id.String()), whenClosed)
}

func (l *Log) endOpenAlerts(ctx context.Context, tx txn, recipient RecipientID, why string) error {
	rows, err := tx.Query(ctx, "SELECT cause FROM alerts WHERE recipient_id = $1 AND state <> 'closed' ORDER BY id", recipient)
	if err != nil {
		return fmt.Errorf("find open alerts: %w", err)
	}
	causes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find open alerts: %w", err)
	}
	if len(causes) == 0 {
		return nil
	}
	return l.endAlerts(ctx, tx, endedAlerts{recipient: recipient, causes: causes, outcome: "superseded", why: why})
}

// ReopenPlan takes a closed plan up again, whatever made it needed: check-ins
// are laid from today on, the anchors stay, and no baseline is made twice. A
// recipient has one open plan only. Officers and supervisors of the office may.
func (l *Log) ReopenPlan(ctx context.Context, by Actor, id PlanID, why string) (Plan, error) {
	if err := (ClosingProposal{Path: exitPath, Reason: why}).check(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, ManagePlan) {
			return forbidden("only officers and supervisors of the office reopen its plans")
		}
		if p.state != "closed" {
			return conflict("the plan is %s: only a closed plan can be reopened", p.state)
		}
		if _, err := l.recipientKey(ctx, tx, p.recipient); err != nil {
			return err
		}
		if err := unrestricted(ctx, tx, p.recipient); err != nil {
			return err
		}
		if p.closingPath == "merged" {
			return conflict("the file was merged: go on with the plan of the file that stays")
		}
		if p.startedOn.IsZero() {
			p.startedOn = tx.today()
		}
		p.state = "active"
		horizon := tx.today().AddDays(horizonDays + rollDays)
		_, err := tx.Exec(ctx, `UPDATE care_plans SET state = 'active', path = '', closing_path = '', closing_by = NULL, closed_by = NULL, review_on = NULL,
			reason = '', started_on = $2, reopened_on = $3, rolled_until = $4, updated_at = $5 WHERE id = $1`, p.id, p.startedOn, tx.today(), horizon, tx.now)
		if err != nil {
			return fmt.Errorf("reopen plan: %w", err)
		}
		if err := l.takeUpAgain(ctx, tx, p, whenClosed); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_reopened", subject: anyID(p.id), details: map[string]any{"reason": why}})
		return l.judgeReopened(ctx, tx, p.recipient)
	})
}

// takeUpAgain opens what was cancelled for a reason, lays check-ins from today
// on and plans their texts.
func (l *Log) takeUpAgain(ctx context.Context, tx txn, p plan, cancelled string) error {
	if err := reviveCheckIns(ctx, tx, p.id, cancelled); err != nil {
		return err
	}
	if _, err := l.layCheckIns(ctx, tx, p, tx.today(), tx.today().AddDays(horizonDays+rollDays)); err != nil {
		return err
	}
	return l.planDueMessages(ctx, tx, p)
}
