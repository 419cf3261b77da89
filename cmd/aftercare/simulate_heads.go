package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// headsWork is what a head of department does of an afternoon: one in four of the
// decisions that wait is taken each day.
func (s *simulation) headsWork(ctx context.Context, office *simOffice, today calendar.Date) error {
	if err := s.signOff(ctx, office); err != nil {
		return err
	}
	return s.decideTiers(ctx, office, today)
}

// decideTiers takes the decisions about lower tiers that were proposed, by the
// rules or by an officer; one in five is refused.
func (s *simulation) decideTiers(ctx context.Context, office *simOffice, today calendar.Date) error {
	type proposal struct {
		Plan carelog.PlanID
		Tier string
		Key  string
		To   string
	}
	rows, err := s.eyes.Query(ctx, `SELECT p.id, p.tier, r.external_id, t.to_tier FROM tier_changes t JOIN care_plans p ON p.id = t.plan_id
		JOIN recipients r ON r.id = p.recipient_id WHERE t.state = 'proposed' AND p.office_id = $1 AND p.state <> 'closed' ORDER BY p.id`, office.id)
	if err != nil {
		return err
	}
	proposals, err := pgx.CollectRows(rows, pgx.RowToStructByPos[proposal])
	if err != nil {
		return err
	}
	for _, p := range proposals {
		r := s.dice.roll("tier", p.Key, today)
		if r.IntN(4) > 0 {
			continue
		}
		if r.IntN(5) == 0 {
			p.To = p.Tier
		}
		_, err := office.door.DecideTier(ctx, office.head, p.Plan, p.To, "两次走访情况稳定")
		if err := s.did("DecideTier", err); err != nil {
			return err
		}
	}
	return nil
}
