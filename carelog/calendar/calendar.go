// Package calendar knows civil dates and the working days of China: official
// years as the State Council announced them, later years provisional until
// their notice is imported. It is pure: no clock, no database, no files.
package calendar

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Names of days that no notice and no law singles out.
const (
	nameWorkday = "工作日"
	nameWeekend = "周末"
)

// Day says what one date is and why.
type Day struct {
	Date Date
	// Off is true when nobody works: a holiday or a weekend that is not made up.
	Off bool
	// Name is for people: the holiday, the make-up day, or 工作日 and 周末.
	Name string
	// Source is for people: the notice or the law it comes from.
	Source string
	// Official is true when a State Council notice settles the day, false when
	// it is worked out ahead of the notice and may still move.
	Official bool
}

// Calendar answers which days are worked. It never changes after it was made,
// so any number of goroutines may share one. Dates before 2008 and after 2100
// know weekends only.
type Calendar struct {
	off      []uint64 // one bit a day from firstDay, set when nobody works
	named    map[Date]Day
	official map[int]bool // years whose notice is known
	under    *Calendar    // what a local calendar is laid over; nil for the nation's
}

var officialCalendar = sync.OnceValue(func() *Calendar {
	c := &Calendar{named: map[Date]Day{}, official: map[int]bool{}}
	c.off = make([]uint64, (lastDay.Sub(firstDay)+64)/64)
	for d := firstDay; !d.After(lastDay); d = d.AddDays(1) {
		c.mark(d, isWeekend(d))
	}
	for year := firstDay.Year(); year <= lastDay.Year(); year++ {
		for _, day := range statutory(year) {
			c.set(day)
		}
	}
	return c.With(announced())
})

// Official returns the calendar that ships with the service: 2025 and 2026 by
// their notices; every other year weekends and statutory holidays, provisional
// and without the make-up days that only a notice can fix.
func Official() *Calendar { return officialCalendar() }

// NewCalendar returns the shipped calendar with days laid over it, as With does.
func NewCalendar(days []Day) *Calendar { return Official().With(days) }

// With returns a copy in which the given days replace what was known of those
// dates; days without a date are ignored. A year whose 1 October is among them
// as official becomes official as a whole (every notice settles National Day,
// while a stray day may belong to the next year's notice): its provisional
// holidays are dropped first.
func (c *Calendar) With(days []Day) *Calendar {
	next := c.clone()
	for _, day := range days {
		if day.Official && day.Off && day.Date.Month() == time.October && day.Date.Day() == 1 {
			next.settle(day.Date.Year())
		}
	}
	for _, day := range days {
		if !day.Date.IsZero() {
			next.set(day)
		}
	}
	return next
}

// Announce returns a copy in which each notice alone settles its year: what was
// known of the year's dates before, typed in, imported or provisional, is dropped.
// Give all notices at once: a December day may belong to the next year's notice,
// so they are taken in the order of their years.
func (c *Calendar) Announce(notices ...Notice) *Calendar {
	if len(notices) == 0 {
		return c
	}
	next := c.clone()
	inOrder := slices.SortedStableFunc(slices.Values(notices), func(a, b Notice) int { return cmp.Compare(a.Year, b.Year) })
	for _, n := range inOrder {
		maps.DeleteFunc(next.named, func(d Date, _ Day) bool { return d.Year() == n.Year })
		for d := New(n.Year, time.January, 1); d.Year() == n.Year; d = d.AddDays(1) {
			next.mark(d, isWeekend(d))
		}
		next.official[n.Year] = true
		for _, day := range n.Days {
			next.set(day)
		}
	}
	return next
}

// Local returns the calendar of one office: its own days laid over c, which is
// shared and not copied, so that a thousand offices with closures cost little.
func (c *Calendar) Local(days []Day) *Calendar {
	next := &Calendar{off: slices.Clone(c.off), named: map[Date]Day{}, official: c.official, under: c}
	for _, day := range days {
		if !day.Date.IsZero() {
			next.set(day)
		}
	}
	return next
}

func (c *Calendar) clone() *Calendar {
	return &Calendar{off: slices.Clone(c.off), named: maps.Clone(c.named), official: maps.Clone(c.official), under: c.under}
}

// lookup finds the day that a notice, a law or an office singles out.
func (c *Calendar) lookup(d Date) (Day, bool) {
	for ; c != nil; c = c.under {
		if day, known := c.named[d]; known {
			return day, true
		}
	}
	return Day{}, false
}

// IsWorkday reports whether d is worked. No date is not.
func (c *Calendar) IsWorkday(d Date) bool {
	if d.IsZero() {
		return false
	}
	i := d.Sub(firstDay)
	if i >= 0 && !d.After(lastDay) {
		return c.off[i/64]&(1<<(i%64)) == 0
	}
	if day, known := c.lookup(d); known {
		return !day.Off
	}
	return !isWeekend(d)
}

// Day explains a date: worked or not, the name and source of the reason, and
// whether that is official or provisional.
func (c *Calendar) Day(d Date) Day {
	if day, known := c.lookup(d); known {
		return day
	}
	day := Day{Date: d, Off: !c.IsWorkday(d), Name: nameWorkday, Source: sourceLaw}
	if day.Off {
		day.Name = nameWeekend
	}
	if c.official[d.Year()] {
		day.Source, day.Official = NoticeOf(d.Year()), true
	}
	return day
}

// Named lists, in order, the days within [from, until] that a notice, a law or
// an import singles out: all that a database needs to store.
func (c *Calendar) Named(from, until Date) []Day {
	found := map[Date]Day{}
	for layer := c; layer != nil; layer = layer.under {
		for d, day := range layer.named {
			if _, above := found[d]; !above && !d.Before(from) && !d.After(until) {
				found[d] = day
			}
		}
	}
	days := slices.Collect(maps.Values(found))
	slices.SortFunc(days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	return days
}

// OfficialYear reports whether the notice of that year is known.
func (c *Calendar) OfficialYear(year int) bool { return c.official[year] }

// Changed lists the dates within [from, until] that are worked in one of the
// two calendars and not in the other: what an import would move.
func (c *Calendar) Changed(other *Calendar, from, until Date) []Date {
	var dates []Date
	for d := from; !d.After(until); d = d.AddDays(1) {
		if c.IsWorkday(d) != other.IsWorkday(d) {
			dates = append(dates, d)
		}
	}
	return dates
}

// AddWorkdays returns the n-th working day after d, or before it when n is
// negative; d itself is not counted. With n = 0 it returns d unchanged.
func (c *Calendar) AddWorkdays(d Date, n int) Date {
	if d.IsZero() {
		return d
	}
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for n > 0 {
		d = d.AddDays(step)
		if c.IsWorkday(d) {
			n--
		}
	}
	return d
}

// NextWorkday returns the first working day after d.
func (c *Calendar) NextWorkday(d Date) Date { return c.AddWorkdays(d, 1) }

// RollForward returns d when it is worked, otherwise the next working day.
func (c *Calendar) RollForward(d Date) Date {
	if c.IsWorkday(d) {
		return d
	}
	return c.AddWorkdays(d, 1)
}

// RollBack returns d when it is worked, otherwise the last working day before.
func (c *Calendar) RollBack(d Date) Date {
	if c.IsWorkday(d) {
		return d
	}
	return c.AddWorkdays(d, -1)
}

// WorkdaysBetween counts the working days after a up to and including b, so
// that it undoes AddWorkdays. It is negative when b is before a (then b is
// counted and a is not), and 0 when either is no date.
func (c *Calendar) WorkdaysBetween(a, b Date) int {
	if a.IsZero() || b.IsZero() {
		return 0
	}
	step := 1
	if b.Before(a) {
		step = -1
	}
	count := 0
	for d := a; d != b; {
		d = d.AddDays(step)
		if c.IsWorkday(d) {
			count += step
		}
	}
	return count
}

// settle forgets the provisional holidays of a year whose notice is now known.
func (c *Calendar) settle(year int) {
	if c.official[year] {
		return
	}
	c.official[year] = true
	for d, day := range c.named {
		if d.Year() == year && !day.Official {
			delete(c.named, d)
			c.mark(d, isWeekend(d))
		}
	}
}

func (c *Calendar) set(day Day) {
	c.named[day.Date] = day
	c.mark(day.Date, day.Off)
}

func (c *Calendar) mark(d Date, off bool) {
	i := d.Sub(firstDay)
	if i < 0 || d.After(lastDay) {
		return
	}
	if off {
		c.off[i/64] |= 1 << (i % 64)
		return
	}
	c.off[i/64] &^= 1 << (i % 64)
}

func isWeekend(d Date) bool {
	weekday := d.Weekday()
	return weekday == time.Saturday || weekday == time.Sunday
}
