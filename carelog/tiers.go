package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercare/carelog/calendar"
)

// tiers in the order of how closely a household is looked after.
var tiers = []string{"green", "amber", "red"}

func tierRank(tier string) int { return slices.Index(tiers, tier) }

// calmDays is how far apart the first and the last assessment without a hit must
// be before a tier may go down (domain 3).
const calmDays = 30

// Tier is how closely a household is looked after.
type Tier struct {
	Plan     PlanID        `json:"plan_id"`
	Tier     string        `json:"tier"` // green, amber, red
	Since    calendar.Date `json:"since"`
	Proposed string        `json:"proposed"` // a lower tier that awaits a decision
}

// ProposeTierDown proposes that a household be looked after less closely, with a
// reason. It takes two assessments that count, at least 30 days apart, since the
// last hit of any rule; or that every hit behind the last rise was superseded by
// a correction, then back to the tier before. Officers and supervisors of the
// office may; another person decides.
func (l *Log) ProposeTierDown(ctx context.Context, by Actor, id PlanID, tier, why string) (Tier, error) {
	if err := checkTier(tier, why); err != nil {
		return Tier{}, err
	}
	return write(ctx, l, by, func(tx txn) (Tier, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Tier{}, err
		}
		if by.Kind != Person || !by.may(p.office, ProposeTier) {
			return Tier{}, forbidden("only officers and supervisors of the office propose its tiers")
		}
		if tierRank(tier) >= tierRank(p.tier) {
			return Tier{}, conflict("the plan is looked after as %s already: propose a lower tier", p.tier)
		}
		if err := l.mayLower(ctx, tx, p, tier); err != nil {
			return Tier{}, err
		}
		if err := overtakeProposals(ctx, tx, id); err != nil {
			return Tier{}, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO tier_changes (id, recipient_id, plan_id, from_tier, to_tier, state, by_rules, proposed_by, proposed_at)
			VALUES ($1, $2, $3, $4, $5, 'proposed', false, $6, $7)`, newID[plainKind](tx.now, l.random), p.recipient, id, p.tier, tier, by.User, tx.now)
		if err != nil {
			return Tier{}, fmt.Errorf("propose tier: %w", err)
		}
		tx.append(happening{recipient: p.recipient, kind: "tier_down_proposed", subject: anyID(id), details: map[string]any{"level": tier, "was_level": p.tier, "reason": why}})
		return Tier{id, p.tier, p.tierSince, tier}, nil
	})
}

// DecideTier sets a plan's tier with a reason. Up: an officer or supervisor of the
// office, at once. Down: a supervisor of the office, after a proposal that is not
// their own, by a person or by the rules; the conditions of ProposeTierDown must
// still hold. To keep the tier as it is refuses the proposal.
func (l *Log) DecideTier(ctx context.Context, by Actor, id PlanID, tier, why string) (Tier, error) {
	if err := checkTier(tier, why); err != nil {
		return Tier{}, err
	}
	return write(ctx, l, by, func(tx txn) (Tier, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Tier{}, err
		}
		if by.Kind != Person || !by.may(p.office, ProposeTier) {
			return Tier{}, forbidden("only officers and supervisors of the office decide its tiers")
		}
		if p.state == "closed" {
			return Tier{}, conflict("the plan is closed: no tier is decided any more")
		}
		switch {
		case tierRank(tier) > tierRank(p.tier):
			err = l.changeTier(ctx, tx, &p, tierChange{to: tier, details: map[string]any{"reason": why}})
		case tier == p.tier:
			err = l.refuseTier(ctx, tx, p, why)
		default:
			err = l.lowerTier(ctx, tx, &p, tier, why)
		}
		return Tier{Plan: id, Tier: p.tier, Since: p.tierSince}, err
	})
}

func checkTier(tier, why string) error {
	var p problems
	if tierRank(tier) < 0 {
		p.add("tier", isUnknown)
	}
	if strings.TrimSpace(why) == "" {
		p.add("reason", isRequired)
	} else if len(why) > 8000 {
		p.add("reason", isTooLong)
	}
	return p.err()
}

// proposal is a lower tier that awaits a decision.
type proposal struct {
	id, by  anyID
	to      string
	byRules bool
}

func openProposal(ctx context.Context, tx txn, id PlanID) (proposal, error) {
	var p proposal
	err := tx.QueryRow(ctx, "SELECT id, proposed_by, to_tier, by_rules FROM tier_changes WHERE plan_id = $1 AND state = 'proposed' FOR UPDATE", id).
		Scan(&p.id, &p.by, &p.to, &p.byRules)
	if none(err) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read the proposed tier: %w", err)
	}
	return p, nil
}

func (l *Log) refuseTier(ctx context.Context, tx txn, p plan, why string) error {
	proposed, err := openProposal(ctx, tx, p.id)
	if err != nil {
		return err
	}
	if proposed.id.IsZero() {
		return conflict("the plan is looked after as %s already, and no other tier is proposed", p.tier)
	}
	if !tx.by.may(p.office, LowerTier) {
		return forbidden("a supervisor has to decide about a lower tier")
	}
	_, err = tx.Exec(ctx, "UPDATE tier_changes SET state = 'refused', decided_by = $2, decided_at = $3 WHERE id = $1", proposed.id, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("refuse tier: %w", err)
	}
	tx.append(happening{recipient: p.recipient, kind: "tier_kept", subject: anyID(p.id), details: map[string]any{"level": p.tier, "reason": why}})
	return l.endTasks(ctx, tx, []string{tierTask(p)}, "a supervisor decided about the tier")
}

func (l *Log) lowerTier(ctx context.Context, tx txn, p *plan, tier, why string) error {
	proposed, err := openProposal(ctx, tx, p.id)
	switch {
	case err != nil:
		return err
	case !tx.by.may(p.office, LowerTier):
		return forbidden("a supervisor has to decide about a lower tier")
	case proposed.id.IsZero():
		return conflict("nobody has proposed a lower tier: propose it first, and another person decides")
	case proposed.by == anyID(tx.by.User):
		return forbidden("whoever proposed the lower tier may not decide about it")
	case tierRank(tier) < tierRank(proposed.to):
		return conflict("only the tier %s is proposed: propose a lower one first", proposed.to)
	}
	if err := l.mayLower(ctx, tx, *p, tier); err != nil {
		return err
	}
	return l.changeTier(ctx, tx, p, tierChange{to: tier, proposed: proposed, details: map[string]any{"reason": why, "proposed_by": proposed.by.String()}})
}

// tierChange is a change on its way: by the rules, by hand, or of a proposal.
type tierChange struct {
	to       string
	byRules  bool
	proposed proposal
	details  map[string]any
}

// changeTier sets the tier and lays the plan anew under it: extra steps come at
// once, and go with a lower tier.
func (l *Log) changeTier(ctx context.Context, tx txn, p *plan, c tierChange) error {
	was := p.tier
	c.details["level"], c.details["was_level"] = c.to, was
	kind, why := "tier_raised", "the tier rose to "+c.to
	if tierRank(c.to) < tierRank(was) {
		kind, why = "tier_lowered", "the tier was lowered to "+c.to
	}
	if err := l.noteTierChange(ctx, tx, *p, c); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET tier = $2, tier_since = $3, updated_at = $4 WHERE id = $1", p.id, c.to, tx.today(), tx.now)
	if err != nil {
		return fmt.Errorf("set the tier: %w", err)
	}
	h := happening{recipient: p.recipient, kind: kind, subject: anyID(p.id), details: c.details}
	if c.byRules {
		h.actor = System
	}
	tx.append(h)
	if err := l.endTasks(ctx, tx, []string{tierTask(*p)}, why); err != nil {
		return err
	}
	p.tier, p.tierSince = c.to, tx.today()
	if p.state != "active" && p.state != "closing" {
		return nil // a draft or a paused plan is laid down when it starts
	}
	_, err = l.layAnew(ctx, tx, *p, why)
	return err
}

// noteTierChange keeps who proposed and who decided; what else was proposed is overtaken.
func (l *Log) noteTierChange(ctx context.Context, tx txn, p plan, c tierChange) error {
	if !c.proposed.id.IsZero() && c.proposed.to == c.to {
		_, err := tx.Exec(ctx, "UPDATE tier_changes SET state = 'made', decided_by = $2, decided_at = $3 WHERE id = $1", c.proposed.id, tx.by.User, tx.now)
		if err != nil {
			return fmt.Errorf("note the tier: %w", err)
		}
		return nil
	}
	if err := overtakeProposals(ctx, tx, p.id); err != nil {
		return err
	}
	proposedBy, decidedBy := c.proposed.by, tx.by.User
	if c.byRules {
		decidedBy = UserID{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO tier_changes (id, recipient_id, plan_id, from_tier, to_tier, state, by_rules, proposed_by, proposed_at, decided_by, decided_at)
		VALUES ($1, $2, $3, $4, $5, 'made', $6, $7, $8, $9, $8)`,
		newID[plainKind](tx.now, l.random), p.recipient, p.id, p.tier, c.to, c.byRules, proposedBy, tx.now, decidedBy)
	if err != nil {
		return fmt.Errorf("note the tier: %w", err)
	}
	return nil
}

func overtakeProposals(ctx context.Context, tx txn, id PlanID) error {
	_, err := tx.Exec(ctx, "UPDATE tier_changes SET state = 'overtaken', decided_at = $2 WHERE plan_id = $1 AND state = 'proposed'", id, tx.now)
	if err != nil {
		return fmt.Errorf("overtake proposed tiers: %w", err)
	}
	return nil
}

// mayLower refuses a lower tier while the household has not been calm for long
// enough, unless what raised the tier was corrected away.
func (l *Log) mayLower(ctx context.Context, tx txn, p plan, tier string) error {
	calm, err := l.calm(ctx, tx, p)
	if err != nil || calm {
		return err
	}
	var mistaken bool
	err = tx.QueryRow(ctx, `SELECT coalesce((SELECT c.by_rules AND c.from_tier = $3 AND NOT EXISTS (
				SELECT FROM rule_hits h WHERE h.recipient_id = $2 AND h.superseded_at IS NULL AND h.level IN ('red', 'amber') AND h.found_at >= c.decided_at)
			FROM tier_changes c WHERE c.plan_id = $1 AND c.state = 'made' ORDER BY c.decided_at DESC, c.id DESC LIMIT 1), false)`,
		p.id, p.recipient, tier).Scan(&mistaken)
	if err != nil {
		return fmt.Errorf("look at what raised the tier: %w", err)
	}
	if !mistaken {
		return conflict("it takes two assessments at least %d days apart without a hit before the tier may go down", calmDays)
	}
	return nil
}

// calm tells whether since the last hit, and since the tier was last raised by
// hand, there were two assessments that count, the first and the last of them at
// least 30 days apart.
func (l *Log) calm(ctx context.Context, tx txn, p plan) (bool, error) {
	var first, last *time.Time
	var n int
	err := tx.QueryRow(ctx, `WITH since AS (SELECT greatest(
				(SELECT max(fact_at) FROM rule_hits WHERE recipient_id = $1 AND superseded_at IS NULL AND level IN ('red', 'amber')),
				(SELECT max(decided_at) FROM tier_changes WHERE plan_id = $2 AND state = 'made' AND NOT by_rules AND decided_by IS NOT NULL
					AND (from_tier, to_tier) IN (('green', 'amber'), ('green', 'red'), ('amber', 'red')))) AS at)
		SELECT count(*), min(a.occurred_at), max(a.occurred_at) FROM assessments a, since
		WHERE a.recipient_id = $1 AND a.counts AND a.complete AND (since.at IS NULL OR a.occurred_at > since.at)`,
		p.recipient, p.id).Scan(&n, &first, &last)
	if err != nil {
		return false, fmt.Errorf("look for calm: %w", err)
	}
	return n >= 2 && calendar.Of(*last).Sub(calendar.Of(*first)) >= calmDays, nil
}

// tierTask is the cause of the task that offers a lower tier.
func tierTask(p plan) string { return "tier_down:" + p.id.String() }

// offerStepDown tells the supervisor when the household has been calm for long
// enough. Nobody is looked after less closely without a person and a reason.
func (j *judging) offerStepDown(ctx context.Context, k known) error {
	p := j.plan
	if p.id.IsZero() || p.tier == "green" || len(k.assessments) < 2 {
		return nil
	}
	calm, err := j.calm(ctx, j.tx, p)
	if err != nil {
		return err
	}
	proposed, err := openProposal(ctx, j.tx, p.id)
	if err != nil {
		return err
	}
	if !calm || !proposed.id.IsZero() {
		return j.withdrawOffer(ctx, proposed, calm)
	}
	newest := k.assessments[len(k.assessments)-1].at
	tag, err := j.tx.Exec(ctx, `INSERT INTO tier_changes (id, recipient_id, plan_id, from_tier, to_tier, state, by_rules, proposed_at)
		SELECT $1, $2, $3, $4, 'green', 'proposed', true, $5
		WHERE NOT EXISTS (SELECT FROM tier_changes WHERE plan_id = $3 AND state = 'refused' AND decided_at > $6)`,
		newID[plainKind](j.tx.now, j.random), p.recipient, p.id, p.tier, j.tx.now, newest)
	if err != nil {
		return fmt.Errorf("offer a lower tier: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil // a supervisor refused it, and nothing was scored since
	}
	return j.openTask(ctx, j.tx, newTask{
		kind: "tier_down_possible", cause: tierTask(p), office: p.office, recipient: p.recipient, plan: p.id,
		reason: "two assessments without a hit: a supervisor decides, with a reason, whether the tier goes down",
		actBy:  officerWindow.closes(j.tx.cal(p.office).AddWorkdays(j.tx.today(), 5)),
	})
}

// withdrawOffer takes back the rules' own proposal when it no longer holds.
func (j *judging) withdrawOffer(ctx context.Context, proposed proposal, calm bool) error {
	if calm || !proposed.byRules {
		return nil
	}
	if err := overtakeProposals(ctx, j.tx, j.plan.id); err != nil {
		return err
	}
	return j.endTasks(ctx, j.tx, []string{tierTask(j.plan)}, "the household is no longer calm")
}
