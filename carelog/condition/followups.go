package condition

import (
	"slices"
	"time"

	"aftercare/carelog/calendar"
)

// Limits of the rules about what was promised, asked for and reported.
const (
	lapseDays      = 30
	divergenceDays = 14
)

// pastGrace is R10: a check-in is open after the end of its grace, which stands
// in its template's row. It is a notice to the management and no tier: it is we
// who are late, not the household that is worse.
func pastGrace(in Input) *Hit {
	if slices.ContainsFunc(in.Overdue, func(o Overdue) bool { return in.On.After(o.Closes) }) {
		return &Hit{}
	}
	return nil
}

// runsOut is R11: a partner has not answered by the day agreed, or a granted
// benefit lapses within 30 days (or has lapsed and nobody renewed it).
func runsOut(in Input) *Hit {
	for _, r := range in.Referrals {
		unanswered := !r.DueOn.IsZero() && in.On.After(r.DueOn)
		lapses := !r.ExpiresOn.IsZero() && r.ExpiresOn.Sub(in.On) <= lapseDays
		if unanswered || lapses {
			return &Hit{}
		}
	}
	return nil
}

// stuck is R13: a domain was at 1 in two assessments running, and nothing was
// asked for that touches it. A value carried from an earlier visit was not
// scored a second time.
func stuck(in Input) *Hit {
	if in.Current == nil || in.Previous == nil {
		return nil
	}
	before := in.Previous.seen()
	return hitOn(in.Current.seen().where(func(i, points int) bool {
		was, scored := before[i].Points()
		return points == 1 && scored && was == 1 && !slices.ContainsFunc(in.Helping, func(m Measure) bool { return m.touches(domains[i]) })
	}))
}

// divergence is R14: the village said that all is well while the officer scored
// a domain at 1 or less, within 14 days of each other. One of them is mistaken.
func divergence(in Input) *Hit {
	if in.Current == nil || !slices.ContainsFunc(in.Signals, in.Current.contradicts) {
		return nil
	}
	return hitOn(in.Current.seen().where(func(_, points int) bool { return points <= 1 }))
}

func (a Assessment) contradicts(s Signal) bool {
	apart := calendar.Of(s.At).Sub(a.On)
	return s.Kind == VillageFine && apart <= divergenceDays && apart >= -divergenceDays
}

// EventKind is what was reported to have happened in a household.
type EventKind string

// The events of R12.
const (
	Death           EventKind = "death" // of a member who cared for nobody
	DeathOfCarer    EventKind = "death_of_carer"
	Hospital        EventKind = "hospital"
	JobLoss         EventKind = "job_loss"
	SchoolDropOut   EventKind = "school_drop_out"
	ChildOutOfCare  EventKind = "child_out_of_care"
	Disaster        EventKind = "disaster"
	OffenderRelease EventKind = "offender_released"
	OffenderContact EventKind = "offender_contact"
	Eviction        EventKind = "eviction"
	NewDisability   EventKind = "new_disability"
	GuardianChange  EventKind = "guardian_change"
	Moved           EventKind = "moved"
)

// upheavals says how urgent each event is. Red with 24 hours where a person may
// be without care or in danger now. Amber with one working day where the
// household may be without a roof or safety tomorrow, two where somebody depends
// on a change that has just begun, three where its life has changed lastingly.
var upheavals = map[EventKind]Hit{
	DeathOfCarer:    raised,
	ChildOutOfCare:  raised,
	OffenderContact: raised,
	OffenderRelease: {Level: Amber, Within: Clock{Workdays: 1}},
	Eviction:        {Level: Amber, Within: Clock{Workdays: 1}},
	Disaster:        {Level: Amber, Within: Clock{Workdays: 1}},
	Hospital:        {Level: Amber, Within: Clock{Workdays: 2}},
	GuardianChange:  {Level: Amber, Within: Clock{Workdays: 2}},
	SchoolDropOut:   {Level: Amber, Within: Clock{Workdays: 2}},
	Death:           {Level: Amber, Within: Clock{Workdays: 3}},
	JobLoss:         {Level: Amber, Within: Clock{Workdays: 3}},
	NewDisability:   {Level: Amber, Within: Clock{Workdays: 3}},
	Moved:           {Level: Amber, Within: Clock{Workdays: 3}},
}

// EventKinds lists the events that can be reported, in the order of their names.
func EventKinds() []EventKind {
	kinds := make([]EventKind, 0, len(upheavals))
	for kind := range upheavals {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// upheaval is R12: an event was reported. Of several the most urgent counts.
func upheaval(in Input) *Hit {
	var worst *Hit
	for _, e := range in.Events {
		hit, known := upheavals[e.Kind]
		if known && (worst == nil || hit.Within.roughly() < worst.Within.roughly()) {
			worst = &hit
		}
	}
	return worst
}

// roughly orders clocks: a red day before a working day.
func (c Clock) roughly() time.Duration {
	return time.Duration(c.Hours)*time.Hour + time.Duration(c.Workdays)*48*time.Hour
}
