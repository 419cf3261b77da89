package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// VisitToSign is a home visit that waits for a supervisor's signature.
type VisitToSign struct {
	Record     RecordID    `json:"record_id"`
	CheckIn    CheckInID   `json:"check_in_id"` // none: nobody had planned it
	Recipient  RecipientID `json:"recipient_id"`
	MaskedName string      `json:"masked_name"`
	OccurredAt time.Time   `json:"occurred_at"`
	RecordedAt time.Time   `json:"recorded_at"`
	RecordedBy UserID      `json:"recorded_by"`
	Version    int         `json:"version"`
	Late       bool        `json:"late"`
}

// awaitSignOff puts a home visit that reached the household on the supervisor's list.
func (l *Log) awaitSignOff(ctx context.Context, tx txn, c checkIn, e entered, done Recorded) error {
	if c.kind != schedule.Home || !e.reached() {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO sign_offs (record_id, office_id, recipient_id, state, opened_at) VALUES ($1, $2, $3, 'waiting', $4)",
		done.Record, c.office, c.recipient, tx.now)
	if err != nil {
		return fmt.Errorf("wait for the sign-off: %w", err)
	}
	return nil
}

// VisitsToSign lists the home visits that wait for a signature, oldest first.
// Supervisors may; the list shows no contents.
func (l *Log) VisitsToSign(ctx context.Context, by Actor, page Page) ([]VisitToSign, error) {
	if !by.Holds(SignOffVisit) {
		return nil, forbidden("only a supervisor of the office signs visits off")
	}
	return read(ctx, l, by, func(tx txn) ([]VisitToSign, error) {
		rows, err := tx.Query(ctx, `SELECT s.record_id, b.check_in_id, s.recipient_id, r.data_key, r.sealed, b.occurred_at, b.recorded_at, b.recorded_by, b.version, b.late
			FROM sign_offs s JOIN check_in_records b ON b.id = s.record_id JOIN recipients r ON r.id = s.recipient_id
			WHERE s.state = 'waiting' AND ($1 OR s.office_id = ANY ($4)) AND s.record_id > $2 ORDER BY s.record_id LIMIT $3`,
			by.Kind == System, page.afterOrFirst(), page.Limit, by.officesFor(SignOffVisit))
		if err != nil {
			return nil, fmt.Errorf("list visits to sign: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (VisitToSign, error) {
			var v VisitToSign
			var wrapped, sealed []byte
			err := row.Scan(&v.Record, &v.CheckIn, &v.Recipient, &wrapped, &sealed, &v.OccurredAt, &v.RecordedAt, &v.RecordedBy, &v.Version, &v.Late)
			if err != nil {
				return v, err
			}
			facts, err := l.openRecipient(v.Recipient, wrapped, sealed)
			v.MaskedName = MaskName(facts.Name)
			return v, err
		})
	})
}

// SignOff signs a home visit off, with a comment if there is something to say. A
// supervisor of the office may who neither recorded the visit nor made it. A
// correction asks for a new signature.
func (l *Log) SignOff(ctx context.Context, by Actor, id RecordID, comment string) error {
	if len(comment) > longText {
		return invalid("comment", isTooLong)
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var office OfficeID
		var recipient RecipientID
		var recorder UserID
		var there []UserID
		var state string
		err := tx.QueryRow(ctx, `SELECT s.office_id, s.recipient_id, b.recorded_by, b.officers, s.state
			FROM sign_offs s JOIN check_in_records b ON b.id = s.record_id WHERE s.record_id = $1 FOR NO KEY UPDATE OF s`, id).
			Scan(&office, &recipient, &recorder, &there, &state)
		if none(err) {
			return struct{}{}, notFound("visit that is to be signed off")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read the sign-off: %w", err)
		}
		switch {
		case by.Kind != Person || !by.may(office, SignOffVisit):
			return struct{}{}, forbidden("only a supervisor of the office signs visits off")
		case by.User == recorder || slices.Contains(there, by.User):
			return struct{}{}, forbidden("whoever recorded or made the visit may not sign it off")
		case state != "waiting":
			return struct{}{}, conflict("the visit was signed off or corrected already")
		}
		_, err = tx.Exec(ctx, "UPDATE sign_offs SET state = 'signed', signed_at = $2, signed_by = $3 WHERE record_id = $1", id, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("sign off: %w", err)
		}
		tx.append(happening{recipient: recipient, kind: "visit_signed_off", subject: anyID(id), details: dropEmpty(map[string]any{"comment": comment})})
		return struct{}{}, nil
	})
	return err
}
