package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// Outcome is what care has changed for a household so far (L27): counts and scores
// from records, never whether anybody petitions.
type Outcome struct {
	StartedOn calendar.Date `json:"started_on"`
	PlanState string        `json:"plan_state"`

	WorstTier string `json:"worst_tier"` // the household ever stood at
	Tier      string `json:"tier"`       // today

	First    *Standing          `json:"first"` // the first scores that are complete; nil: none yet
	Last     *Standing          `json:"last"`  // the last ones; nil: none after the first
	Improved []condition.Domain `json:"improved"`
	Worsened []condition.Domain `json:"worsened"`

	Referrals []ReferralOutcome `json:"referrals"`
	Sent      int               `json:"referrals_sent"`
	Granted   int               `json:"referrals_granted"` // in force or over; of the sent

	AlertsClosed int     `json:"alerts_closed"` // by somebody's deed
	AlertsOpen   int     `json:"alerts_open"`
	TasksClosed  int     `json:"tasks_closed"`
	TasksOpen    int     `json:"tasks_open"`
	HoursToAct   float64 `json:"hours_to_act"` // from an alert to somebody saying that they act on it, on average; 0: none
}

// Standing is how a household stood on a day.
type Standing struct {
	On    calendar.Date `json:"on"`
	Index int           `json:"index"`
}

// ReferralOutcome is how far asking for a measure has come.
type ReferralOutcome struct {
	Measure   Measure       `json:"measure"`
	Name      string        `json:"name"`
	State     string        `json:"state"`
	DecidedOn calendar.Date `json:"decided_on"`
}

// OutcomeOf reads what care has changed for a household so far. Officers and
// supervisors of the file's office may, and those its plan was shared with; the read
// goes into the audit. Whoever is to score blind sees no scores before theirs are in.
func (l *Log) OutcomeOf(ctx context.Context, by Actor, recipient RecipientID) (Outcome, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Outcome, error) {
		f, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Outcome{}, err
		}
		o := Outcome{Improved: []condition.Domain{}, Worsened: []condition.Domain{}, Referrals: []ReferralOutcome{}}
		if err := o.readPlan(ctx, tx, recipient); err != nil {
			return o, err
		}
		if err := o.readScores(ctx, tx, recipient); err != nil {
			return o, err
		}
		if err := o.readReferrals(ctx, tx, recipient); err != nil {
			return o, err
		}
		tx.audit(f.office, "outcome_read", anyID(recipient), "")
		return o, o.readWork(ctx, tx, recipient)
	})
}

func (o *Outcome) readPlan(ctx context.Context, tx txn, recipient RecipientID) error {
	err := tx.QueryRow(ctx, `SELECT p.started_on, p.state, p.tier, CASE
			WHEN 'red' IN (p.tier, t.from_tier, t.to_tier) THEN 'red' WHEN 'amber' IN (p.tier, t.from_tier, t.to_tier) THEN 'amber' ELSE 'green' END
		FROM care_plans p LEFT JOIN tier_changes t ON t.recipient_id = p.recipient_id AND t.state = 'made'
		WHERE p.recipient_id = $1 ORDER BY p.state = 'closed', p.id DESC, 'red' IN (p.tier, t.from_tier, t.to_tier) DESC NULLS LAST,
			'amber' IN (p.tier, t.from_tier, t.to_tier) DESC NULLS LAST LIMIT 1`, recipient).Scan(&o.StartedOn, &o.PlanState, &o.Tier, &o.WorstTier)
	if err != nil && !none(err) {
		return fmt.Errorf("read the plan's tiers: %w", err)
	}
	return nil
}

// readScores compares the first complete assessment with the last, as both stand now.
func (o *Outcome) readScores(ctx context.Context, tx txn, recipient RecipientID) error {
	hidden, err := withheld(ctx, tx, recipient)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `(SELECT check_in_id, occurred_at, scores, index FROM assessments WHERE recipient_id = $1 AND superseded_by IS NULL AND complete ORDER BY occurred_at, id LIMIT 1)
		UNION (SELECT check_in_id, occurred_at, scores, index FROM assessments WHERE recipient_id = $1 AND superseded_by IS NULL AND complete ORDER BY occurred_at DESC, id DESC LIMIT 1)
		ORDER BY occurred_at`, recipient)
	if err != nil {
		return fmt.Errorf("read scores: %w", err)
	}
	var checkIn CheckInID
	var at time.Time
	var column []int16
	var index int
	var first condition.Scores
	_, err = pgx.ForEachRow(rows, []any{&checkIn, &at, &column, &index}, func() error {
		switch scores := fromStored(column); {
		case hidden[checkIn]:
		case o.First == nil:
			o.First, first = &Standing{calendar.Of(at), index}, scores
		default:
			o.Last = &Standing{calendar.Of(at), index}
			o.compare(first, scores)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read scores: %w", err)
	}
	return nil
}

func (o *Outcome) compare(first, last condition.Scores) {
	for i, d := range condition.Domains() {
		was, scored := first[i].Points()
		is, also := last[i].Points()
		switch {
		case !scored || !also:
		case is > was:
			o.Improved = append(o.Improved, d)
		case is < was:
			o.Worsened = append(o.Worsened, d)
		}
	}
}

func (o *Outcome) readReferrals(ctx context.Context, tx txn, recipient RecipientID) error {
	rows, err := tx.Query(ctx, "SELECT measure, state, decided_on, sent_at IS NOT NULL FROM referrals WHERE recipient_id = $1 ORDER BY id", recipient)
	if err != nil {
		return fmt.Errorf("read referrals: %w", err)
	}
	var r ReferralOutcome
	var sent bool
	_, err = pgx.ForEachRow(rows, []any{&r.Measure, &r.State, &r.DecidedOn, &sent}, func() error {
		r.Name = r.Measure.Chinese()
		o.Referrals = append(o.Referrals, r)
		if sent {
			o.Sent++
		}
		if r.State == "granted" || r.State == "lapsed" {
			o.Granted++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read referrals: %w", err)
	}
	return nil
}

func (o *Outcome) readWork(ctx context.Context, tx txn, recipient RecipientID) error {
	err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'closed' AND outcome = 'resolved'), count(*) FILTER (WHERE state <> 'closed'),
			coalesce(avg(extract(epoch FROM acknowledged_at - opened_at) / 3600) FILTER (WHERE acknowledged_at IS NOT NULL), 0)::float8,
			(SELECT count(*) FROM tasks WHERE recipient_id = $1 AND state = 'done'), (SELECT count(*) FROM tasks WHERE recipient_id = $1 AND state = 'open')
		FROM alerts WHERE recipient_id = $1`, recipient).Scan(&o.AlertsClosed, &o.AlertsOpen, &o.HoursToAct, &o.TasksClosed, &o.TasksOpen)
	if err != nil {
		return fmt.Errorf("count what was done: %w", err)
	}
	return nil
}
