package carelog

import (
	"context"
	"fmt"
)

// retryAfter is how many working days later a household that was not reached is
// tried again, where nobody says otherwise.
const retryAfter = 2

// attempt leaves a check-in open with a next try, and sets going what the
// outcome asks for.
func (l *Log) attempt(ctx context.Context, tx txn, c checkIn, r CheckInRecord) error {
	if err := l.nextTry(ctx, tx, c, r); err != nil {
		return err
	}
	return l.outcomeFollows(ctx, tx, c, r.Outcome)
}

// nextTry notes the working day of the next try: never one that is past.
func (l *Log) nextTry(ctx context.Context, tx txn, c checkIn, r CheckInRecord) error {
	day := r.NextTryOn
	if day.IsZero() {
		day = tx.cal(c.office).AddWorkdays(tx.today(), retryAfter)
	}
	_, err := tx.Exec(ctx, "UPDATE check_ins SET next_try_on = $2, updated_at = $3 WHERE id = $1", c.id, day, tx.now)
	if err != nil {
		return fmt.Errorf("note the next try: %w", err)
	}
	return nil
}

// searches are the causes of tasks that end when somebody is reached.
func searches(p PlanID) []string {
	return []string{"find_number:" + p.String(), "village_introduction:" + p.String(), "custody_review:" + p.String()}
}

// outcomeFollows opens the work that an outcome asks for. Somebody who takes the
// call for fraud is introduced by the village contact, and is no lost contact. A
// refusal, a move and a death have their own paths.
func (l *Log) outcomeFollows(ctx context.Context, tx txn, c checkIn, outcome string) error {
	causes := searches(c.plan)
	t := newTask{office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id}
	switch outcome {
	case "number_dead":
		t.kind, t.cause = "find_number", causes[0]
		t.reason = "the number of the household is dead: find the present one, by the village contact or a visit"
	case "suspected_fraud":
		t.kind, t.cause = "village_introduction", causes[1]
		t.reason = "the household takes the call for fraud: have the village contact introduce you, and name 12309 to verify"
	case "in_custody":
		t.kind, t.cause = "custody_review", causes[2]
		t.reason = "the person is in custody: see who cares for the household, and decide how care goes on"
	case "refused", "moved", "deceased":
		return l.outcomePath(ctx, tx, c, outcome)
	default:
		return nil
	}
	t.actBy = officerWindow.closes(tx.cal(c.office).AddWorkdays(tx.today(), retryAfter))
	return l.openTask(ctx, tx, t)
}
