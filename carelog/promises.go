package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Promises is how many break the promises that can be counted at any moment,
// and the ids of the first of each. All zero is the only good answer.
type Promises struct {
	Forgotten       int      // P1: plans that nothing will bring back to anybody
	DroppedSilently int      // P2: messages that ended without a reason, or in nobody's hands
	Unsettled       int      // P2: messages whose time is long over and that never ended
	Plans           []PlanID // the first forgotten ones
	Messages        []MessageID
}

// Kept tells whether nothing breaks a promise.
func (p Promises) Kept() bool { return p.Forgotten+p.DroppedSilently+p.Unsettled == 0 }

// forgotten is P1 as one query: open plans, drafts, paused and transferred ones
// too, with neither a check-in ahead, nor an overdue one whose escalation is
// running, nor a review date that is to come, nor a review that came and whose
// escalation is running: the date that the sweep moves on keeps no promise by itself.
var forgotten = `SELECT p.id FROM care_plans p WHERE p.state <> 'closed'
	AND (p.review_on IS NULL OR p.review_on < $5 OR ` + reviewWaits + ` AND NOT EXISTS
		(SELECT FROM escalations e WHERE e.plan_id = p.id AND e.subject = 'review' AND e.state = 'running'))
	AND NOT EXISTS (SELECT FROM check_ins c WHERE c.plan_id = p.id AND ` + stillAhead("$1", "$2", "$3", "$4") + `)
	AND NOT EXISTS (SELECT FROM check_ins c JOIN escalations e ON e.check_in_id = c.id AND e.state = 'running'
		WHERE c.plan_id = p.id AND c.state IN ('overdue', 'missed'))`

// dropped is P2 as one query: ended messages without a reason, and failed or
// unknown ones that became nobody's task.
const dropped = `SELECT m.id FROM messages m WHERE m.dispatch NOT IN ('planned', 'sending')
	AND (m.dispatch_reason = '' OR m.dispatched_at IS NULL
		OR (m.dispatch IN ('failed', 'unknown') AND NOT EXISTS (SELECT FROM tasks t WHERE t.message_id = m.id)))`

// unsettled is the other half of P2: messages that no sweep has ended although
// their time was over a day before, or that have been on the wire for a day.
const unsettled = `SELECT m.id FROM messages m
	WHERE (m.dispatch = 'planned' AND m.deadline < $1) OR (m.dispatch = 'sending' AND m.claimed_at < $1)`

// settlingDay is how long after its deadline a message may still wait for a
// sweep: no window is shut for so long that a drain would not look at it.
const settlingDay = 24 * time.Hour

// Promises counts what breaks P1 and P2 now, in all offices. For the system's own
// use: tests, simulate and doctor ask the same queries.
//
// swept is when the sweeps last ran, zero for just now. While the scheduler is off
// nobody marks what becomes overdue and no escalation begins; what came due since
// then stands in every list as overdue, and is counted the moment the sweeps are
// back. So what P1 says of that time is: nothing was forgotten before it, and
// every check-in that came due since is still there to be caught up on.
func (l *Log) Promises(ctx context.Context, swept time.Time) (Promises, error) {
	return read(ctx, l, TheSystem(), func(tx txn) (Promises, error) {
		if swept.IsZero() || swept.After(tx.now) {
			swept = tx.now
		}
		var p Promises
		var err error
		floors := tx.dueFloors(calendar.Of(swept))
		if p.Plans, err = offenders[PlanID](ctx, tx, &p.Forgotten, forgotten, floors.offices, floors.dates, floors.national, swept, calendar.Of(swept)); err != nil {
			return p, fmt.Errorf("count forgotten plans: %w", err)
		}
		if p.Messages, err = offenders[MessageID](ctx, tx, &p.DroppedSilently, dropped); err != nil {
			return p, fmt.Errorf("count dropped messages: %w", err)
		}
		late, err := offenders[MessageID](ctx, tx, &p.Unsettled, unsettled, swept.Add(-settlingDay))
		if err != nil {
			return p, fmt.Errorf("count unsettled messages: %w", err)
		}
		p.Messages = append(p.Messages, late...)
		return p, nil
	})
}

// firstOffenders is how many ids are shown of each kind.
const firstOffenders = 5

// offenders counts the rows of a query of ids and gives the first.
func offenders[Of any](ctx context.Context, tx txn, count *int, query string, args ...any) ([]Of, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf("SELECT id, count(*) OVER () FROM (%s) broken ORDER BY id LIMIT %d", query, firstOffenders), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (id Of, err error) {
		err = row.Scan(&id, count)
		return id, err
	})
}
