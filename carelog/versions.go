package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
	"aftercare/internal/crypt"
)

// version is one version of a record as it stands in its row.
type version struct {
	id           RecordID
	recipient    RecipientID
	checkIn      CheckInID
	kind         schedule.Kind
	outcome      string
	occurredAt   time.Time
	recordedBy   UserID
	late         bool
	number       int
	supersededBy RecordID
}

// insertRecord writes down what somebody said who is no officer: the word of a
// village contact. Nothing is scored by it.
func (l *Log) insertRecord(ctx context.Context, tx txn, c checkIn, r CheckInRecord, done *Recorded) error {
	written, err := l.writeVersion(ctx, tx, c, entered{CheckInRecord: r}, nil)
	if done != nil {
		*done = written
	}
	return err
}

// writeVersion writes the record, beside the version it corrects where there is
// one, and the assessment when something was scored. A correction is as late as
// the first version was: it says when somebody first wrote the visit down.
func (l *Log) writeVersion(ctx context.Context, tx txn, c checkIn, e entered, old *version) (Recorded, error) {
	done := Recorded{CheckIn: c.id, State: c.state, Version: 1, Late: tx.now.Sub(e.ended()) > lateAfter, Warnings: warnings(c, e)}
	var corrects RecordID
	if old != nil {
		done.Version, done.Late, corrects = old.number+1, old.late, old.id
	}
	if err := l.warnOfChildren(ctx, tx, c, e, &done); err != nil {
		return done, err
	}
	done.Record = newID[recordKind](tx.now, l.random)
	done.Assessed = e.Scores.Scored() > 0
	done.Index, done.Complete = e.Scores.Index()
	key, err := l.recipientKey(ctx, tx, c.recipient)
	if err != nil {
		return done, err
	}
	sealed, err := crypt.SealJSON(key, e.inWords(), "check_in_records.sealed/"+done.Record.String())
	if err != nil {
		return done, fmt.Errorf("seal the record: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO check_in_records (id, check_in_id, recipient_id, kind, outcome, informant, asked_village, occurred_at, ended_at,
			recorded_at, recorded_by, late, officers, flags, version, corrects, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`, done.Record, c.id, c.recipient, c.kind, e.Outcome, e.Informant,
		e.AskedVillage, e.OccurredAt, orNull(e.EndedAt), tx.now, tx.by.User, done.Late, listed(e.officers), listed(e.Flags), done.Version, corrects, sealed)
	if err != nil {
		return done, fmt.Errorf("insert record: %w", err)
	}
	if old != nil {
		if err := supersedeVersion(ctx, tx, old.id, done.Record); err != nil {
			return done, err
		}
	}
	if done.Assessed {
		if err := l.insertAssessment(ctx, tx, c, e.CheckInRecord, &done); err != nil {
			return done, err
		}
	}
	if !e.reached() && old == nil {
		return done, nil
	}
	return done, recount(ctx, tx, c.recipient, &done)
}

// supersedeVersion marks a version and what it scored as replaced by the next one.
func supersedeVersion(ctx context.Context, tx txn, old, by RecordID) error {
	if _, err := tx.Exec(ctx, "UPDATE check_in_records SET superseded_by = $2 WHERE id = $1", old, by); err != nil {
		return fmt.Errorf("supersede record: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE assessments SET superseded_by = $2 WHERE record_id = $1", old, by); err != nil {
		return fmt.Errorf("supersede assessment: %w", err)
	}
	return nil
}

func (l *Log) insertAssessment(ctx context.Context, tx txn, c checkIn, r CheckInRecord, done *Recorded) error {
	_, err := tx.Exec(ctx, `INSERT INTO assessments (id, recipient_id, check_in_id, record_id, kind, occurred_at, recorded_at, scores, index, complete, counts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false)`, newID[plainKind](tx.now, l.random), c.recipient, c.id, done.Record, c.kind,
		r.OccurredAt, tx.now, storedScores(r.Scores), done.Index, done.Complete)
	if err != nil {
		return fmt.Errorf("insert assessment: %w", err)
	}
	return nil
}

// recount tells which of a household's assessments count as records stand now:
// the first that counts comes after both the baseline home visit and a village
// informant (L21). A baseline entered late, or corrected, changes what follows it.
func recount(ctx context.Context, tx txn, recipient RecipientID, done *Recorded) error {
	_, err := tx.Exec(ctx, `UPDATE assessments a SET counts = NOT a.counts WHERE a.recipient_id = $1 AND a.superseded_by IS NULL AND a.counts <> (
			EXISTS (SELECT FROM check_in_records b JOIN check_ins s ON s.id = b.check_in_id
				WHERE b.recipient_id = $1 AND s.step = 'baseline' AND b.outcome = 'reached' AND b.superseded_by IS NULL
					AND b.check_in_id IS DISTINCT FROM a.check_in_id AND b.occurred_at <= a.occurred_at)
			AND EXISTS (SELECT FROM check_in_records b WHERE b.recipient_id = $1 AND b.asked_village AND b.outcome = 'reached'
				AND b.superseded_by IS NULL AND b.occurred_at <= a.occurred_at))`, recipient)
	if err != nil {
		return fmt.Errorf("tell which assessments count: %w", err)
	}
	if !done.Assessed {
		return nil
	}
	if err := tx.QueryRow(ctx, "SELECT counts FROM assessments WHERE record_id = $1", done.Record).Scan(&done.Counts); err != nil {
		return fmt.Errorf("read whether it counts: %w", err)
	}
	return nil
}

// warnings are what is out of custom and yet no reason to refuse (domain 2).
func warnings(c checkIn, e entered) []string {
	var w []string
	if c.kind == schedule.Home && e.reached() && len(e.officers) < 2 {
		w = append(w, "a home visit is customarily made by two officers")
	}
	if c.step == "receipt" && e.reached() && !e.askedOfMoney() {
		w = append(w, "the first contact asks whether the money came in full, and whether anybody took or asked for some of it")
	}
	return w
}

// warnOfChildren says so where a child lives and nobody asked after it (L26): each
// visit or call that reached them scores the children, tells of their schooling, or
// flags what harms them.
func (l *Log) warnOfChildren(ctx context.Context, tx txn, c checkIn, e entered, done *Recorded) error {
	_, scored := e.Scores.Of(condition.Children).Points()
	if c.kind == schedule.Village || !e.reached() || scored || len(e.Schooling) > 0 || slices.Contains(e.Flags, condition.ChildHarm) {
		return nil
	}
	child, err := l.hasMinor(ctx, tx, c.recipient)
	if child {
		done.Warnings = append(done.Warnings, "a child lives here: every visit asks after its safety, care and schooling")
	}
	return err
}

// inWords is the part of a record that is sealed: what stands in a column of its
// own is left out.
func (r CheckInRecord) inWords() CheckInRecord {
	r.Outcome, r.Informant, r.AskedVillage = "", "", false
	r.OccurredAt, r.EndedAt, r.NextTryOn = time.Time{}, time.Time{}, calendar.Date{}
	r.Scores, r.Flags, r.Officers = condition.Scores{}, nil, nil
	return r
}

// told is what a history entry tells of a record.
func told(c checkIn, r CheckInRecord, done Recorded) (map[string]any, error) {
	plain, err := json.Marshal(r.inWords())
	if err != nil {
		return nil, fmt.Errorf("write down the record: %w", err)
	}
	details := map[string]any{}
	if err := json.Unmarshal(plain, &details); err != nil {
		return nil, fmt.Errorf("write down the record: %w", err)
	}
	details["kind"], details["step"], details["outcome"], details["informant"] = c.kind, c.step, r.Outcome, r.Informant
	details["asked_village"], details["late"] = r.AskedVillage, done.Late
	if len(r.Flags) > 0 {
		details["safeguarding"] = r.Flags
	}
	if len(r.Officers) > 0 {
		details["officers"] = r.Officers
	}
	if !r.EndedAt.IsZero() {
		details["ended_at"] = r.EndedAt
	}
	if done.Assessed {
		details["scores"], details["index"], details["complete"], details["counts"] = r.Scores, done.Index, done.Complete, done.Counts
	}
	return dropEmpty(details), nil
}

func dropEmpty(details map[string]any) map[string]any {
	for k, v := range details {
		if v == "" || v == false {
			delete(details, k)
		}
	}
	return details
}

// storedScores are scores as the column keeps them: 0-4, -1 not observed, -2 not applicable.
func storedScores(s condition.Scores) []int16 {
	column := make([]int16, len(s))
	for i, score := range s {
		column[i] = -1
		if points, scored := score.Points(); scored {
			column[i] = int16(points)
		} else if score == condition.NotApplicable {
			column[i] = -2
		}
	}
	return column
}

// orNull is a time for a column that may be empty.
func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// listed is an array for a column that is never NULL.
func listed[T any](some []T) []T {
	if some == nil {
		return []T{}
	}
	return some
}
