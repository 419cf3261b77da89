package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Closure is days that an office, and those below it, close or work beside the
// nation's: a flood, a power cut, a local holiday, a Saturday worked in an emergency.
type Closure struct {
	Office  OfficeID      // zero: the actor's
	From    calendar.Date // today or later
	Until   calendar.Date // included; zero: From
	Worked  bool          // these days are worked; else nobody works
	Name    string        // for people, kept in clear: no personal facts
	Reason  string        // one of closureReasons
	Preview bool          // tell what would move, keep nothing
}

// closureReasons are why an office may close or work.
var closureReasons = []string{"disaster", "weather", "power_cut", "relocation", "local_holiday", "training", "emergency_work", "other"}

const (
	maxClosed      = 62 // days: an office closed for longer hands its plans over
	maxClosureName = 40 // characters
)

// ClosureChange is a closure that began or ended, or would, and what it moves.
type ClosureChange struct {
	Closure ClosureID `json:"closure_id"` // zero: a preview of a new one
	DaysChanged
}

// ClosureTaken is a closure as lists show it.
type ClosureTaken struct {
	ID      ClosureID     `json:"closure_id"`
	Office  OfficeID      `json:"office_id"`
	From    calendar.Date `json:"from"`
	Until   calendar.Date `json:"until"`
	Worked  bool          `json:"worked"`
	Name    string        `json:"name"`
	Reason  string        `json:"reason"`
	EndedOn calendar.Date `json:"ended_on"` // from this day on it holds no longer
}

// CloseOffice closes an office for some days, or has it work on rest days, and
// lays anew what that touches there and below: future, unsent work. A check-in due
// on the last day before is not overdue until the office works again; what is red
// waits for nobody. An administrator of the office may.
func (l *Log) CloseOffice(ctx context.Context, by Actor, c Closure) (ClosureChange, error) {
	if c.Office.IsZero() {
		c.Office = by.Office
	}
	if c.Until.IsZero() {
		c.Until = c.From
	}
	c.Name = strings.TrimSpace(c.Name)
	if !by.may(c.Office, CloseOfficeAct) {
		return ClosureChange{}, forbidden("only an administrator of the office closes it")
	}
	return previewed(ctx, l, by, c.Preview, func(tx txn) (ClosureChange, error) {
		if err := c.check(tx); err != nil {
			return ClosureChange{}, err
		}
		offices, err := officesBelow(ctx, tx, c.Office)
		if err != nil {
			return ClosureChange{}, err
		}
		made := ClosureChange{Closure: newID[closureKind](tx.now, l.random)}
		made.DaysChanged, err = l.turnDays(ctx, tx, daysTurn{
			why: c.why(), offices: offices, write: func(tx txn) error { return insertClosure(ctx, tx, made.Closure, c) },
		})
		if err != nil {
			return ClosureChange{}, err
		}
		made.Preview = c.Preview
		tx.audit(c.Office, "office_closed", anyID(made.Closure), made.audited(c.Reason))
		if c.Preview {
			made.Closure = ClosureID{}
		}
		return made, nil
	})
}

func (c Closure) check(tx txn) error {
	var p problems
	switch {
	case c.From.IsZero():
		p.add("from", isRequired)
	case c.From.Before(tx.today()):
		p.add("from", isInPast)
	case c.From.After(tx.today().AddYears(1)):
		p.add("from", isOutsideWindow)
	}
	switch {
	case c.Until.Before(c.From):
		p.add("until", endsBeforeItBegins)
	case c.Until.Sub(c.From) >= maxClosed:
		p.add("until", isClosedTooLong)
	}
	switch {
	case c.Name == "":
		p.add("name", isRequired)
	case utf8.RuneCountInString(c.Name) > maxClosureName:
		p.add("name", isTooLong)
	}
	if !slices.Contains(closureReasons, c.Reason) {
		p.add("reason", isUnknown)
	}
	return p.err()
}

// why is what stands beside the check-ins it moves.
func (c Closure) why() string {
	if c.Worked {
		return fmt.Sprintf("the office works from %s to %s", c.From, c.Until)
	}
	return fmt.Sprintf("the office is closed from %s to %s", c.From, c.Until)
}

// officesBelow are an office and those below it. No office is an empty list, never nil.
func officesBelow(ctx context.Context, tx txn, office OfficeID) ([]OfficeID, error) {
	rows, err := tx.Query(ctx, "SELECT id FROM offices WHERE path @> ARRAY[$1::uuid] ORDER BY id", office)
	if err != nil {
		return nil, fmt.Errorf("find the offices below: %w", err)
	}
	offices, err := pgx.CollectRows(rows, pgx.RowTo[OfficeID])
	if err != nil {
		return nil, fmt.Errorf("find the offices below: %w", err)
	}
	if len(offices) == 0 {
		return nil, notFound("office")
	}
	return offices, nil
}

func insertClosure(ctx context.Context, tx txn, id ClosureID, c Closure) error {
	_, err := tx.Exec(ctx, `INSERT INTO office_closures (id, office_id, from_day, until_day, worked, name, reason, made_at, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, id, c.Office, c.From, c.Until, c.Worked, c.Name, c.Reason, tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("insert closure: %w", err)
	}
	return nil
}

// EndClosure ends a closure from today on: the days before stay as they were, and
// what the others had moved is laid anew. An administrator of its office may; one
// that is over or ended is a Conflict.
func (l *Log) EndClosure(ctx context.Context, by Actor, id ClosureID, preview bool) (ClosureChange, error) {
	return previewed(ctx, l, by, preview, func(tx txn) (ClosureChange, error) {
		c, err := readClosure(ctx, tx, id)
		if err != nil {
			return ClosureChange{}, err
		}
		if !by.may(c.Office, CloseOfficeAct) {
			return ClosureChange{}, forbidden("only an administrator of the office ends its closure")
		}
		offices, err := officesBelow(ctx, tx, c.Office)
		if err != nil {
			return ClosureChange{}, err
		}
		made := ClosureChange{Closure: id}
		made.DaysChanged, err = l.turnDays(ctx, tx, daysTurn{
			why:     fmt.Sprintf("what the office had arranged from %s to %s was ended", c.From, c.Until),
			offices: offices, write: func(tx txn) error { return endClosure(ctx, tx, id) },
		})
		if err != nil {
			return ClosureChange{}, err
		}
		made.Preview = preview
		tx.audit(c.Office, "closure_ended", anyID(id), made.audited(c.Reason))
		return made, nil
	})
}

func readClosure(ctx context.Context, tx txn, id ClosureID) (ClosureTaken, error) {
	c := ClosureTaken{ID: id}
	err := tx.QueryRow(ctx, "SELECT office_id, from_day, until_day, reason FROM office_closures WHERE id = $1", id).
		Scan(&c.Office, &c.From, &c.Until, &c.Reason)
	if none(err) {
		return c, notFound("closure")
	}
	if err != nil {
		return c, fmt.Errorf("read closure: %w", err)
	}
	return c, nil
}

func endClosure(ctx context.Context, tx txn, id ClosureID) error {
	tag, err := tx.Exec(ctx, `UPDATE office_closures SET ended_on = $2, ended_at = $3, ended_by = $4
		WHERE id = $1 AND ended_on IS NULL AND until_day >= $2`, id, tx.today(), tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("end closure: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return conflict("this closure is over already")
	}
	return nil
}

// listClosures are those of an office and the offices above it within a span.
func listClosures(ctx context.Context, tx txn, office OfficeID, from, until calendar.Date) ([]ClosureTaken, error) {
	rows, err := tx.Query(ctx, `SELECT id, office_id, from_day, until_day, worked, name, reason, ended_on FROM office_closures
		WHERE id IN (SELECT closure_id FROM closures_in_force($2) WHERE for_office = $1) AND from_day <= $3 ORDER BY from_day, id LIMIT 200`,
		office, from, until)
	if err != nil {
		return nil, fmt.Errorf("list closures: %w", err)
	}
	closures, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ClosureTaken])
	if err != nil {
		return nil, fmt.Errorf("list closures: %w", err)
	}
	return closures, nil
}
