// Package schedule turns a plan template and its anchor dates into check-ins:
// when each is due, when its window opens and closes, and which comes next. It
// is pure: dates in, dates out, the same every time.
package schedule

import "aftercare/carelog/calendar"

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

// Anchor is the date that a step counts its days from.
type Anchor string

// The anchors of a plan.
const (
	Payment Anchor = "payment" // the aid was paid; the plan's start while that is unknown
	Start   Anchor = "start"   // the plan was started
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
	// OffsetDays counts calendar days from the anchor to the first check-in.
	OffsetDays int `json:"offset_days"`
	// EveryDays repeats the step for ever at that distance; 0 means once.
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
}

// Template is a named, versioned list of steps. A plan keeps the version it
// was started with.
type Template struct {
	Key     string `json:"key"`
	Version int    `json:"version"`
	Name    string `json:"name"` // Chinese, for people
	Steps   []Step `json:"steps"`
}

// Anchors are the dates of one plan. Start is always known; Payment may be no
// date, then Start stands in for it.
type Anchors struct {
	Payment calendar.Date
	Start   calendar.Date
}

// General is template G, for households without flags: contact at least once a
// quarter, a closure review after a year, and a quarterly tail until closed.
func General() Template {
	const grace = 10
	return Template{Key: "G", Version: 1, Name: "一般关怀", Steps: []Step{
		{Key: "baseline", Occasion: "baseline", Title: "首次入户了解", Kind: Home, Anchor: Start, OffsetDays: 14, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "receipt", Occasion: "receipt", Title: "核实救助金足额到账", Kind: Phone, Anchor: Payment, OffsetDays: 7, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-1", Occasion: "month-1", Title: "满月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-3", Occasion: "month-3", Title: "三个月上门走访", Kind: Home, Anchor: Payment, OffsetDays: 90, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "month-6-village", Occasion: "month-6", Title: "半年村委会询问", Kind: Village, Anchor: Payment, OffsetDays: 180, LeadDays: villageLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "month-6-phone", Occasion: "month-6", Title: "半年电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 180, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-9", Occasion: "month-9", Title: "九个月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 270, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "year-1", Occasion: "year-1", Title: "满一年上门走访与结案评估", Kind: Home, Anchor: Payment, OffsetDays: 365, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Closure: true},
		{Key: "quarterly-phone", Occasion: "quarterly", Title: "每季度电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 455, EveryDays: 90, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "yearly-home", Occasion: "yearly", Title: "每年上门走访", Kind: Home, Anchor: Payment, OffsetDays: 730, EveryDays: 365, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Closure: true},
	}}
}

// Key is template K, for key households: a contact every month, phone and
// village in turn, and a scored home visit every quarter, until closed.
func Key() Template {
	const grace = 5
	return Template{Key: "K", Version: 1, Name: "重点关怀", Steps: []Step{
		{Key: "baseline", Occasion: "baseline", Title: "首次入户了解", Kind: Home, Anchor: Start, OffsetDays: 14, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "receipt", Occasion: "receipt", Title: "核实救助金足额到账", Kind: Phone, Anchor: Payment, OffsetDays: 7, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "monthly-phone", Occasion: "odd-month", Title: "每月联系：电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, EveryDays: 60, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "monthly-village", Occasion: "even-month", Title: "每月联系：村委会询问", Kind: Village, Anchor: Payment, OffsetDays: 60, EveryDays: 60, LeadDays: villageLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "quarterly-home", Occasion: "quarterly", Title: "每季度上门走访", Kind: Home, Anchor: Payment, OffsetDays: 90, EveryDays: 90, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
	}}
}

// Windows open this many calendar days ahead: five days hold three working
// days, a home visit needs a car and a colleague, a village request a repeat.
const (
	phoneLead   = 5
	homeLead    = 10
	villageLead = 7
)

// of returns the date that an anchor stands for.
func (a Anchors) of(anchor Anchor) calendar.Date {
	if anchor == Payment && !a.Payment.IsZero() {
		return a.Payment
	}
	return a.Start
}
