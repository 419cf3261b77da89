package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
	"aftercare/internal/crypt"
)

// Record is one version of a record as a file shows it.
type Record struct {
	CheckInRecord
	ID           RecordID      `json:"record_id"`
	CheckIn      CheckInID     `json:"check_in_id"` // none: the visit stands alone
	Recipient    RecipientID   `json:"recipient_id"`
	Kind         schedule.Kind `json:"kind"`
	RecordedAt   time.Time     `json:"recorded_at"`
	RecordedBy   UserID        `json:"recorded_by"`
	Late         bool          `json:"late"` // first entered more than a day after it ended
	Version      int           `json:"version"`
	Corrects     RecordID      `json:"corrects"`
	SupersededBy RecordID      `json:"superseded_by"` // none: this version stands
	SignOff      string        `json:"sign_off"`      // waiting, signed, superseded; empty: none is asked for
	Assessed     bool          `json:"assessed"`
	Index        int           `json:"index"`
	Complete     bool          `json:"complete"`
	Counts       bool          `json:"counts"`
	Withheld     bool          `json:"withheld"` // the reader's own second scores are not in yet
}

// Assessed is one scoring of a household as a file shows it.
type Assessed struct {
	Record       RecordID         `json:"record_id"`
	CheckIn      CheckInID        `json:"check_in_id"`
	Kind         schedule.Kind    `json:"kind"`
	OccurredAt   time.Time        `json:"occurred_at"`
	RecordedAt   time.Time        `json:"recorded_at"`
	Scores       condition.Scores `json:"scores"`
	Index        int              `json:"index"`
	Complete     bool             `json:"complete"`
	Counts       bool             `json:"counts"`
	SupersededBy RecordID         `json:"superseded_by"` // the record that corrected it
	Withheld     bool             `json:"withheld"`
}

// mostShown bounds a list that a file shows whole.
const mostShown = 500

// Records reads every version of what was recorded of a check-in, newest first.
// Officers and supervisors of the file's office may; the read is audited. Whoever
// is to score the visit blind does not see its scores before theirs are in.
func (l *Log) Records(ctx context.Context, by Actor, id CheckInID) ([]Record, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Record, error) {
		var recipient RecipientID
		err := tx.QueryRow(ctx, "SELECT recipient_id FROM check_ins WHERE id = $1", id).Scan(&recipient)
		if none(err) {
			return nil, notFound("check-in")
		}
		if err != nil {
			return nil, fmt.Errorf("read check-in: %w", err)
		}
		return l.records(ctx, tx, recipient, "b.check_in_id = $1", id)
	})
}

// Visits reads every version of the visits to a household that stand alone,
// newest first: those that nobody had planned. As Records.
func (l *Log) Visits(ctx context.Context, by Actor, recipient RecipientID) ([]Record, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Record, error) {
		return ofWhole(ctx, l, tx, recipient, func(id RecipientID) ([]Record, error) {
			return l.records(ctx, tx, id, "b.recipient_id = $1 AND b.check_in_id IS NULL", id)
		})
	})
}

func (l *Log) records(ctx context.Context, tx txn, recipient RecipientID, where string, arg any) ([]Record, error) {
	file, err := l.openFile(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	hidden, err := withheld(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, selectRecords+where+" ORDER BY b.recorded_at DESC, b.id DESC LIMIT $2", arg, mostShown)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Record, error) {
		r, err := scanRecord(row, file.key)
		if hidden[r.CheckIn] {
			r.Scores, r.Evidence, r.Index, r.Complete, r.Counts, r.Withheld = condition.Scores{}, nil, 0, false, false, true
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	tx.audit(file.office, "records_read", anyID(recipient), "")
	return found, nil
}

const selectRecords = `SELECT b.id, b.check_in_id, b.recipient_id, b.kind, b.outcome, b.informant, b.asked_village, b.occurred_at, b.ended_at,
		b.recorded_at, b.recorded_by, b.late, b.flags, b.version, b.corrects, b.superseded_by, b.sealed, coalesce(s.state, ''),
		a.scores, coalesce(a.index, 0), coalesce(a.complete, false), coalesce(a.counts, false),
		(SELECT coalesce(array_agg(u.login ORDER BY u.login), '{}') FROM users u WHERE u.id = ANY (b.officers))
	FROM check_in_records b LEFT JOIN assessments a ON a.record_id = b.id LEFT JOIN sign_offs s ON s.record_id = b.id
	WHERE `

func scanRecord(row pgx.CollectableRow, key crypt.DataKey) (Record, error) {
	var r Record
	var sealed []byte
	var ended *time.Time
	var scores []int16
	var columns CheckInRecord
	err := row.Scan(&r.ID, &r.CheckIn, &r.Recipient, &r.Kind, &columns.Outcome, &columns.Informant, &columns.AskedVillage, &columns.OccurredAt, &ended,
		&r.RecordedAt, &r.RecordedBy, &r.Late, &columns.Flags, &r.Version, &r.Corrects, &r.SupersededBy, &sealed, &r.SignOff,
		&scores, &r.Index, &r.Complete, &r.Counts, &columns.Officers)
	if err != nil {
		return r, err
	}
	if sealed != nil {
		r.CheckInRecord, err = crypt.OpenJSON[CheckInRecord](key, sealed, "check_in_records.sealed/"+r.ID.String())
		if err != nil {
			return r, fmt.Errorf("open record %s: %w", r.ID, err)
		}
	}
	r.Outcome, r.Informant, r.AskedVillage = columns.Outcome, columns.Informant, columns.AskedVillage
	r.OccurredAt, r.Flags, r.Officers = columns.OccurredAt, columns.Flags, columns.Officers
	if ended != nil {
		r.EndedAt = *ended
	}
	r.Scores, r.Assessed = fromStored(scores), scores != nil
	return r, nil
}

// Assessments reads a household's scorings, newest first, superseded ones too. As Records.
func (l *Log) Assessments(ctx context.Context, by Actor, recipient RecipientID) ([]Assessed, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Assessed, error) {
		return ofWhole(ctx, l, tx, recipient, func(id RecipientID) ([]Assessed, error) { return l.assessments(ctx, tx, id) })
	})
}

func (l *Log) assessments(ctx context.Context, tx txn, recipient RecipientID) ([]Assessed, error) {
	file, err := l.openFile(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	hidden, err := withheld(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT record_id, check_in_id, kind, occurred_at, recorded_at, scores, index, complete, counts, superseded_by
		FROM assessments WHERE recipient_id = $1 ORDER BY occurred_at DESC, id DESC LIMIT $2`, recipient, mostShown)
	if err != nil {
		return nil, fmt.Errorf("read assessments: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Assessed, err error) {
		var scores []int16
		err = row.Scan(&a.Record, &a.CheckIn, &a.Kind, &a.OccurredAt, &a.RecordedAt, &scores, &a.Index, &a.Complete, &a.Counts, &a.SupersededBy)
		a.Scores = fromStored(scores)
		if hidden[a.CheckIn] {
			a.Scores, a.Index, a.Complete, a.Counts, a.Withheld = condition.Scores{}, 0, false, false, true
		}
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read assessments: %w", err)
	}
	tx.audit(file.office, "assessments_read", anyID(recipient), "")
	return found, nil
}
