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
}

// Backlog counts what waits, in all offices. For the system's own use.
func (l *Log) Backlog(ctx context.Context) (Backlog, error) {
	return read(ctx, l, TheSystem(), func(tx txn) (Backlog, error) {
		var b Backlog
		var oldest *time.Time
		const limited = "(SELECT count(*) FROM (SELECT FROM %s LIMIT 10000) x)"
		err := tx.QueryRow(ctx, fmt.Sprintf("SELECT "+limited+", (SELECT min(not_before) FROM messages WHERE dispatch = 'planned' AND not_before <= $1), "+
			limited+", "+limited+", "+limited+", "+limited+", "+limited+", "+limited,
			"messages WHERE dispatch = 'planned' AND not_before <= $1",
			"messages WHERE dispatch = 'sending'",
			"inbound_messages WHERE state = 'stored'",
			"delivery_reports WHERE applied_at IS NULL",
			"tasks WHERE state = 'open'",
			"tasks WHERE state = 'open' AND act_by < $1",
			"check_ins WHERE state IN ('overdue', 'missed')"), tx.now).
			Scan(&b.DueMessages, &oldest, &b.SendingMessages, &b.StoredReplies, &b.WaitingReports, &b.OpenTasks, &b.LateTasks, &b.OverdueCheckIns)
		if err != nil {
			return b, fmt.Errorf("count what waits: %w", err)
		}
		if oldest != nil {
			b.OldestDue = tx.now.Sub(*oldest)
		}
		return b, nil
	})
}
