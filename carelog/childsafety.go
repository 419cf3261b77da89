package carelog

import (
	"context"
	"time"
)

// mandatoryReport opens the report that the law demands when a child is or may be
// in danger: to police, civil affairs and education, at once (Minors Law art. 11).
func (l *Log) mandatoryReport(ctx context.Context, tx txn, p plan, why string) error {
	return l.openTask(ctx, tx, newTask{
		kind: "mandatory_report", cause: "mandatory_report:" + p.id.String(), office: p.office, recipient: p.recipient, plan: p.id,
		reason: why, actBy: tx.now.Add(2 * time.Hour),
	})
}
