package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// PlanFilter chooses plans. Zero fields choose all.
type PlanFilter struct {
	State     string // draft, active, paused, closing, closed; open: all but closed
	Tier      string // green, amber, red
	Path      string // death, moved, refused, refusal_confirmed
	Officer   UserID
	DueReview bool // whose review date has come
	Page      Page // in the order they were made
}

var (
	planStates = []string{"", "open", "draft", "active", "paused", "closing", "closed"}
	planTiers  = []string{"", "green", "amber", "red"}
	planPaths  = []string{"", "death", "moved", "refused", "refusal_confirmed"}
)

// Plans lists plans of the actor's offices, a page at a time. Who reads only a
// list reads no file, so it is not audited.
func (l *Log) Plans(ctx context.Context, by Actor, f PlanFilter) ([]Plan, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list plans")
	}
	var probs problems
	for _, known := range []struct {
		field, given string
		of           []string
	}{{"state", f.State, planStates}, {"tier", f.Tier, planTiers}, {"path", f.Path, planPaths}} {
		if !slices.Contains(known.of, known.given) {
			probs.add(known.field, isUnknown)
		}
	}
	if err := probs.err(); err != nil {
		return nil, err
	}
	return read(ctx, l, by, func(tx txn) ([]Plan, error) {
		where, args := f.where(tx)
		rows, err := tx.Query(ctx, selectPlans+strings.Join(where, " AND ")+" ORDER BY p.id LIMIT $1", args...)
		if err != nil {
			return nil, fmt.Errorf("list plans: %w", err)
		}
		plans, err := pgx.CollectRows(rows, l.scanPlan)
		if err != nil {
			return nil, fmt.Errorf("list plans: %w", err)
		}
		return plans, nil
	})
}

func (f PlanFilter) where(tx txn) (where []string, args []any) {
	args = []any{f.Page.Limit}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	add("p.id > ?", f.Page.afterOrFirst())
	if tx.by.Kind != System {
		add("p.office_id = ANY (?)", tx.by.officesFor(ListWork))
	}
	switch f.State {
	case "":
	case "open":
		add("p.state <> 'closed'")
	case "closing": // one that rests stays at rest while its closing is decided
		add("p.state <> 'closed' AND p.closing_by IS NOT NULL")
	case "paused":
		add("p.state = 'paused' AND p.closing_by IS NULL")
	default:
		add("p.state = ?", f.State)
	}
	if f.Tier != "" {
		add("p.tier = ?", f.Tier)
	}
	if f.Path != "" {
		add("p.path = ?", f.Path)
	}
	if !f.Officer.IsZero() {
		add("p.officer_id = ?", f.Officer)
	}
	if f.DueReview {
		add("p.state <> 'closed' AND p.review_on <= ?", tx.today())
	}
	return where, args
}

// PlanCounts is what a supervisor needs at a glance, of the open plans of their
// offices. One plan is counted in several: a red one may be in transfer.
type PlanCounts struct {
	Draft      int `json:"draft"`
	Active     int `json:"active"`
	Paused     int `json:"paused"`
	Closing    int `json:"closing"` // wait for an approval
	Amber      int `json:"amber"`
	Red        int `json:"red"`
	ReviewDue  int `json:"review_due"`
	InTransfer int `json:"in_transfer"`
	Undecided  int `json:"undecided"` // a death, a move or a refusal waits for somebody's decision
}

// CountPlans counts the open plans of the actor's offices. Officers and supervisors may.
func (l *Log) CountPlans(ctx context.Context, by Actor) (PlanCounts, error) {
	if !by.Holds(CountPlans) {
		return PlanCounts{}, forbidden("only officers and supervisors count plans")
	}
	return read(ctx, l, by, func(tx txn) (PlanCounts, error) {
		var n PlanCounts
		err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE p.state = 'draft'), count(*) FILTER (WHERE p.state = 'active'),
				count(*) FILTER (WHERE p.state = 'paused' AND p.closing_by IS NULL), count(*) FILTER (WHERE p.closing_by IS NOT NULL),
				count(*) FILTER (WHERE p.tier = 'amber'), count(*) FILTER (WHERE p.tier = 'red'),
				count(*) FILTER (WHERE p.review_on <= $3), count(h.plan_id), count(*) FILTER (WHERE p.path <> '')
			FROM care_plans p LEFT JOIN transfer_plans h ON h.plan_id = p.id AND h.state = 'open'
			WHERE p.state <> 'closed' AND ($1 OR p.office_id = ANY ($2))`, by.Kind == System, by.officesFor(CountPlans), tx.today()).
			Scan(&n.Draft, &n.Active, &n.Paused, &n.Closing, &n.Amber, &n.Red, &n.ReviewDue, &n.InTransfer, &n.Undecided)
		if err != nil {
			return n, fmt.Errorf("count plans: %w", err)
		}
		return n, nil
	})
}
