package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

const (
	emergencyLasts = 24 * time.Hour
	longestLeave   = 90 // days
	decideLeaveIn  = 2  // working days
)

// Opening is somebody's leave to see a minor's file in full.
type Opening struct {
	ID        OpeningID
	Recipient RecipientID
	User      UserID
	UserName  string
	State     string // asked, approved, refused, emergency
	Days      int    // for how long it was asked
	AskedAt   time.Time
	DecidedAt *time.Time
	EndsAt    *time.Time // of what was approved or opened in an emergency
	Reason    string
	Decision  string // why it was decided so; empty: not yet
}

// openingFacts is what is sealed about a leave.
type openingFacts struct {
	Reason   string `json:"reason"`
	Decision string `json:"decision,omitempty"`
}

// leave is what serves a reader now; zero: none.
type leave struct {
	ends      time.Time
	emergency bool
}

// leaveOf is the actor's leave that has not ended.
func leaveOf(ctx context.Context, tx txn, recipient RecipientID) (leave, error) {
	var given leave
	err := tx.QueryRow(ctx, `SELECT ends_at, state = 'emergency' FROM minor_openings
		WHERE recipient_id = $1 AND user_id = $2 AND ends_at > $3 ORDER BY ends_at DESC LIMIT 1`, recipient, tx.by.User, tx.now).
		Scan(&given.ends, &given.emergency)
	if err != nil && !none(err) {
		return given, fmt.Errorf("read leave: %w", err)
	}
	return given, nil
}

// AskToOpen asks for leave to see a minor's file in full for so many days (1-90),
// with a reason; a minor in an adult's household counts too. Officers and
// supervisors of the office may ask; another supervisor decides (Regulation on
// Minors Online, art. 36). Conflict when it is asked already.
func (l *Log) AskToOpen(ctx context.Context, by Actor, recipient RecipientID, days int, why string) (OpeningID, error) {
	var probs problems
	probs.needsReason(why)
	if days < 1 || days > longestLeave {
		probs.add("days", isOutsideRange)
	}
	if err := probs.err(); err != nil {
		return OpeningID{}, err
	}
	if by.Kind != Person {
		return OpeningID{}, forbidden("a file is shown in full to people only")
	}
	return write(ctx, l, by, func(tx txn) (OpeningID, error) {
		f, err := l.openFile(ctx, tx, recipient, UnmaskFile)
		if err != nil {
			return OpeningID{}, err
		}
		id, err := l.insertOpening(ctx, tx, f, "asked", days, why)
		if err != nil {
			return id, err
		}
		return id, l.openTask(ctx, tx, newTask{
			kind: "minor_opening", cause: openingCause(id), office: f.office, recipient: f.id,
			reason: "somebody asks to see a minor's file in full: another supervisor decides",
			actBy:  officerWindow.closes(tx.cal(f.office).AddWorkdays(tx.today(), decideLeaveIn)),
		})
	})
}

// openInEmergency opens a minor's file for a day and has a supervisor look at it.
func (l *Log) openInEmergency(ctx context.Context, tx txn, f file, why string) (leave, error) {
	id, err := l.insertOpening(ctx, tx, f, "emergency", 1, why)
	if err != nil {
		return leave{}, err
	}
	given := leave{ends: tx.now.Add(emergencyLasts), emergency: true}
	return given, l.openTask(ctx, tx, newTask{
		kind: "minor_opening", cause: openingCause(id), office: f.office, recipient: f.id,
		reason: "a minor's file was opened in an emergency: another supervisor looks whether it was right",
		actBy:  officerWindow.closes(tx.cal(f.office).AddWorkdays(tx.today(), 1)),
	})
}

func openingCause(id OpeningID) string { return "minor_opening:" + id.String() }

func (l *Log) insertOpening(ctx context.Context, tx txn, f file, state string, days int, why string) (OpeningID, error) {
	id := newID[openingKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(f.key, openingFacts{Reason: why}, "minor_openings.sealed/"+id.String())
	if err != nil {
		return id, err
	}
	var ends *time.Time
	if state == "emergency" {
		until := tx.now.Add(emergencyLasts)
		ends = &until
	}
	_, err = tx.Exec(ctx, `INSERT INTO minor_openings (id, recipient_id, user_id, state, days, asked_at, ends_at, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, f.id, tx.by.User, state, days, tx.now, ends, sealed)
	if err != nil {
		return id, fmt.Errorf("insert leave: %w", err)
	}
	tx.append(happening{recipient: f.id, kind: "opening_" + state, subject: anyID(id), details: map[string]any{"reason": why, "days": days}})
	tx.audit(f.office, "opening_"+state, anyID(f.id), "")
	return id, nil
}

// DecideOpening gives or refuses leave that was asked for, with a reason; or looks
// at an emergency: approved, it runs to its end; refused, it ends at once. A
// supervisor of the office or of one above it may, who is not who asked. Leave ends
// by itself after the days asked for. Refusals: Invalid, NotFound, Forbidden,
// Conflict when it is decided.
func (l *Log) DecideOpening(ctx context.Context, by Actor, id OpeningID, approve bool, why string) error {
	var probs problems
	probs.needsReason(why)
	if err := probs.err(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var o Opening
		var sealed []byte
		err := tx.QueryRow(ctx, "SELECT recipient_id, user_id, state, days, decided_at, ends_at, sealed FROM minor_openings WHERE id = $1 FOR UPDATE", id).
			Scan(&o.Recipient, &o.User, &o.State, &o.Days, &o.DecidedAt, &o.EndsAt, &sealed)
		if none(err) {
			return struct{}{}, notFound("leave")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read leave: %w", err)
		}
		f, err := l.openFile(ctx, tx, o.Recipient)
		switch {
		case err != nil:
			return struct{}{}, err
		case by.Kind != Person || !by.may(f.office, GiveLeave):
			return struct{}{}, forbidden("only a supervisor of the office or of one above it gives leave to see a minor's file")
		case by.User == o.User:
			return struct{}{}, forbidden("whoever asks for leave may not give it: another supervisor does, of the superior office where there is no other")
		case o.DecidedAt != nil:
			return struct{}{}, conflict("this was decided already")
		}
		return struct{}{}, l.decideOpening(ctx, tx, f, decided{id: id, was: o, sealed: sealed, approve: approve, why: why})
	})
	return err
}

// decided is a decision about a leave on its way in.
type decided struct {
	id      OpeningID
	was     Opening
	sealed  []byte
	approve bool
	why     string
}

func (l *Log) decideOpening(ctx context.Context, tx txn, f file, d decided) error {
	column := "minor_openings.sealed/" + d.id.String()
	facts, err := crypt.OpenJSON[openingFacts](f.key, d.sealed, column)
	if err != nil {
		return err
	}
	facts.Decision = d.why
	sealed, err := crypt.SealJSON(f.key, facts, column)
	if err != nil {
		return err
	}
	state, kind := "refused", "opening_refused"
	var ends *time.Time
	switch {
	case d.approve && d.was.State == "emergency":
		state, kind, ends = "emergency", "opening_approved", d.was.EndsAt
	case d.approve:
		until := tx.now.AddDate(0, 0, d.was.Days)
		state, kind, ends = "approved", "opening_approved", &until
	}
	_, err = tx.Exec(ctx, "UPDATE minor_openings SET state = $2, decided_by = $3, decided_at = $4, ends_at = $5, sealed = $6 WHERE id = $1",
		d.id, state, tx.by.User, tx.now, ends, sealed)
	if err != nil {
		return fmt.Errorf("decide about leave: %w", err)
	}
	tx.append(happening{recipient: f.id, kind: kind, subject: anyID(d.id), details: map[string]any{"reason": d.why}})
	tx.audit(f.office, kind, anyID(f.id), "")
	return l.endTasks(ctx, tx, []string{openingCause(d.id)}, "it was decided")
}

// Openings lists who asked to see a minor's file in full, newest first, at most
// 200. Officers and supervisors of the office may; the read goes into the audit.
func (l *Log) Openings(ctx context.Context, by Actor, recipient RecipientID) ([]Opening, error) {
	return read(ctx, l, by, func(tx txn) ([]Opening, error) {
		f, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, `SELECT o.id, o.user_id, o.state, o.days, o.asked_at, o.decided_at, o.ends_at, o.sealed, u.data_key, u.sealed
			FROM minor_openings o LEFT JOIN users u ON u.id = o.user_id WHERE o.recipient_id = $1 ORDER BY o.id DESC LIMIT 200`, recipient)
		if err != nil {
			return nil, fmt.Errorf("list leaves: %w", err)
		}
		openings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Opening, error) {
			o := Opening{Recipient: recipient}
			var sealed, key, person []byte
			if err := row.Scan(&o.ID, &o.User, &o.State, &o.Days, &o.AskedAt, &o.DecidedAt, &o.EndsAt, &sealed, &key, &person); err != nil {
				return o, err
			}
			facts, err := crypt.OpenJSON[openingFacts](f.key, sealed, "minor_openings.sealed/"+o.ID.String())
			if err != nil {
				return o, err
			}
			who, err := l.openPerson(o.User, key, person, "users.sealed")
			o.UserName, o.Reason, o.Decision = who.Name, facts.Reason, facts.Decision
			return o, err
		})
		if err != nil {
			return nil, fmt.Errorf("list leaves: %w", err)
		}
		tx.audit(f.office, "openings_read", anyID(recipient), "")
		return openings, nil
	})
}
