package schedule

import (
	"errors"
	"fmt"
	"time"

	"aftercare/carelog/calendar"
)

// Anchor is the date that a step counts its days from.
type Anchor string

// The anchors. Payment and start every plan has; of the others a plan may have
// none, and then their steps do not occur.
const (
	Payment Anchor = "payment" // the aid was paid; the plan's start while that is unknown
	Start   Anchor = "start"   // the plan was started
	Chosen  Anchor = "chosen"  // a person chose this template for the plan; the plan's start until then
	Tier    Anchor = "tier"    // the day the tier rose; only while it is up

	// These come every year.
	Birthday       Anchor = "birthday"        // of the recipient
	SchoolSpring   Anchor = "school_spring"   // the spring term: the day after the Lantern Festival
	SchoolAutumn   Anchor = "school_autumn"   // the autumn term: 1 September
	ChildrensDay   Anchor = "childrens_day"   // 1 June
	SpringFestival Anchor = "spring_festival" // the eve; due in the 15 working days before it
	Harvest        Anchor = "harvest"         // of a household that lives off its fields
)

var anchors = []Anchor{Payment, Start, Chosen, Tier, Birthday, SchoolSpring, SchoolAutumn, ChildrensDay, SpringFestival, Harvest}

// Yearly tells whether the anchor comes every year.
func (a Anchor) Yearly() bool {
	switch a {
	case Birthday, SchoolSpring, SchoolAutumn, ChildrensDay, SpringFestival, Harvest:
		return true
	default:
		return false
	}
}

// Anchors are the dates of one plan. Start is always known; Payment may be no
// date, then Start stands in for it. The others may be missing.
type Anchors struct {
	Payment calendar.Date
	Start   calendar.Date
	Birth   calendar.Date
	Chosen  calendar.Date // the template was chosen on, after the start
	Tier    calendar.Date // the tier is up since
	// HasHarvest makes the harvest an anchor; Harvest is its day, or none: the step's own.
	HasHarvest bool
	Harvest    MonthDay
	// Visits are the last actual ones, by the key of their step. Steps of the
	// policy fixed need none.
	Visits map[string]Visit
	// LastOf is the day of the last actual visit, by kind.
	LastOf map[Kind]calendar.Date
}

// Visit is the last actual visit of a step.
type Visit struct {
	N  int           // the highest number that was satisfied; 0: none yet
	On calendar.Date // when the last visit was made, whether it satisfied one or came too early
}

// of returns the date that an anchor of once stands for; none while it is missing.
func (a Anchors) of(anchor Anchor) calendar.Date {
	switch {
	case anchor == Tier:
		return a.Tier
	case anchor == Chosen && !a.Chosen.IsZero():
		return a.Chosen
	case anchor == Payment && !a.Payment.IsZero():
		return a.Payment
	default:
		return a.Start
	}
}

// lanternAfterEve is the day after the Lantern Festival, the fifteenth day of the
// first month, counted from the eve: schools begin about then.
const lanternAfterEve = 16

// inYear returns the date of a yearly anchor in a year; none while it is missing.
func (s Step) inYear(year int, a Anchors) calendar.Date {
	switch s.Anchor {
	case Birthday:
		return a.Birth.AddYears(year - a.Birth.Year())
	case SchoolSpring:
		eve, _ := calendar.SpringFestivalEve(year)
		return eve.AddDays(lanternAfterEve)
	case SpringFestival:
		eve, _ := calendar.SpringFestivalEve(year)
		return eve
	case SchoolAutumn:
		return calendar.New(year, time.September, 1)
	case ChildrensDay:
		return calendar.New(year, time.June, 1)
	case Harvest:
		switch {
		case !a.HasHarvest:
			return calendar.Date{}
		case a.Harvest != 0:
			return a.Harvest.In(year)
		default:
			return s.YearlyOn.In(year)
		}
	default:
		return calendar.Date{}
	}
}

// MonthDay is a day of every year, month times 100 plus day: 1008 is 8 October.
// 0 is none. As text it is 10-08.
type MonthDay int

// ParseMonthDay reads 10-08. 29 February is none: it is not in every year.
func ParseMonthDay(text string) (MonthDay, error) {
	d, err := calendar.Parse("2027-" + text)
	if err != nil || len(text) != len("10-08") {
		return 0, errors.New("is not a day of the year: write it as 10-08")
	}
	return MonthDay(int(d.Month())*100 + d.Day()), nil
}

// In is the day in a year; no date for none.
func (m MonthDay) In(year int) calendar.Date {
	if m == 0 {
		return calendar.Date{}
	}
	return calendar.New(year, time.Month(m/100), int(m%100))
}

// String is 10-08, empty for none.
func (m MonthDay) String() string {
	if m == 0 {
		return ""
	}
	return fmt.Sprintf("%02d-%02d", int(m/100), int(m%100))
}

// MarshalText writes String.
func (m MonthDay) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads String.
func (m *MonthDay) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*m = 0
		return nil
	}
	*m, err = ParseMonthDay(string(text))
	return err
}
