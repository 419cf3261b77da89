package calendar

import (
	"fmt"
	"time"
)

const (
	firstYear = 2008 // when the law took in the traditional festivals
	lastYear  = firstYear + len(festivals) - 1

	// The 2024 revision added New Year's Eve of the lunar year and 2 May.
	thirteenDaysSince = 2025

	sourceLaw = "按《全国年节及纪念日放假办法》推算，以国务院办公厅当年通知为准"
)

var (
	firstDay = New(firstYear, time.January, 1)
	lastDay  = New(lastYear, time.December, 31)
)

// festival holds one year's movable holidays, each as month*100+day.
type festival struct {
	spring, qingming, dragonBoat, midAutumn int
}

// span is a run of days that a notice settles, both ends included.
type span struct {
	name     string
	from, to int // month*100+day
	off      bool
}

// notice is one year's arrangement by the General Office of the State Council.
type notice struct {
	year  int
	spans []span
}

// notices are typed in from the published texts; weekends that a holiday runs
// through are inside its span.
var notices = []notice{
	{year: 2025, spans: []span{
		{"元旦", 101, 101, true},
		{"春节", 128, 204, true},
		{"清明节", 404, 406, true},
		{"劳动节", 501, 505, true},
		{"端午节", 531, 602, true},
		{"国庆节、中秋节", 1001, 1008, true},
		{"春节调休上班", 126, 126, false},
		{"春节调休上班", 208, 208, false},
		{"劳动节调休上班", 427, 427, false},
		{"国庆节、中秋节调休上班", 928, 928, false},
		{"国庆节、中秋节调休上班", 1011, 1011, false},
	}},
	{year: 2026, spans: []span{
		{"元旦", 101, 103, true},
		{"春节", 215, 223, true},
		{"清明节", 404, 406, true},
		{"劳动节", 501, 505, true},
		{"端午节", 619, 621, true},
		{"中秋节", 925, 927, true},
		{"国庆节", 1001, 1007, true},
		{"元旦调休上班", 104, 104, false},
		{"春节调休上班", 214, 214, false},
		{"春节调休上班", 228, 228, false},
		{"劳动节调休上班", 509, 509, false},
		{"国庆节调休上班", 920, 920, false},
		{"国庆节调休上班", 1010, 1010, false},
	}},
}

// SpringFestivalEve returns the eve of the lunar new year that falls in a
// year; false before 2008 and after 2100.
func SpringFestivalEve(year int) (Date, bool) {
	if year < firstYear || year > lastYear {
		return Date{}, false
	}
	return springFestival(year).AddDays(-1), true
}

// announced lists every day of the notices we know.
func announced() []Day {
	var days []Day
	for _, n := range notices {
		for _, s := range n.spans {
			for d := monthDay(n.year, s.from); !d.After(monthDay(n.year, s.to)); d = d.AddDays(1) {
				days = append(days, Day{Date: d, Off: s.off, Name: s.name, Source: NoticeOf(n.year), Official: true})
			}
		}
	}
	return days
}

// statutory lists a year's holidays as the law fixes them, ahead of a notice.
// Two holidays on one day (Mid-Autumn can meet National Day) share it.
func statutory(year int) []Day {
	var days []Day
	at := map[Date]int{}
	add := func(name string, dates ...Date) {
		for _, d := range dates {
			if i, met := at[d]; met {
				days[i].Name += "、" + name
				continue
			}
			at[d] = len(days)
			days = append(days, Day{Date: d, Off: true, Name: name, Source: sourceLaw})
		}
	}

	row := festivals[year-firstYear]
	spring := springFestival(year)
	add("元旦", New(year, time.January, 1))
	add("春节", spring, spring.AddDays(1), spring.AddDays(2))
	add("清明节", monthDay(year, row.qingming))
	add("劳动节", New(year, time.May, 1))
	add("端午节", monthDay(year, row.dragonBoat))
	add("国庆节", New(year, time.October, 1), New(year, time.October, 2), New(year, time.October, 3))
	add("中秋节", monthDay(year, row.midAutumn))
	if year >= thirteenDaysSince {
		add("除夕", spring.AddDays(-1))
		add("劳动节", New(year, time.May, 2))
	}
	return days
}

func springFestival(year int) Date {
	return monthDay(year, festivals[year-firstYear].spring)
}

func monthDay(year, packed int) Date {
	return New(year, time.Month(packed/100), packed%100)
}

// NoticeOf names the notice of a year, for people.
func NoticeOf(year int) string {
	return fmt.Sprintf("国务院办公厅关于%d年部分节假日安排的通知", year)
}
