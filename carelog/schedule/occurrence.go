package schedule

import (
	"cmp"
	"slices"

	"aftercare/carelog/calendar"
)

// Window is when a check-in may be made and must have been made.
type Window struct {
	Opens  calendar.Date // first day it may be made
	Due    calendar.Date // a working day; reminders name this date
	Closes calendar.Date // last day of grace
}

// Occurrence is one check-in that a template asks for.
type Occurrence struct {
	Step     string
	N        int // counts from 1 within the step
	Occasion string
	Title    string
	Kind     Kind
	// Nominal is the date by plain counting, before it moves to a working day.
	Nominal calendar.Date
	Window
	Scored      bool
	AsksVillage bool
	Closure     bool
}

// Occurrences lists the check-ins due within [from, until], both included,
// sorted by due date and then step key. Anchors without a start have none.
func Occurrences(t Template, a Anchors, from, until calendar.Date, cal *calendar.Calendar) []Occurrence {
	var list []Occurrence
	for _, s := range t.Steps {
		o, found := s.firstFrom(from, a, cal)
		for found && !o.Due.After(until) {
			list = append(list, o)
			o, found = s.after(o, a, cal)
		}
	}
	slices.SortFunc(list, earlier)
	return list
}

// Next returns the first check-in due strictly after a date. It exists for
// every template that passes Validate and every plan with a start; otherwise
// the zero Occurrence comes back.
func Next(t Template, a Anchors, after calendar.Date, cal *calendar.Calendar) Occurrence {
	var next Occurrence
	for _, s := range t.Steps {
		o, found := s.firstFrom(after.AddDays(1), a, cal)
		if found && (next.N == 0 || earlier(o, next) < 0) {
			next = o
		}
	}
	return next
}

// firstFrom finds the step's first check-in due on or after a date. The number
// is estimated by division and then corrected for rolling, so the cost does
// not grow with the age of the plan.
func (s Step) firstFrom(from calendar.Date, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	if a.Start.IsZero() {
		return Occurrence{}, false
	}
	n := 1
	if s.EveryDays > 0 {
		n = max(1, from.Sub(a.of(s.Anchor).AddDays(s.OffsetDays))/s.EveryDays+1)
	}
	o := s.occurrence(n, a, cal)
	for o.N > 1 && !o.Due.Before(from) {
		before := s.occurrence(o.N-1, a, cal)
		if before.Due.Before(from) {
			break
		}
		o = before
	}
	for o.Due.Before(from) {
		if s.EveryDays <= 0 {
			return Occurrence{}, false
		}
		o = s.occurrence(o.N+1, a, cal)
	}
	return o, true
}

// after returns the step's next check-in, if it repeats.
func (s Step) after(o Occurrence, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	if s.EveryDays <= 0 {
		return Occurrence{}, false
	}
	return s.occurrence(o.N+1, a, cal), true
}

// occurrence dates the n-th check-in of a step.
func (s Step) occurrence(n int, a Anchors, cal *calendar.Calendar) Occurrence {
	nominal := a.of(s.Anchor).AddDays(s.OffsetDays + (n-1)*s.EveryDays)
	return Occurrence{
		Step: s.Key, N: n, Occasion: s.Occasion, Title: s.Title, Kind: s.Kind,
		Nominal: nominal, Window: s.window(nominal, cal),
		Scored: s.Scored, AsksVillage: s.AsksVillage, Closure: s.Closure,
	}
}

// window moves a date to a working day: forward, unless that would pass the
// end of the grace counted from the date itself; then back.
func (s Step) window(nominal calendar.Date, cal *calendar.Calendar) Window {
	due := cal.RollForward(nominal)
	if due.After(cal.AddWorkdays(nominal, s.GraceWorkdays)) {
		due = cal.RollBack(nominal)
	}
	return Window{Opens: due.AddDays(-s.LeadDays), Due: due, Closes: cal.AddWorkdays(due, s.GraceWorkdays)}
}

func earlier(a, b Occurrence) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Step, b.Step), cmp.Compare(a.N, b.N))
}

// At dates the n-th check-in of a step; false when the template has no such
// step, or not so often.
func At(t Template, a Anchors, step string, n int, cal *calendar.Calendar) (Occurrence, bool) {
	i := slices.IndexFunc(t.Steps, func(s Step) bool { return s.Key == step })
	if i < 0 || n < 1 || a.Start.IsZero() || n > 1 && t.Steps[i].EveryDays <= 0 {
		return Occurrence{}, false
	}
	return t.Steps[i].occurrence(n, a, cal), true
}
