package carelog

import "context"

// outcomePath opens the decision that a refusal, a move or a death asks a
// supervisor for. Until it is taken the plan goes on as it is.
func (l *Log) outcomePath(ctx context.Context, tx txn, c checkIn, outcome string) error {
	t := newTask{office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id}
	switch outcome {
	case "refused":
		t.kind, t.reason = "refusal_review", "the household refused the visit: decide how care goes on"
	case "moved":
		t.kind, t.reason = "move_review", "the household moved: find out where, and decide how care goes on"
	case "deceased":
		t.kind, t.reason = "death_review", "the recipient died: decide how the household is cared for"
	default:
		return nil
	}
	t.cause = t.kind + ":" + c.plan.String()
	t.actBy = officerWindow.closes(tx.cal(c.office).AddWorkdays(tx.today(), retryAfter))
	return l.openTask(ctx, tx, t)
}
