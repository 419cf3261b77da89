package carelog

import (
	"context"
	"fmt"
	"time"
)

// Backlog is what waits at one moment: what an operator looks at first. Counts
// stop at 10,000, so that looking costs the same however bad it is.
type Backlog struct {
	DueMessages     int           // planned, and their time has come
	OldestDue       time.Duration // how long the oldest of them has waited
	SendingMessages int           // handed to the carrier, outcome not known yet
	StoredReplies   int           // not matched yet
	WaitingReports  int           // delivery reports not applied yet
	OpenTasks       int           // work for a person
	LateTasks       int           // of them, those past their time
	OverdueCheckIns int           // overdue or missed
	OpenAlerts      int           // not closed
	RedAlerts       int           // of them, the red ones
	DueEscalations  int           // whose next rung is to be told by now
}

// Backlog counts what waits, in all offices. For the system's own use.
func (l *Log) Backlog(ctx context.Context) (Backlog, error) {
	return read(ctx, l, TheSystem(), func(tx txn) (Backlog, error) {
		var b Backlog
		var oldest *time.Time
		const limited = "(SELECT count(*) FROM (SELECT FROM %s LIMIT 10000) x)"
		// By line and priority, as the index has it: what is planned for later is not walked over.
		const oldestDue = `SELECT min(d.not_before) FROM lines n, unnest($2::smallint[]) AS p (priority), LATERAL (
			SELECT not_before FROM messages WHERE line_id = n.id AND dispatch = 'planned' AND priority = p.priority AND not_before <= $1
			ORDER BY not_before LIMIT 1) d`
		err := tx.QueryRow(ctx, fmt.Sprintf("SELECT "+limited+", ("+oldestDue+"), "+
			limited+", "+limited+", "+limited+", "+limited+", "+limited+", "+limited+", "+limited+", "+limited+", "+limited,
			"lines n JOIN messages m ON m.line_id = n.id WHERE m.dispatch = 'planned' AND m.priority = ANY ($2) AND m.not_before <= $1",
			"messages WHERE dispatch = 'sending'",
			"inbound_messages WHERE state = 'stored'",
			"delivery_reports WHERE applied_at IS NULL",
			"tasks WHERE state = 'open'",
			"tasks WHERE state = 'open' AND act_by < $1",
			"check_ins WHERE state IN ('overdue', 'missed')",
			"alerts WHERE state <> 'closed'",
			"alerts WHERE state <> 'closed' AND level = 'red'",
			"escalations WHERE state = 'running' AND next_at <= $1"), tx.now, []int16{priorityRed, priorityAnswer, priorityReminder}).
			Scan(&b.DueMessages, &oldest, &b.SendingMessages, &b.StoredReplies, &b.WaitingReports, &b.OpenTasks, &b.LateTasks, &b.OverdueCheckIns,
				&b.OpenAlerts, &b.RedAlerts, &b.DueEscalations)
		if err != nil {
			return b, fmt.Errorf("count what waits: %w", err)
		}
		if oldest != nil {
			b.OldestDue = tx.now.Sub(*oldest)
		}
		return b, nil
	})
}
