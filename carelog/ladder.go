package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// The ladders: a check-in that is overdue, an alert to be acted on within working
// days, one to be acted on within hours (design: Meanings, "Default ladder").
const (
	ladderOverdue = "overdue"
	ladderAmber   = "amber"
	ladderRed     = "red"
	ladderReview  = "review" // a plan whose review nobody takes up
	ladderClock   = "clock"  // a check-in on a real-time clock: told like what is red
)

// rung is one step of a ladder: who hears how long past the clock, and how often
// again while nobody acknowledges.
type rung struct {
	n                           int
	role                        string
	workdays, hours             int
	repeatWorkdays, repeatHours int
	lastOfLadder, atAnyHour     bool
}

// ladder reads the rungs of a template's ladder, the lowest first; a template
// without rungs of its own climbs the common ladder.
func (l *Log) ladder(ctx context.Context, tx txn, template, subject string) ([]rung, error) {
	rows, err := tx.Query(ctx, `SELECT rung, role, workdays, hours, repeat_workdays, repeat_hours FROM ladder_rungs
		WHERE subject = $2 AND template_key = coalesce(
			(SELECT template_key FROM ladder_rungs WHERE template_key = $1 AND subject = $2 LIMIT 1), '*') ORDER BY rung`, template, subject)
	if err != nil {
		return nil, fmt.Errorf("read the ladder: %w", err)
	}
	rungs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r rung, err error) {
		err = row.Scan(&r.n, &r.role, &r.workdays, &r.hours, &r.repeatWorkdays, &r.repeatHours)
		r.atAnyHour = atAnyHour(subject)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ladder: %w", err)
	}
	if len(rungs) == 0 {
		return nil, fmt.Errorf("the ladder %s has no rungs", subject)
	}
	rungs[len(rungs)-1].lastOfLadder = true
	return rungs, nil
}

// atAnyHour tells whether what climbs the ladder is told through nights and rest days.
func atAnyHour(subject string) bool { return subject == ladderRed || subject == ladderClock }

// at is when the rung is reached. Working days count from the day of the clock
// and begin when the officers do; hours run through nights and holidays, and only
// what is red is told then.
func (r rung) at(clock time.Time, cal *calendar.Calendar) time.Time {
	if r.workdays > 0 {
		// A clock that ends with a day ends at its midnight: the day is the one before.
		return officerWindow.opens(cal.AddWorkdays(calendar.Of(clock.Add(-time.Second)), r.workdays))
	}
	return r.window().next(clock.Add(time.Duration(r.hours)*time.Hour), cal)
}

// again is when the rung is told once more after it was told at t. The last rung
// always is: a ladder that ended before the deed would forget somebody (P1).
func (r rung) again(t time.Time, cal *calendar.Calendar) time.Time {
	switch {
	case r.repeatWorkdays > 0:
		return officerWindow.opens(cal.AddWorkdays(calendar.Of(t), r.repeatWorkdays))
	case r.repeatHours > 0:
		return r.window().next(t.Add(time.Duration(r.repeatHours)*time.Hour), cal)
	default:
		return officerWindow.opens(cal.AddWorkdays(calendar.Of(t), lastRungAgain))
	}
}

// lastRungAgain is how many working days later the last rung hears again where
// the ladder's data does not say.
const lastRungAgain = 5

func (r rung) window() window {
	if r.atAnyHour {
		return alertWindow
	}
	return officerWindow
}

// standing is where an escalation stands on its ladder.
type standing struct {
	clock        time.Time
	rung         int       // the highest told
	toldAt       time.Time // zero: nobody yet
	acknowledged int       // the highest rung somebody answered for; -1: none
	snoozedUntil time.Time
}

// climb tells which rung is due at now (nil: none), and which were passed on the
// way: after an outage the highest rung hears, once, and the others are noted.
func (s standing) climb(rungs []rung, now time.Time, cal *calendar.Calendar) (due *rung, passed []rung) {
	if now.Before(s.snoozedUntil) {
		return nil, nil
	}
	for i, r := range rungs {
		if r.n <= s.rung || r.at(s.clock, cal).After(now) {
			continue
		}
		if due != nil {
			passed = append(passed, *due)
		}
		due = &rungs[i]
	}
	if due != nil {
		return due, passed
	}
	for i, r := range rungs {
		if r.n == s.rung && s.repeats(r) && !r.again(s.told(), cal).After(now) {
			return &rungs[i], nil
		}
	}
	return nil, nil
}

// next is when somebody is told next.
func (s standing) next(rungs []rung, cal *calendar.Calendar) time.Time {
	var next time.Time
	for _, r := range rungs {
		var at time.Time
		switch {
		case r.n > s.rung:
			at = r.at(s.clock, cal)
		case r.n == s.rung && s.repeats(r):
			at = r.again(s.told(), cal)
		default:
			continue
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return later(next, s.snoozedUntil)
}

// told is when the present rung was last told, or where its clock begins.
func (s standing) told() time.Time {
	if s.toldAt.IsZero() {
		return s.clock
	}
	return s.toldAt
}

// repeats tells whether the rung is told again: while nobody answered for it, the
// last one until the deed is done.
func (s standing) repeats(r rung) bool {
	return r.lastOfLadder || (r.repeatWorkdays > 0 || r.repeatHours > 0) && s.acknowledged < r.n
}
