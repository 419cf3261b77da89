package carelog

import (
	"context"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// judgeScores raises a red alert for a domain in crisis (R1), whoever recorded it
// and whether or not the score counts yet. The rules that compare assessments
// are in carelog/condition; until they are asked here, a fall is seen by reading.
func (l *Log) judgeScores(ctx context.Context, tx txn, c checkIn, r CheckInRecord) error {
	hits := condition.Evaluate(condition.Input{Current: &condition.Assessment{On: calendar.Of(r.OccurredAt), Scores: r.Scores}})
	for _, hit := range hits {
		if hit.Level != condition.Red {
			continue
		}
		p, err := l.lockPlan(ctx, tx, c.plan)
		if err != nil {
			return err
		}
		err = l.raiseAlert(ctx, tx, newAlert{
			office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id, officer: p.officer,
			rule: hit.Rule, version: hit.Version, level: "red", cause: hit.Rule + ":" + c.id.String(),
			actBy: hit.Within.Ends(tx.now, l.calendar), wording: "officer_red",
		})
		if err != nil {
			return err
		}
		if err := l.openTask(ctx, tx, newTask{
			kind: "red_alert", cause: hit.Rule + ":" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id,
			reason: "a domain stands at 0, crisis: act within 24 hours (R1)", actBy: hit.Within.Ends(tx.now, l.calendar),
		}); err != nil {
			return err
		}
	}
	return nil
}
