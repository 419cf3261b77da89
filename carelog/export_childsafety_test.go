package carelog

import "context"

// MandatoryReport opens the task as a rule does.
func (l *Log) MandatoryReport(ctx context.Context, id PlanID) error {
	_, err := write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, l.mandatoryReport(ctx, tx, p, "a safeguarding flag says that a child is harmed or in danger (R2)")
	})
	return err
}
