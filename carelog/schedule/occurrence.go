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

// Holds tells whether a visit on a day satisfies the check-in: not before the
// window opens. Late is late, but it is done.
func (w Window) Holds(on calendar.Date) bool { return !on.Before(w.Opens) }

// Occurrence is one check-in that a template asks for.
type Occurrence struct {
	Step     string
	N        int // counts from 1 within the step; of a yearly step the year; see also dayNumber
	Occasion string
	Title    string
	Kind     Kind
	// Nominal is the date by plain counting, before it moves to a working day.
	Nominal calendar.Date
	Window
	Scored      bool
	AsksVillage bool
	Closure     bool
	// RealTime says that the clock runs in hours, rest days included.
	RealTime bool
	// Exception says why the due date is no working day; empty: it is one.
	Exception string
}

// onARestDay is why a tier's contact may be due on a rest day (design: tier
// clocks run in real time and never roll).
const onARestDay = "a tier's clock runs on rest days too"

// Occurrences lists the check-ins due within [from, until], both included,
// sorted by due date and then step key. Anchors without a start have none, and
// what a visit satisfied already is left out.
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

// At dates the n-th check-in of a step; false when the template has no such
// step, or not so often, or its anchor is missing.
func At(t Template, a Anchors, step string, n int, cal *calendar.Calendar) (Occurrence, bool) {
	i := slices.IndexFunc(t.Steps, func(s Step) bool { return s.Key == step })
	if i < 0 || n < 1 || a.Start.IsZero() {
		return Occurrence{}, false
	}
	s := t.Steps[i]
	if s.Anchor.Yearly() {
		return s.ofYear(n, a, cal)
	}
	g, found := s.grid(a)
	if !found || n < g.n && s.numberedByDay() || n > g.n && s.EveryDays <= 0 {
		return Occurrence{}, false
	}
	o := s.occurrence(g, n, a, cal)
	return o, !s.over(o, a)
}

// Ordinal is which check-in of its step the n-th is, from 1: steps that are
// numbered by year or by day (see Occurrence) count from the first that occurs.
func Ordinal(t Template, a Anchors, step string, n int, cal *calendar.Calendar) int {
	i := slices.IndexFunc(t.Steps, func(s Step) bool { return s.Key == step })
	if i < 0 || !t.Steps[i].Anchor.Yearly() && !t.Steps[i].numberedByDay() {
		return n
	}
	a.Visits = nil
	first, found := t.Steps[i].firstFrom(a.Start, a, cal)
	if !found {
		return 1
	}
	return max(1, n-first.N+1)
}

// firstFrom finds the step's first check-in due on or after a date that no visit
// satisfied yet. The number is estimated by division and then corrected for
// rolling, so the cost does not grow with the age of the plan.
func (s Step) firstFrom(from calendar.Date, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	if a.Start.IsZero() {
		return Occurrence{}, false
	}
	if s.Anchor.Yearly() {
		return s.firstYearFrom(from, a, cal)
	}
	g, found := s.grid(a)
	first := max(g.n, a.Visits[s.Key].N+1)
	if !found || s.EveryDays <= 0 && first > g.n {
		return Occurrence{}, false
	}
	n := first
	if s.EveryDays > 0 {
		n = max(first, from.Sub(g.on)/s.EveryDays+g.n)
	}
	o := s.occurrence(g, n, a, cal)
	for o.N > first && !o.Due.Before(from) {
		before := s.occurrence(g, o.N-1, a, cal)
		if before.Due.Before(from) {
			break
		}
		o = before
	}
	for o.Due.Before(from) {
		if s.EveryDays <= 0 {
			return Occurrence{}, false
		}
		o = s.occurrence(g, o.N+1, a, cal)
	}
	return o, !s.over(o, a)
}

// after returns the step's next check-in, if it repeats.
func (s Step) after(o Occurrence, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	if s.Anchor.Yearly() {
		return s.ofYear(o.N+1, a, cal)
	}
	g, found := s.grid(a)
	if !found || s.EveryDays <= 0 {
		return Occurrence{}, false
	}
	o = s.occurrence(g, o.N+1, a, cal)
	return o, !s.over(o, a)
}

// grid is where a step's row of dates hangs: its n-th check-in on a day, and the
// others every so many days from there.
type grid struct {
	on calendar.Date
	n  int
}

func (s Step) grid(a Anchors) (grid, bool) {
	from := a.of(s.Anchor)
	if from.IsZero() {
		return grid{}, false
	}
	g := grid{from.AddDays(s.OffsetDays), 1}
	if s.numberedByDay() {
		g.n = dayNumber(from)
	}
	visit, visited := a.Visits[s.Key]
	if s.Policy == Rolling && visited && s.EveryDays > 0 && visit.N >= g.n-1 {
		return grid{visit.On.AddDays(s.EveryDays), visit.N + 1}, true
	}
	return g, true
}

// numberedByDay tells whether the step's anchor can come again: the tier rises
// anew, another template is chosen.
func (s Step) numberedByDay() bool { return s.Anchor == Tier || s.Anchor == Chosen }

// dayNumber is the number of the first check-in of such a step: the days since
// 2020. Each time the anchor comes has numbers of its own, as long as no step
// repeats more often than daily.
func dayNumber(since calendar.Date) int { return max(1, since.Sub(calendar.New(2020, 1, 1))) }

// occurrence dates the n-th check-in of a step that hangs on a grid.
func (s Step) occurrence(g grid, n int, a Anchors, cal *calendar.Calendar) Occurrence {
	o := s.on(n, g.on.AddDays((n-g.n)*s.EveryDays))
	o.Window = s.window(o.Nominal, cal)
	if last := a.LastOf[s.Kind]; s.Policy == MinGap && n > a.Visits[s.Key].N && !last.IsZero() && !o.Due.Before(last) {
		if least := last.AddDays(s.GapDays); o.Nominal.Before(least) {
			o.Nominal, o.Window = least, s.window(least, cal)
		}
	}
	if s.RealTime {
		o.Window = Window{Opens: o.Nominal.AddDays(-s.LeadDays), Due: o.Nominal, Closes: cal.AddWorkdays(o.Nominal, s.GraceWorkdays)}
		if !cal.IsWorkday(o.Nominal) {
			o.Exception = onARestDay
		}
	}
	return o
}

func (s Step) on(n int, nominal calendar.Date) Occurrence {
	return Occurrence{
		Step: s.Key, N: n, Occasion: s.Occasion, Title: s.Title, Kind: s.Kind, Nominal: nominal,
		Scored: s.Scored, AsksVillage: s.AsksVillage, Closure: s.Closure, RealTime: s.RealTime,
	}
}

// over tells whether the step has ended before the check-in: the recipient is of the age.
func (s Step) over(o Occurrence, a Anchors) bool {
	return s.UntilAge > 0 && !a.Birth.IsZero() && a.Birth.Age(o.Nominal) >= s.UntilAge
}

// firstYearFrom looks at the years around a date: an offset may reach into the next.
func (s Step) firstYearFrom(from calendar.Date, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	if from.Before(a.Start) {
		from = a.Start
	}
	for year := max(from.Year()-1, a.Visits[s.Key].N+1); year <= from.Year()+2; year++ {
		o, found := s.ofYear(year, a, cal)
		if found && !o.Due.Before(from) {
			return o, true
		}
	}
	return Occurrence{}, false
}

// ofYear dates the check-in of a yearly step in a year, which is its number. What
// lies before the plan's start does not occur.
func (s Step) ofYear(year int, a Anchors, cal *calendar.Calendar) (Occurrence, bool) {
	anchor := s.inYear(year, a)
	if anchor.IsZero() {
		return Occurrence{}, false
	}
	o := s.on(year, anchor.AddDays(s.OffsetDays))
	o.Window = s.window(o.Nominal, cal)
	if s.Anchor == SpringFestival {
		o.Window = s.beforeTheEve(anchor, cal)
	}
	return o, !o.Nominal.Before(a.Start) && !o.Due.Before(a.Start) && !s.over(o, a)
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

// festivalWorkdays is how many working days before the eve a visit may be due (domain 6).
const festivalWorkdays = 15

// beforeTheEve keeps a visit before Spring Festival within the 15 working days
// before the eve, grace included: greetings do not come after the feast.
func (s Step) beforeTheEve(eve calendar.Date, cal *calendar.Calendar) Window {
	first, last := cal.AddWorkdays(eve, -festivalWorkdays), cal.AddWorkdays(eve, -1)
	due := clamp(cal.RollBack(eve.AddDays(s.OffsetDays)), first, last)
	return Window{
		Opens: clamp(due.AddDays(-s.LeadDays), first, due), Due: due,
		Closes: clamp(cal.AddWorkdays(due, s.GraceWorkdays), due, last),
	}
}

func clamp(d, first, last calendar.Date) calendar.Date {
	if d.Before(first) {
		return first
	}
	if d.After(last) {
		return last
	}
	return d
}

func earlier(a, b Occurrence) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Step, b.Step), cmp.Compare(a.N, b.N))
}
