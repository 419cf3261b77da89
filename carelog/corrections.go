package carelog

import (
	"context"
	"fmt"
	"strings"
)

// CorrectRecord puts a new version of a record in the place of the one that
// stands, with the reason. The old version stays and is shown as superseded, its
// scores too; everything known of the household is judged anew. When the new
// version no longer reached them, the check-in it had completed is open again
// (cancelled where the plan no longer runs); when it now did, it completes the
// check-in, unless another record has: one that stands completes it, never two. Whoever recorded it may, and supervisors of the office. A contact's
// own answer is not corrected: it stands as it was given.
func (l *Log) CorrectRecord(ctx context.Context, by Actor, id RecordID, r CheckInRecord, why string) (Recorded, error) {
	return write(ctx, l, by, func(tx txn) (Recorded, error) {
		c, old, err := l.lockVersion(ctx, tx, id)
		if err != nil {
			return Recorded{}, err
		}
		if err := mayCorrect(by, c, old); err != nil {
			return Recorded{}, err
		}
		if r.OccurredAt.IsZero() {
			r.OccurredAt = old.occurredAt
		}
		e, err := l.checkCorrection(ctx, tx, c, r, correction{old, why})
		if err != nil {
			return Recorded{}, err
		}
		return l.correct(ctx, tx, c, e, correction{old, why})
	})
}

// correction is the version to be corrected and why.
type correction struct {
	old version
	why string
}

func mayCorrect(by Actor, c checkIn, old version) error {
	switch {
	case by.Kind == Person && by.may(c.office, CorrectAny):
	case by.Kind == Person && by.may(c.office, CorrectOwn) && old.recordedBy == by.User:
	default:
		return forbidden("only whoever recorded it, or a supervisor of the office, corrects a record")
	}
	if old.recordedBy.IsZero() {
		return conflict("a contact's own answer stands as it was given: note a contact instead")
	}
	if !old.supersededBy.IsZero() {
		return conflict("this version was corrected already: correct the newest one")
	}
	return nil
}

func (l *Log) checkCorrection(ctx context.Context, tx txn, c checkIn, r CheckInRecord, x correction) (entered, error) {
	var p problems
	if strings.TrimSpace(x.why) == "" {
		p.add("reason", isRequired)
	}
	if len(x.why) > longText {
		p.add("reason", isTooLong)
	}
	e, err := l.checkRecord(ctx, tx, c, r, &x.old)
	if refused := asRefusal(err); refused != nil {
		p = append(p, refused.Fields...)
	} else if err != nil {
		return entered{}, err
	}
	return e, p.err()
}

func (l *Log) correct(ctx context.Context, tx txn, c checkIn, e entered, x correction) (Recorded, error) {
	if e.reached() && x.old.outcome != "reached" {
		reached, err := reachedBy(ctx, tx, c.id)
		if err != nil {
			return Recorded{}, err
		}
		if reached {
			return Recorded{}, conflict("another record completed the check-in already: note an unplanned visit instead")
		}
	}
	done, err := l.writeVersion(ctx, tx, c, e, &x.old)
	if err != nil {
		return done, err
	}
	if done.State, err = l.correctOutcome(ctx, tx, c, e, x.old); err != nil {
		return done, err
	}
	if err := l.withdrawAfterCorrection(ctx, tx, c, e, x.old.occurredAt); err != nil {
		return done, err
	}
	details, err := told(c, e.CheckInRecord, done)
	if err != nil {
		return done, err
	}
	details["reason"], details["version"], details["corrects"] = x.why, done.Version, x.old.id
	tx.append(happening{recipient: c.recipient, kind: "record_corrected", at: e.OccurredAt, subject: subjectOf(c, done), details: details})
	_, err = tx.Exec(ctx, "UPDATE sign_offs SET state = 'superseded' WHERE record_id = $1", x.old.id)
	if err != nil {
		return done, fmt.Errorf("supersede the sign-off: %w", err)
	}
	return done, l.afterRecord(ctx, tx, c, e, done)
}

// correctOutcome brings the check-in in line with what is now known, and tells
// its state.
func (l *Log) correctOutcome(ctx context.Context, tx txn, c checkIn, e entered, old version) (string, error) {
	if c.id.IsZero() {
		return "", l.outcomeFollows(ctx, tx, c, e.Outcome)
	}
	if e.reached() {
		return l.reachedAfterAll(ctx, tx, c)
	}
	if old.outcome == "reached" {
		state, err := l.reopenCheckIn(ctx, tx, c)
		if err != nil {
			return "", err
		}
		c.state = state
	}
	if !isOpen(c.state) {
		return c.state, l.outcomeFollows(ctx, tx, c, e.Outcome)
	}
	return c.state, l.attempt(ctx, tx, c, e.CheckInRecord)
}

// reachedAfterAll completes the check-in that a corrected record turns out to have
// reached them by: an open one, and one that a pause cancelled meanwhile, so that
// nobody is sent there again when the plan goes on.
func (l *Log) reachedAfterAll(ctx context.Context, tx txn, c checkIn) (string, error) {
	if isOpen(c.state) {
		return "done", l.completeCheckIn(ctx, tx, c)
	}
	if c.state != "cancelled" {
		return c.state, nil
	}
	tag, err := tx.Exec(ctx, `UPDATE check_ins c SET state = 'done', reason = 'recorded by an officer', next_try_on = NULL, updated_at = $2
		WHERE c.id = $1 AND NOT EXISTS (SELECT FROM check_ins t WHERE t.plan_id = c.plan_id AND t.step = c.step AND t.n = c.n AND t.id <> c.id
			AND t.state NOT IN ('cancelled', 'superseded'))`, c.id, tx.now)
	if err != nil {
		return "", fmt.Errorf("complete check-in: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return c.state, nil // it was laid again: that one is open, or done
	}
	return "done", nil
}

// reachedBy tells whether a record that stands completed the check-in.
func reachedBy(ctx context.Context, tx txn, id CheckInID) (bool, error) {
	var reached bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM check_in_records WHERE check_in_id = $1 AND outcome = 'reached' AND superseded_by IS NULL)", id).Scan(&reached)
	if err != nil {
		return false, fmt.Errorf("look for another record: %w", err)
	}
	return reached, nil
}

// reopenCheckIn opens a check-in again that nothing completes any more. Its
// clocks run from the date it had: when that is past, the sweep marks it overdue
// and the ladder begins. Where the plan no longer runs it is cancelled.
func (l *Log) reopenCheckIn(ctx context.Context, tx txn, c checkIn) (string, error) {
	reached, err := reachedBy(ctx, tx, c.id)
	if err != nil {
		return "", err
	}
	if reached || c.state != "done" {
		return c.state, nil
	}
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return "", err
	}
	state, why := "planned", "corrected: the household was not reached"
	if p.state != "active" && p.state != "closing" {
		state, why = "cancelled", "corrected: the household was not reached, and the plan does not run"
	}
	_, err = tx.Exec(ctx, "UPDATE check_ins SET state = $2, reason = $3, messages_planned = false, updated_at = $4 WHERE id = $1", c.id, state, why, tx.now)
	if err != nil {
		return "", fmt.Errorf("open the check-in again: %w", err)
	}
	if state != "planned" {
		return state, nil
	}
	return state, l.planDueMessages(ctx, tx, p)
}

// lockVersion reads a version for change, with what it is about: the plan, the
// check-in, then the record.
func (l *Log) lockVersion(ctx context.Context, tx txn, id RecordID) (checkIn, version, error) {
	v, office, err := readVersion(ctx, tx, id, "")
	if err != nil {
		return checkIn{}, v, err
	}
	var c checkIn
	if v.checkIn.IsZero() {
		c, err = l.standsAlone(ctx, tx, v.recipient, office, v.kind)
	} else {
		c, err = lockCheckIn(ctx, tx, v.checkIn)
	}
	if err != nil {
		return c, v, err
	}
	v, _, err = readVersion(ctx, tx, id, "FOR NO KEY UPDATE OF b")
	return c, v, err
}

func readVersion(ctx context.Context, tx txn, id RecordID, locked string) (version, OfficeID, error) {
	v := version{id: id}
	var office OfficeID
	err := tx.QueryRow(ctx, `SELECT b.recipient_id, b.check_in_id, b.kind, b.outcome, b.occurred_at, b.recorded_by, b.late, b.version, b.superseded_by, r.office_id
		FROM check_in_records b JOIN recipients r ON r.id = b.recipient_id WHERE b.id = $1 `+locked, id).
		Scan(&v.recipient, &v.checkIn, &v.kind, &v.outcome, &v.occurredAt, &v.recordedBy, &v.late, &v.number, &v.supersededBy, &office)
	if none(err) {
		return v, office, notFound("record")
	}
	if err != nil {
		return v, office, fmt.Errorf("read record: %w", err)
	}
	return v, office, nil
}
