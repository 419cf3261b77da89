package carelog

import (
	"context"
	"fmt"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// NoteVisit records a home visit or a call that nobody had planned, in full. It
// counts as the open check-in of its kind whose window it falls in (the oldest
// first); otherwise it stands alone. A visit without scores does not complete a
// check-in that is to be scored. Officers of the office may.
func (l *Log) NoteVisit(ctx context.Context, by Actor, recipient RecipientID, kind schedule.Kind, r CheckInRecord) (Recorded, error) {
	return write(ctx, l, by, func(tx txn) (Recorded, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Recorded{}, err
		}
		if err := file.isMerged(); err != nil {
			return Recorded{}, err
		}
		if !by.may(file.office, RecordCare) {
			return Recorded{}, forbidden("only officers of the office record visits")
		}
		if kind != schedule.Home && kind != schedule.Phone {
			return Recorded{}, invalid("kind", isUnknown)
		}
		if r.OccurredAt.IsZero() {
			r.OccurredAt = tx.now
		}
		c, err := l.visitOf(ctx, tx, file, kind, r)
		if err != nil {
			return Recorded{}, err
		}
		e, err := l.checkRecord(ctx, tx, c, r, nil)
		if err != nil {
			return Recorded{}, err
		}
		return l.record(ctx, tx, c, e)
	})
}

// visitOf is the open check-in that an unplanned visit satisfies, or a check-in
// without an id when it stands alone.
func (l *Log) visitOf(ctx context.Context, tx txn, file file, kind schedule.Kind, r CheckInRecord) (checkIn, error) {
	alone, err := l.standsAlone(ctx, tx, file.id, file.office, kind)
	if err != nil || alone.plan.IsZero() {
		return alone, err
	}
	day := calendar.Of(r.OccurredAt)
	var id CheckInID
	err = tx.QueryRow(ctx, `SELECT id FROM check_ins WHERE plan_id = $1 AND kind = $2 AND state IN ('planned', 'overdue', 'missed')
			AND opens <= $3 AND closes >= $3 AND (NOT scored OR $4) ORDER BY due, id LIMIT 1`,
		alone.plan, kind, day, !r.reached() || r.Scores.Scored() > 0).Scan(&id)
	if none(err) {
		return alone, nil
	}
	if err != nil {
		return checkIn{}, fmt.Errorf("find the check-in it satisfies: %w", err)
	}
	return lockCheckIn(ctx, tx, id)
}

// standsAlone is a visit that belongs to no check-in, with the recipient's open
// plan locked; none when the last one is closed.
func (l *Log) standsAlone(ctx context.Context, tx txn, recipient RecipientID, office OfficeID, kind schedule.Kind) (checkIn, error) {
	c := checkIn{office: office, recipient: recipient, kind: kind}
	err := tx.QueryRow(ctx, "SELECT id FROM care_plans WHERE recipient_id = $1 AND state <> 'closed' FOR NO KEY UPDATE", recipient).Scan(&c.plan)
	if err != nil && !none(err) {
		return c, fmt.Errorf("lock the plan: %w", err)
	}
	return c, nil
}
