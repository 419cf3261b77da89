// Package schedule turns a plan template and its anchor dates into check-ins:
// when each is due, when its window opens and closes, and which comes next. It
// is pure: dates in, dates out, the same every time.
package schedule

// Kind is how a check-in is made.
type Kind string

// The kinds of check-in.
const (
	Phone   Kind = "phone"   // an officer calls the household
	Home    Kind = "home"    // officers visit the household
	Village Kind = "village" // the village contact answers for it by SMS
)

// Chinese names the kind for people; an unknown kind is empty.
func (k Kind) Chinese() string {
	switch k {
	case Phone:
		return "电话回访"
	case Home:
		return "上门走访"
	case Village:
		return "村委会询问"
	default:
		return ""
	}
}

// Policy is what an actual visit does to the dates of a step that repeats.
type Policy string

// The policies.
const (
	Fixed   Policy = "fixed"   // the grid from the anchor stays, whenever a visit was made
	Rolling Policy = "rolling" // every so many days from the last actual visit
	MinGap  Policy = "min_gap" // the grid, but not sooner than so many days after the last visit of its kind
)

// Step is one row of a template: a check-in, or an endless row of them.
type Step struct {
	// Key names the step within its template and never changes.
	Key string `json:"key"`
	// Occasion groups steps that belong to one date, such as village and phone.
	Occasion string `json:"occasion"`
	// Title says in Chinese, for people, what the check-in is about.
	Title  string `json:"title"`
	Kind   Kind   `json:"kind"`
	Anchor Anchor `json:"anchor"`
	// OffsetDays counts calendar days from the anchor to the first check-in; before
	// an anchor that comes every year it may be negative.
	OffsetDays int `json:"offset_days"`
	// EveryDays repeats the step for ever at that distance; 0 means once, or once
	// a year where the anchor comes every year.
	EveryDays int `json:"every_days,omitempty"`
	// LeadDays is how many calendar days before the due date the window opens.
	LeadDays int `json:"lead_days"`
	// GraceWorkdays is how many working days after the due date it closes.
	GraceWorkdays int `json:"grace_workdays"`
	// Scored asks for the ten-domain scale.
	Scored bool `json:"scored,omitempty"`
	// AsksVillage sends the village contact a request; only village steps may.
	AsksVillage bool `json:"asks_village,omitempty"`
	// Closure asks whether the plan can end.
	Closure bool `json:"closure,omitempty"`
	// Policy says how an actual visit moves what comes after it.
	Policy Policy `json:"policy,omitempty"`
	// GapDays is the least distance of the policy min_gap, in calendar days.
	GapDays int `json:"gap_days,omitempty"`
	// UntilAge ends the step at that birthday of the recipient; 0: never. Where
	// the birth date is unknown the step goes on.
	UntilAge int `json:"until_age,omitempty"`
	// YearlyOn is the day of the harvest where the plan names none of its own.
	YearlyOn MonthDay `json:"yearly_on,omitempty"`
	// RealTime keeps the date as counted, rest days included: a tier's clock.
	RealTime bool `json:"real_time,omitempty"`
}

// Template is a named, versioned list of steps. A plan keeps the version it
// was started with.
type Template struct {
	Key     string `json:"key"`
	Version int    `json:"version"`
	Name    string `json:"name"` // Chinese, for people
	Steps   []Step `json:"steps"`
}
