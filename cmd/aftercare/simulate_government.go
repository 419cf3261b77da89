package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// notice is a year's arrangement of holidays and the day on which the service
// hears of it.
type notice struct {
	year  int
	known calendar.Date
	file  []byte           // as holiday-cn writes it
	taken carelog.NoticeID // once it is imported
}

// longHolidays are those that notices make longer by moving weekends.
var longHolidays = map[time.Month]int{time.January: 8, time.February: 8, time.May: 5, time.October: 7}

// decree makes up the notices of the years that nobody has announced yet: known
// in November of the year before, with the fault late in January.
func (s *simulation) decree() error {
	s.days = calendar.Official()
	last := s.from.AddDays(s.span + 120) // what is planned ahead lies there too
	for year := s.from.Year(); year <= last.Year(); year++ {
		if calendar.Official().OfficialYear(year) {
			continue
		}
		n := notice{year: year, known: calendar.New(year-1, time.November, 12)}
		if s.faults[faultCalendar] {
			n.known = calendar.New(year, time.January, 18)
		}
		days := arrange(year)
		file := map[string]any{"year": year, "papers": []string{"https://www.gov.cn/simulated"}, "days": days}
		var err error
		if n.file, err = json.Marshal(file); err != nil {
			return fmt.Errorf("write the notice of %d: %w", year, err)
		}
		parsed, problems := calendar.ParseHolidays(n.file)
		if len(problems) > 0 {
			return fmt.Errorf("the notice of %d: %s %s", year, problems[0].Path, problems[0].Reason)
		}
		s.days = s.days.Announce(parsed)
		s.notices = append(s.notices, n)
	}
	return nil
}

// announcedDay is a day of a notice in the form of holiday-cn.
type announcedDay struct {
	Name string        `json:"name"`
	Date calendar.Date `json:"date"`
	Off  bool          `json:"isOffDay"`
}

// arrange takes a year's statutory holidays, makes the long ones longer, and has
// the nearest free Sunday before and Saturday after made up.
func arrange(year int) []announcedDay {
	law := calendar.Official()
	var days []announcedDay
	taken := map[calendar.Date]bool{}
	add := func(name string, d calendar.Date, off bool) {
		if !taken[d] {
			taken[d] = true
			days = append(days, announcedDay{name, d, off})
		}
	}
	for _, first := range law.Named(calendar.New(year, time.January, 1), calendar.New(year, time.December, 31)) {
		add(first.Name, first.Date, true)
	}
	for _, h := range append([]announcedDay(nil), days...) {
		before := h.Date.AddDays(-1)
		if taken[before] {
			continue // not the first day of its run
		}
		length := 1
		for taken[h.Date.AddDays(length)] {
			length++
		}
		want := longHolidays[h.Date.Month()]
		if length < 2 || want == 0 {
			continue
		}
		moved := 0
		for d := h.Date.AddDays(length); length < want; length, d = length+1, d.AddDays(1) {
			if law.IsWorkday(d) {
				moved++
			}
			add(h.Name, d, true)
		}
		for d := before; moved > 1; d = d.AddDays(-1) {
			if d.Weekday() == time.Sunday && !taken[d] {
				add(h.Name, d, false)
				moved--
				break
			}
		}
		for d := h.Date.AddDays(length); moved > 0; d = d.AddDays(1) {
			if d.Weekday() == time.Saturday && !taken[d] {
				add(h.Name, d, false)
				moved--
			}
		}
	}
	return days
}

// Somebody imports a wrong file and takes it back: a late notice is rolled back
// after some days and imported again.
const (
	takenBackAfter = 10
	broughtBack    = 3
)

// publish brings in the notices that have come out by today.
func (s *simulation) publish(ctx context.Context, today calendar.Date) error {
	for i := range s.notices {
		n := &s.notices[i]
		again := n.known.AddDays(takenBackAfter)
		switch late := s.faults[faultCalendar]; {
		case today == n.known, late && today == again.AddDays(broughtBack):
		case late && today == again:
			s.clock.set(today.At(7, 0))
			if _, err := s.work.RollBackHolidays(ctx, carelog.TheSystem(), n.taken, carelog.ImportHolidaysOptions{}); err != nil {
				return fmt.Errorf("roll the notice of %d back: %w", n.year, err)
			}
			continue
		default:
			continue
		}
		s.clock.set(today.At(7, 0))
		found, err := s.work.ImportHolidays(ctx, carelog.TheSystem(), n.file, carelog.ImportHolidaysOptions{})
		if err != nil {
			return fmt.Errorf("import the notice of %d: %w", n.year, err)
		}
		n.taken = found.Notice
		s.moved += found.CheckIns
	}
	return nil
}
