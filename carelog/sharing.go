package carelog

import (
	"context"
	"fmt"
)

// SharePlan lets the officers and supervisors of another office, by its code, read
// one plan's file and nothing else: joint aid. They change nothing; the file stays
// with its office. A supervisor of that office may; a repeat changes nothing.
func (l *Log) SharePlan(ctx context.Context, by Actor, id PlanID, office, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		p, err := l.planToShare(ctx, tx, id, why)
		if err != nil {
			return struct{}{}, err
		}
		var other OfficeID
		var name string
		err = tx.QueryRow(ctx, "SELECT id, name FROM office_by_code($1)", office).Scan(&other, &name)
		if none(err) || err == nil && other == p.office {
			return struct{}{}, invalid("office_code", isNotAnotherOffice)
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("find office: %w", err)
		}
		tag, err := tx.Exec(ctx, `INSERT INTO plan_grants (plan_id, recipient_id, office_id, granted_at, granted_by) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, p.id, p.recipient, other, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("share plan: %w", err)
		}
		if tag.RowsAffected() == 1 {
			tx.append(happening{recipient: p.recipient, kind: "plan_shared", subject: anyID(p.id), details: map[string]any{"handed_to": name, "reason": why}})
			tx.audit(p.office, "plan_shared", anyID(p.id), other.String())
		}
		return struct{}{}, nil
	})
	return err
}

// StopSharing ends joint aid: the other offices see nothing of the plan any more.
// A supervisor of the plan's office may.
func (l *Log) StopSharing(ctx context.Context, by Actor, id PlanID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		p, err := l.planToShare(ctx, tx, id, why)
		if err != nil {
			return struct{}{}, err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM plan_grants WHERE plan_id = $1", p.id)
		if err != nil {
			return struct{}{}, fmt.Errorf("stop sharing: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("the plan is shared with no other office")
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_sharing_ended", subject: anyID(p.id), details: map[string]any{"reason": why}})
		tx.audit(p.office, "plan_sharing_ended", anyID(p.id), "")
		return struct{}{}, nil
	})
	return err
}

func (l *Log) planToShare(ctx context.Context, tx txn, id PlanID, why string) (plan, error) {
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil {
		return p, err
	}
	if !tx.by.may(p.office, SharePlanAct) {
		return p, forbidden("only a supervisor of the office shares its plans with another")
	}
	var probs problems
	probs.needsReason(why)
	return p, probs.err()
}
