package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Event is something that happened to a household outside any check-in (R12).
type Event struct {
	Kind       string        `json:"kind"` // death (of the recipient), death_of_carer, hospital, job_loss …
	OccurredOn calendar.Date `json:"occurred_on"`
	Source     string        `json:"source"` // who told: self, village_contact, police …
	Note       string        `json:"note"`
}

// ReportedEvent is an event as a file shows it.
type ReportedEvent struct {
	Event
	ID          EventID    `json:"event_id"`
	RecordedAt  time.Time  `json:"recorded_at"`
	RecordedBy  UserID     `json:"recorded_by"`
	WithdrawnAt *time.Time `json:"withdrawn_at"` // it was a mistake
}

var (
	eventKinds = []string{
		"death", "death_of_carer", "hospital", "job_loss", "school_drop_out", "child_out_of_care", "disaster", "offender_released",
		"offender_contact", "eviction", "new_disability", "guardian_change", "moved",
	}
	eventSources = []string{"self", "guardian", "relative", "village_contact", "school", "hospital", "police", "partner", "officer", "other"}
)

// eventsBack is how many years an event may lie back when it is reported.
const eventsBack = 2

// ReportEvent notes an event and judges the household anew. A death and a move
// set going what they set going as outcomes of a visit. Officers and supervisors
// of the office may.
func (l *Log) ReportEvent(ctx context.Context, by Actor, recipient RecipientID, e Event) (EventID, error) {
	return write(ctx, l, by, func(tx txn) (EventID, error) {
		file, err := l.openFile(ctx, tx, recipient, ReportEvent)
		if err != nil {
			return EventID{}, err
		}
		if err := e.check(tx); err != nil {
			return EventID{}, err
		}
		about, err := l.standsAlone(ctx, tx, recipient, file.office, "")
		if err != nil {
			return EventID{}, err
		}
		id := newID[eventKind](tx.now, l.random)
		sealed := file.key.Seal([]byte(e.Note), "events.sealed/"+id.String())
		_, err = tx.Exec(ctx, `INSERT INTO events (id, recipient_id, kind, occurred_on, source, recorded_at, recorded_by, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, recipient, e.Kind, e.OccurredOn, e.Source, tx.now, tx.by.User, sealed)
		if err != nil {
			return id, fmt.Errorf("insert event: %w", err)
		}
		tx.append(happening{recipient: recipient, kind: "event_reported", at: earlier(e.OccurredOn.At(0, 0), tx.now), subject: anyID(id), details: dropEmpty(map[string]any{
			"event": e.Kind, "occurred_on": e.OccurredOn, "source": e.Source, "note": e.Note,
		})})
		if outcome := eventOutcomes[e.Kind]; outcome != "" && !about.plan.IsZero() {
			if err := l.outcomePath(ctx, tx, about, outcome); err != nil {
				return id, err
			}
		}
		return id, l.judgeHousehold(ctx, tx, recipient)
	})
}

// eventOutcomes are the events that set going the path of a visit's outcome.
var eventOutcomes = map[string]string{"death": "deceased", "moved": "moved"}

func (e Event) check(tx txn) error {
	var p problems
	if !slices.Contains(eventKinds, e.Kind) {
		p.add("kind", isUnknown)
	}
	if !slices.Contains(eventSources, e.Source) {
		p.add("source", isUnknown)
	}
	switch {
	case e.OccurredOn.IsZero():
		p.add("occurred_on", isRequired)
	case e.OccurredOn.After(tx.today()):
		p.add("occurred_on", isInFuture)
	case e.OccurredOn.Before(tx.today().AddYears(-eventsBack)):
		p.add("occurred_on", isOutsideWindow)
	}
	if len(e.Note) > longText {
		p.add("note", isTooLong)
	}
	return p.err()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// WithdrawEvent takes back an event that was reported by mistake, with a reason:
// it stays in the file as withdrawn, and the household is judged as if it had not
// happened. Whoever reported it may, and supervisors of the office; where an open
// red alert rests on it, only a supervisor who did not report it.
func (l *Log) WithdrawEvent(ctx context.Context, by Actor, id EventID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var recipient RecipientID
		var reporter UserID
		var kind string
		err := tx.QueryRow(ctx, "SELECT recipient_id, recorded_by, kind FROM events WHERE id = $1", id).Scan(&recipient, &reporter, &kind)
		if none(err) {
			return struct{}{}, notFound("event")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read event: %w", err)
		}
		file, err := l.openFile(ctx, tx, recipient, ReportEvent)
		if err != nil {
			return struct{}{}, err
		}
		if (by.User != reporter || !by.may(file.office, ReportEvent)) && !by.may(file.office, OverruleEvent) {
			return struct{}{}, forbidden("only whoever reported it, or a supervisor of the office, withdraws an event")
		}
		if strings.TrimSpace(why) == "" {
			return struct{}{}, invalid("reason", isRequired)
		}
		if len(why) > longText {
			return struct{}{}, invalid("reason", isTooLong)
		}
		if _, err := l.standsAlone(ctx, tx, recipient, file.office, ""); err != nil {
			return struct{}{}, err
		}
		var red bool
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM alerts WHERE recipient_id = $1 AND cause = 'R12:' || $2::text AND level = 'red' AND state <> 'closed')", recipient, id.String()).Scan(&red)
		if err != nil {
			return struct{}{}, fmt.Errorf("look for the event's alert: %w", err)
		}
		if red && (by.User == reporter || !by.may(file.office, OverruleEvent)) {
			return struct{}{}, forbidden("a red alert rests on the event: a supervisor who did not report it withdraws it")
		}
		tag, err := tx.Exec(ctx, "UPDATE events SET withdrawn_at = $2, withdrawn_by = $3 WHERE id = $1 AND withdrawn_at IS NULL", id, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("withdraw event: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("the event was withdrawn already")
		}
		tx.append(happening{recipient: recipient, kind: "event_withdrawn", subject: anyID(id), details: map[string]any{"event": kind, "reason": why}})
		return struct{}{}, l.judgeHousehold(ctx, tx, recipient)
	})
	return err
}

// Events lists what was reported of a household, newest first, withdrawn ones
// too. Officers and supervisors of the file's office may; the read is audited.
func (l *Log) Events(ctx context.Context, by Actor, recipient RecipientID) ([]ReportedEvent, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]ReportedEvent, error) {
		return ofWhole(ctx, l, tx, recipient, func(id RecipientID) ([]ReportedEvent, error) { return l.reportedEvents(ctx, tx, id) })
	})
}

func (l *Log) reportedEvents(ctx context.Context, tx txn, recipient RecipientID) ([]ReportedEvent, error) {
	file, err := l.openFile(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT id, kind, occurred_on, source, recorded_at, recorded_by, sealed, withdrawn_at
		FROM events WHERE recipient_id = $1 ORDER BY occurred_on DESC, id DESC LIMIT $2`, recipient, mostShown)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ReportedEvent, error) {
		var e ReportedEvent
		var sealed []byte
		err := row.Scan(&e.ID, &e.Kind, &e.OccurredOn, &e.Source, &e.RecordedAt, &e.RecordedBy, &sealed, &e.WithdrawnAt)
		if err != nil {
			return e, err
		}
		e.Note, err = openText(file.key, sealed, "events.sealed/"+e.ID.String())
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	tx.audit(file.office, "events_read", anyID(recipient), "")
	return found, nil
}

// openText opens a sealed text; an erased one is empty.
func openText(key crypt.DataKey, sealed []byte, column string) (string, error) {
	plain, err := key.Open(sealed, column)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", column, err)
	}
	return string(plain), nil
}
