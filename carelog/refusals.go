package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// RefusalDecision is what a supervisor decides about a household that refused care.
type RefusalDecision struct {
	Decision string // go_on; minimal: one word a year; close: the closing may be proposed on the refusal path
	Reason   string
}

var refusalDecisions = []string{"go_on", "minimal", "close"}

const (
	minimalDecided = "minimal contact was decided"
	fullDecided    = "full care was decided"
)

// DecideRefusal decides about a recorded refusal, or takes a plan of minimal
// contact back to full care. Supervisors of the office may, less care only one who did
// not record the refusal; a running plan only,
// so that its next check-in exists whatever is decided.
func (l *Log) DecideRefusal(ctx context.Context, by Actor, id PlanID, d RefusalDecision) (Plan, error) {
	var probs problems
	if !slices.Contains(refusalDecisions, d.Decision) {
		probs.add("decision", isUnknown)
	}
	probs.needsReason(d.Reason)
	if err := probs.err(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, DecideRefusal) {
			return forbidden("a supervisor of the office decides about a refusal")
		}
		if !strings.HasPrefix(p.path, "refus") && (d.Decision != "go_on" || p.full.IsZero()) {
			return conflict("no refusal is recorded: there is nothing to decide")
		}
		if !p.running() || p.closingProposed() {
			return conflict("the plan is %s: only a running plan can be changed", p.shown().State)
		}
		if err := mayConfirmRefusal(ctx, tx, p, d.Decision); err != nil {
			return err
		}
		if err := l.applyRefusal(ctx, tx, p, d.Decision); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "refusal_decided", subject: anyID(p.id), details: map[string]any{"reason": d.Reason, "decision": d.Decision}})
		return l.endTasks(ctx, tx, pathCauses(p.id)[2:], "a supervisor decided about the refusal")
	})
}

// mayConfirmRefusal refuses that whoever brought the refusal also decides that
// the household is seen less: another supervisor does, or one of the office above.
func mayConfirmRefusal(ctx context.Context, tx txn, p plan, decision string) error {
	var recorded UserID
	err := tx.QueryRow(ctx, `SELECT recorded_by FROM check_in_records WHERE recipient_id = $1 AND outcome = 'refused'
		ORDER BY recorded_at DESC LIMIT 1`, p.recipient).Scan(&recorded)
	if err != nil && !none(err) {
		return fmt.Errorf("read who recorded the refusal: %w", err)
	}
	if decision != "go_on" && recorded == tx.by.User {
		return forbidden("whoever recorded the refusal does not decide that the household is seen less")
	}
	return nil
}

func (l *Log) applyRefusal(ctx context.Context, tx txn, p plan, decision string) error {
	path := ""
	if decision == "close" {
		path = "refusal_confirmed"
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET path = $2, updated_at = $3 WHERE id = $1", p.id, path, tx.now)
	if err != nil {
		return fmt.Errorf("decide about the refusal: %w", err)
	}
	switch {
	case decision == "minimal" && p.full.IsZero():
		var minimal TemplateID
		if err := tx.QueryRow(ctx, "SELECT id FROM plan_templates WHERE key = 'M' ORDER BY version DESC LIMIT 1").Scan(&minimal); err != nil {
			return fmt.Errorf("find the template of minimal contact: %w", err)
		}
		return l.changeTemplate(ctx, tx, p, templateChange{to: minimal, full: p.templateID, why: minimalDecided, revive: fullDecided})
	case decision == "go_on" && !p.full.IsZero():
		return l.changeTemplate(ctx, tx, p, templateChange{to: p.full, why: fullDecided, revive: minimalDecided})
	}
	return nil
}

// templateChange puts a running plan on another template. Full is what it may
// go back to; revive is the reason of what the opposite change cancelled.
type templateChange struct {
	to, full    TemplateID
	why, revive string
}

func (l *Log) changeTemplate(ctx context.Context, tx txn, p plan, c templateChange) error {
	if err := l.cancelOpenWork(ctx, tx, p, c.why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET template_id = $2, full_template_id = $3, template_since = $4, rolled_until = $5 WHERE id = $1",
		p.id, c.to, c.full, tx.today(), tx.today().AddDays(horizonDays+rollDays))
	if err != nil {
		return fmt.Errorf("change the plan's template: %w", err)
	}
	if p, err = l.lockPlan(ctx, tx, p.id); err != nil {
		return err
	}
	return l.takeUpAgain(ctx, tx, p, c.revive)
}
