package carelog

import (
	"context"
	"fmt"
)

// outcomePath begins what a try's outcome or a reported event asks for: a death
// rests the plan at once, a move and a refusal go to a person while care goes on.
// Of the check-in it reads the plan alone, so that an event may call it too. Any
// other outcome begins nothing, nor does one after the last plan was closed.
func (l *Log) outcomePath(ctx context.Context, tx txn, c checkIn, outcome string) error {
	begin := map[string]func(context.Context, txn, plan) error{
		"deceased": l.recipientDied, "moved": l.householdMoved, "refused": l.careRefused,
	}[outcome]
	if begin == nil || c.plan.IsZero() {
		return nil
	}
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil || p.state == "closed" {
		return err
	}
	return begin(ctx, tx, p)
}

func pathCauses(id PlanID) []string {
	return []string{"death_review:" + id.String(), "move_review:" + id.String(), "refusal_review:" + id.String()}
}

// recipientDied rests the plan until somebody has decided, within two working
// days, and stops every text to a contact about it: nobody is asked how somebody
// is who died.
func (l *Log) recipientDied(ctx context.Context, tx txn, p plan) error {
	if p.path == "death" {
		return nil
	}
	review := tx.cal(p.office).AddWorkdays(tx.today(), 2)
	_, err := tx.Exec(ctx, `UPDATE care_plans SET path = 'death', state = CASE state WHEN 'draft' THEN state ELSE 'paused' END, review_on = $2,
		reason = 'the recipient died: decide how it goes on', closing_by = NULL, closing_path = '', pause_act = NULL, updated_at = $3 WHERE id = $1`,
		p.id, review, tx.now)
	if err != nil {
		return fmt.Errorf("rest the plan: %w", err)
	}
	if err := l.cancelOpenWork(ctx, tx, p, whenDied); err != nil {
		return err
	}
	// Of the file, and the answers to what was said of it.
	for _, about := range []string{"recipient_id = $1", "inbound_id IN (SELECT inbound_id FROM inbound_answers WHERE recipient_id = $1)"} {
		_, err = tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
			WHERE `+about+` AND contact_id IS NOT NULL AND dispatch = 'planned'`, p.recipient, whenDied, tx.now)
		if err != nil {
			return fmt.Errorf("cancel the texts to contacts: %w", err)
		}
	}
	if err := l.endTasks(ctx, tx, append(pathCauses(p.id)[1:], closingCause(p.id)), whenDied); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "death_recorded", subject: anyID(p.id), details: map[string]any{"review_on": review}})
	return l.openTask(ctx, tx, newTask{
		kind: "death_review", cause: pathCauses(p.id)[0], office: p.office, recipient: p.recipient, plan: p.id,
		reason: "the recipient died: look at who is left in the household, then continue for them or propose the closing",
		actBy:  officerWindow.closes(review),
	})
}

// householdMoved leaves the plan running with its sender: find out where.
func (l *Log) householdMoved(ctx context.Context, tx txn, p plan) error {
	if err := setPath(ctx, tx, p, "moved"); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "move_recorded", subject: anyID(p.id)})
	return l.openTask(ctx, tx, newTask{
		kind: "move_review", cause: pathCauses(p.id)[1], office: p.office, recipient: p.recipient, plan: p.id,
		reason: "the household moved: find out where, then change the address or hand the plan to the office there",
		actBy:  officerWindow.closes(tx.cal(p.office).AddWorkdays(tx.today(), 2)),
	})
}

// careRefused leaves the plan running until a supervisor has decided.
func (l *Log) careRefused(ctx context.Context, tx txn, p plan) error {
	if p.path == "refusal_confirmed" {
		return nil
	}
	if err := setPath(ctx, tx, p, "refused"); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "refusal_recorded", subject: anyID(p.id)})
	return l.openTask(ctx, tx, newTask{
		kind: "refusal_review", cause: pathCauses(p.id)[2], office: p.office, recipient: p.recipient, plan: p.id,
		reason: "the household refused care: a supervisor decides whether it goes on, shrinks to one word a year, or may be closed",
		actBy:  officerWindow.closes(tx.cal(p.office).AddWorkdays(tx.today(), 3)),
	})
}

// setPath notes what waits for a decision. A death outweighs a refusal, which
// outweighs a move: its task is there all the same.
func setPath(ctx context.Context, tx txn, p plan, path string) error {
	_, err := tx.Exec(ctx, "UPDATE care_plans SET path = $2, updated_at = $3 WHERE id = $1 AND path = ANY ($4)", p.id, path, tx.now,
		map[string][]string{"moved": {""}, "refused": {"", "moved"}}[path])
	if err != nil {
		return fmt.Errorf("note what happened: %w", err)
	}
	return nil
}

// Continuation continues a plan for those who are left.
type Continuation struct {
	Alias  string // what texts to the contact call the household from now on; empty: as before
	Reason string // who is left; or that the death was recorded by mistake
}

// ContinueForHousehold takes a plan up again after a recorded death, for the
// household that is left. Officers and supervisors of the office may.
func (l *Log) ContinueForHousehold(ctx context.Context, by Actor, id PlanID, c Continuation) (Plan, error) {
	var probs problems
	probs.needsReason(c.Reason)
	if err := probs.err(); err != nil {
		return Plan{}, err
	}
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, ManagePlan) {
			return forbidden("only officers and supervisors of the office start its plans")
		}
		if p.path != "death" || p.state == "closed" {
			return conflict("no death is recorded: there is nothing to continue from")
		}
		if p.closingProposed() {
			return conflict("a closing is proposed: it is approved or rejected first")
		}
		if err := l.changeFacts(ctx, tx, p.recipient, newFacts{alias: c.Alias}); err != nil {
			return err
		}
		if err := l.continuePlan(ctx, tx, p); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_continued", subject: anyID(p.id), details: dropEmpty(map[string]any{"reason": c.Reason, "alias": c.Alias})})
		return l.endTasks(ctx, tx, pathCauses(p.id)[:1], "it was decided to continue for the household")
	})
}

func (l *Log) continuePlan(ctx context.Context, tx txn, p plan) error {
	draft := p.state == "draft"
	if !draft {
		p.state = "active"
	}
	_, err := tx.Exec(ctx, `UPDATE care_plans SET path = '', state = $2, reason = '', review_on = CASE $2 WHEN 'draft' THEN review_on END,
		rolled_until = CASE $2 WHEN 'draft' THEN rolled_until ELSE $3::date END, updated_at = $4 WHERE id = $1`,
		p.id, p.state, tx.today().AddDays(horizonDays+rollDays), tx.now)
	if err != nil {
		return fmt.Errorf("continue plan: %w", err)
	}
	if draft {
		return nil
	}
	if err := l.takeUpReview(ctx, tx, p.id); err != nil {
		return err
	}
	// A pause that the death found is over as well.
	if err := l.reviveLate(ctx, tx, p, whenDied, whilePaused); err != nil {
		return err
	}
	if err := reviveCheckIns(ctx, tx, p.id, whilePaused); err != nil {
		return err
	}
	return l.takeUpAgain(ctx, tx, p, whenDied)
}
