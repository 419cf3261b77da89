package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aftercare/carelog/calendar"
)

// Appointment is a day and hour agreed with a household.
type Appointment struct {
	On     calendar.Date `json:"on"`
	At     string        `json:"at"`     // the time of day in Shanghai, such as 14:30
	Reason string        `json:"reason"` // needed to move one, outside the window, and on a rest day
}

// AgreeAppointment notes when a household and the officer agreed to meet, or
// moves what they had agreed. Nothing recalculates an agreed date. On a rest day
// (families are at home on Sundays) the check-in is due on the working day after.
// The window is kept and, where the day lies outside, widened. What is late stays
// due when it was due: an appointment for it moves nothing, and its escalation goes
// on. Officers and supervisors of the office may.
func (l *Log) AgreeAppointment(ctx context.Context, by Actor, id CheckInID, a Appointment) (CheckIn, error) {
	return write(ctx, l, by, func(tx txn) (CheckIn, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return CheckIn{}, err
		}
		if !by.may(c.office, ManagePlan) {
			return CheckIn{}, forbidden("only officers and supervisors of the office agree its appointments")
		}
		if err := c.movable(); err != nil {
			return CheckIn{}, err
		}
		before, err := appointed(ctx, tx, id)
		if err != nil {
			return CheckIn{}, err
		}
		at, err := checkAppointment(tx, c, a, before)
		if err != nil {
			return CheckIn{}, err
		}
		if err := l.appoint(ctx, tx, c, at); err != nil {
			return CheckIn{}, err
		}
		kind, details := "appointment_agreed", map[string]any{"appointed_at": at, "reason": a.Reason}
		if before != nil {
			kind, details["was_appointed_at"] = "appointment_moved", *before
		}
		tx.append(happening{recipient: c.recipient, kind: kind, subject: anyID(id), details: dropEmpty(details)})
		return l.oneCheckIn(ctx, tx, id)
	})
}

func appointed(ctx context.Context, tx txn, id CheckInID) (*time.Time, error) {
	var at *time.Time
	if err := tx.QueryRow(ctx, "SELECT appointed_at FROM check_ins WHERE id = $1", id).Scan(&at); err != nil {
		return nil, fmt.Errorf("read the appointment: %w", err)
	}
	return at, nil
}

func checkAppointment(tx txn, c checkIn, a Appointment, before *time.Time) (time.Time, error) {
	var p problems
	clock, err := time.Parse("15:04", a.At)
	if err != nil {
		p.add("at", isNotATimeOfDay)
	}
	at := a.On.At(clock.Hour(), clock.Minute())
	outside := a.On.Before(c.window.Opens) || a.On.After(c.window.Closes)
	switch {
	case a.On.IsZero():
		p.add("on", isRequired)
	case a.On.Before(tx.today()):
		p.add("on", isInPast)
	case err == nil && at.Before(tx.now):
		p.add("at", isInPast)
	case a.On.After(c.firstDue.AddDays(mostMoved)) && (!c.late(tx) || a.On.After(tx.today().AddDays(mostMoved))):
		p.add("on", isOutsideWindow)
	}
	if strings.TrimSpace(a.Reason) == "" {
		switch {
		case a.On.IsZero():
		case before != nil:
			p.add("reason", isRequired)
		case outside:
			p.add("reason", needsReasonOutside)
		case !tx.cal(c.office).IsWorkday(a.On):
			p.add("reason", needsReasonAtRest)
		}
	}
	if len(a.Reason) > longText {
		p.add("reason", isTooLong)
	}
	return at, p.err()
}

// appoint moves the check-in to the agreed day and keeps its window around it.
func (l *Log) appoint(ctx context.Context, tx txn, c checkIn, at time.Time) error {
	cal := tx.cal(c.office)
	day := calendar.Of(at)
	w := c.window
	if c.late(tx) {
		return l.fixCheckIn(ctx, tx, c, fixed{window: w, at: orNull(at), reason: "an appointment was agreed"})
	}
	w.Due = cal.RollForward(day)
	if day.Before(w.Opens) {
		w.Opens = day
	}
	if w.Closes.Before(w.Due) {
		w.Closes = cal.AddWorkdays(w.Due, 1)
	}
	return l.fixCheckIn(ctx, tx, c, fixed{window: w, at: orNull(at), reason: "an appointment was agreed"})
}
