package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// course is everything a plan asks for now: its template with the overlay of its
// tier, counted from its anchors over the working days of its office.
type course struct {
	plan     plan
	template schedule.Template
	anchors  schedule.Anchors
	cal      *calendar.Calendar
}

// course reads what a plan's dates count from. The birth date and the visits
// made are read only where a step depends on them.
func (l *Log) course(ctx context.Context, tx txn, p plan) (course, error) {
	c := course{
		plan: p, template: p.template, cal: tx.cal(p.office),
		anchors: schedule.Anchors{Payment: p.paidOn, Start: p.startedOn, Chosen: p.chosenOn, Tier: p.tierSince},
	}
	if p.harvest != nil {
		c.anchors.HasHarvest, c.anchors.Harvest = true, schedule.MonthDay(*p.harvest)
	}
	if !p.tierSince.IsZero() {
		c.template = c.template.With(schedule.Overlay(p.tier, p.template))
	}
	c.template = p.aroundTheVillage(c.template)
	var err error
	if c.template.NeedsBirth() {
		if c.anchors.Birth, err = l.bornOn(ctx, tx, p.recipient); err != nil {
			return c, err
		}
	}
	if c.template.NeedsVisits() {
		err = c.readVisits(ctx, tx)
	}
	return c, err
}

func (c course) between(from, until calendar.Date) []schedule.Occurrence {
	return schedule.Occurrences(c.template, c.anchors, from, until, c.cal)
}

// next is the first check-in due after a date. A template that has none would
// forget a plan (P1): none is saved that way, so that is a fault of ours.
func (c course) next(after calendar.Date) (schedule.Occurrence, error) {
	o := schedule.Next(c.template, c.anchors, after, c.cal)
	if o.N == 0 {
		return o, fmt.Errorf("template %s version %d has no next occasion", c.template.Key, c.template.Version)
	}
	return o, nil
}

func (c course) at(step string, n int) (schedule.Occurrence, bool) {
	return schedule.At(c.template, c.anchors, step, n, c.cal)
}

func (c course) step(key string) schedule.Step {
	for _, s := range c.template.Steps {
		if s.Key == key {
			return s
		}
	}
	return schedule.Step{}
}

// bornOn is the recipient's birth date; none where it is unknown or the key is destroyed.
func (l *Log) bornOn(ctx context.Context, tx txn, id RecipientID) (calendar.Date, error) {
	var wrapped, sealed []byte
	if err := tx.QueryRow(ctx, "SELECT data_key, sealed FROM recipients WHERE id = $1", id).Scan(&wrapped, &sealed); err != nil {
		return calendar.Date{}, fmt.Errorf("read recipient: %w", err)
	}
	facts, err := l.openRecipient(id, wrapped, sealed)
	return facts.BornOn, err
}

// readVisits reads when the household was last reached, planned or not, of the
// kinds whose steps move with it.
func (c *course) readVisits(ctx context.Context, tx txn) error {
	var kinds []string
	for _, s := range c.template.Steps {
		if s.Policy != schedule.Fixed {
			kinds = append(kinds, string(s.Kind))
		}
	}
	rows, err := tx.Query(ctx, `SELECT coalesce(c.step, ''), r.kind, coalesce(max(c.n) FILTER (WHERE c.state = 'done'), 0),
			max((r.occurred_at AT TIME ZONE 'Asia/Shanghai')::date)
		FROM check_in_records r LEFT JOIN check_ins c ON c.id = r.check_in_id AND c.plan_id = $1
		WHERE r.recipient_id = $2 AND r.kind = ANY ($3) AND r.outcome = 'reached' AND r.superseded_by IS NULL GROUP BY 1, 2`,
		c.plan.id, c.plan.recipient, kinds)
	if err != nil {
		return fmt.Errorf("read visits: %w", err)
	}
	c.anchors.Visits, c.anchors.LastOf = map[string]schedule.Visit{}, map[schedule.Kind]calendar.Date{}
	var step string
	var kind schedule.Kind
	var visit schedule.Visit
	_, err = pgx.ForEachRow(rows, []any{&step, &kind, &visit.N, &visit.On}, func() error {
		c.anchors.Visits[step] = visit
		if visit.On.After(c.anchors.LastOf[kind]) {
			c.anchors.LastOf[kind] = visit.On
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read visits: %w", err)
	}
	return nil
}

// followVisit brings what lies ahead in line with a visit of a step: where the
// plan's steps move with it anew, else the next check-in is seen to be there (P1).
func (l *Log) followVisit(ctx context.Context, tx txn, c checkIn) error {
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return err
	}
	if !p.running() {
		return nil
	}
	template := p.aroundTheVillage(p.template.With(schedule.Overlay(p.tier, p.template)))
	if !template.MovedBy(c.step, c.kind) {
		return l.ensureNext(ctx, tx, c.plan)
	}
	_, err = l.layAnew(ctx, tx, p, "the last visit was made on another day")
	return err
}
