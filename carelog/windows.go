package carelog

import (
	"fmt"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// window is when a party may be texted on a working day, in Shanghai time
// (design: Meanings). Nothing goes out between 12:00 and 14:00 or at night.
type window struct {
	name   string
	spans  [][2]clock
	anyDay bool // automatic answers go on any day
	always bool // red alerts go at any hour
}

type clock struct{ hour, minute int }

var (
	officerWindow = window{name: "officer hours 08:30-12:00 and 14:00-20:00 on working days", spans: [][2]clock{{{8, 30}, {12, 0}}, {{14, 0}, {20, 0}}}}
	villageWindow = window{name: "village hours 09:00-11:30 and 14:30-18:00 on working days", spans: [][2]clock{{{9, 0}, {11, 30}}, {{14, 30}, {18, 0}}}}
	answerWindow  = window{name: "answers 08:30-20:00 on any day", spans: [][2]clock{{{8, 30}, {20, 0}}}, anyDay: true}
	alertWindow   = window{name: "red alerts at any hour", always: true}
)

// The priorities of messages, the most urgent first.
const (
	priorityRed      = 1
	priorityAnswer   = 2
	priorityReminder = 3
	priorityDigest   = 4
)

// priorities is all of them: a constraint keeps others out of the table.
var priorities = []int16{priorityRed, priorityAnswer, priorityReminder, priorityDigest}

func windowFor(purpose string, priority int) window {
	switch {
	case priority == priorityRed, purpose == "test":
		return alertWindow
	case purpose == "answer":
		return answerWindow
	case purpose == "village_request", purpose == "number_check", purpose == visitConfirmation:
		return villageWindow
	default:
		return officerWindow
	}
}

// next is the first moment from t on at which the window is open.
func (w window) next(t time.Time, cal *calendar.Calendar) time.Time {
	if w.always {
		return t
	}
	for day := calendar.Of(t); ; day = day.AddDays(1) {
		if !w.anyDay && !cal.IsWorkday(day) {
			continue
		}
		for _, span := range w.spans {
			if opens := day.At(span[0].hour, span[0].minute); t.Before(opens) {
				return opens
			}
			if t.Before(day.At(span[1].hour, span[1].minute)) {
				return t
			}
		}
	}
}

// openedAt is when the span of the window began that t lies in; t itself outside one.
func (w window) openedAt(t time.Time) time.Time {
	day := calendar.Of(t)
	for _, span := range w.spans {
		if opens := day.At(span[0].hour, span[0].minute); !t.Before(opens) && t.Before(day.At(span[1].hour, span[1].minute)) {
			return opens
		}
	}
	return t
}

// nextOpening is when the window opens next after the span that t lies in.
func (w window) nextOpening(t time.Time, cal *calendar.Calendar) time.Time {
	day := calendar.Of(t)
	for _, span := range w.spans {
		if closes := day.At(span[1].hour, span[1].minute); t.Before(closes) {
			return w.next(later(t, closes), cal)
		}
	}
	return w.next(t, cal)
}

// opens is when the window first opens on a day.
func (w window) opens(day calendar.Date) time.Time {
	return day.At(w.spans[0][0].hour, w.spans[0][0].minute)
}

// closes is when the window closes for the day.
func (w window) closes(day calendar.Date) time.Time {
	last := w.spans[len(w.spans)-1][1]
	return day.At(last.hour, last.minute)
}

// When texts about a check-in go out, in working days from the due date.
const (
	villageAskBefore    = -5 // the request
	villageRepeatAfter  = 2  // once more, this long after the request
	officerRemindBefore = -3
	officerNudgeAfter   = 2 // the officer is told it is overdue
)

// messagesFrom is the day on which the first text about a check-in may go out.
func messagesFrom(cal *calendar.Calendar, kind schedule.Kind, due calendar.Date) calendar.Date {
	if kind == schedule.Village {
		return cal.AddWorkdays(due, villageAskBefore)
	}
	return cal.AddWorkdays(due, officerRemindBefore)
}

// slot is one planned text: when, until when, and why.
type slot struct {
	wording             string
	notBefore, deadline time.Time
	reason              string
}

// officerSlots are the officer's reminders: before, on the day, and when it is
// overdue. What is past already is left out; when the first is past and the day
// is still to come, it goes out at the next open hour instead.
func officerSlots(cal *calendar.Calendar, opens, due calendar.Date, now time.Time) []slot {
	w := officerWindow
	var slots []slot
	before := w.opens(cal.AddWorkdays(due, officerRemindBefore))
	reason := fmt.Sprintf("reminder %d working days before the due date %s", -officerRemindBefore, due)
	if now.After(before) {
		before = w.next(now, cal)
		reason = fmt.Sprintf("reminder at the next open hour: less than %d working days to the due date %s", -officerRemindBefore, due)
	}
	// What opens a day ahead at most has just been told: by the red alert, or by who chose it.
	if calendar.Of(before).Before(due) && due.Sub(opens) > 1 {
		slots = append(slots, slot{"officer_due", before, w.closes(due), reason})
	}
	onTheDay := w.next(later(now, w.opens(due)), cal)
	if !calendar.Of(onTheDay).After(due) {
		slots = append(slots, slot{"officer_due", onTheDay, w.closes(due), fmt.Sprintf("reminder on the due date %s", due)})
	}
	nudge := cal.AddWorkdays(due, officerNudgeAfter)
	if at := w.opens(nudge); !at.Before(now) {
		slots = append(slots, slot{
			"officer_overdue", at, w.closes(cal.AddWorkdays(nudge, 3)),
			fmt.Sprintf("overdue: %d working days after the due date %s", officerNudgeAfter, due),
		})
	}
	return slots
}

// villageSlots are the request to the village contact and its one repeat. What is
// asked every week is asked when its window opens, not while the last is still due.
func villageSlots(cal *calendar.Calendar, opens, due calendar.Date, now time.Time) []slot {
	w := villageWindow
	first := w.opens(cal.AddWorkdays(due, villageAskBefore))
	reason := fmt.Sprintf("request %d working days before the due date %s", -villageAskBefore, due)
	if soon := w.opens(cal.RollForward(opens)); due.Sub(opens) < 7 && soon.After(first) {
		first, reason = soon, fmt.Sprintf("request when the window opens, for the due date %s", due)
	}
	if now.After(first) {
		first = w.next(now, cal)
		reason = fmt.Sprintf("request at the next open hour: less than %d working days to the due date %s", -villageAskBefore, due)
	}
	if calendar.Of(first).After(due) {
		return nil
	}
	slots := []slot{{"village_request", first, w.closes(due), reason}}
	repeat := cal.AddWorkdays(calendar.Of(first), villageRepeatAfter)
	if !repeat.After(due) {
		slots = append(slots, slot{"village_request", w.opens(repeat), w.closes(due), fmt.Sprintf("repeat %d working days after the request, if it is not answered", villageRepeatAfter)})
	}
	return slots
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
