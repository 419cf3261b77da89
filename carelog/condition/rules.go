package condition

import (
	"cmp"
	"slices"
	"time"

	"aftercare/carelog/calendar"
)

// Level is how serious a hit is.
type Level string

// The levels. Green is the absence of hits.
const (
	Red    Level = "red"
	Amber  Level = "amber"
	Notice Level = "notice" // for the supervisor; changes no tier
	Green  Level = "green"
)

// Clock is the time in which somebody must act: hours of real time, through
// nights and holidays, or else working days.
type Clock struct {
	Hours    int `json:"hours,omitempty"`
	Workdays int `json:"workdays,omitempty"`
}

// Ends returns the instant by which to act, counted from a hit: exactly the
// hours later, or the end of the last working day in Shanghai.
func (c Clock) Ends(from time.Time, cal *calendar.Calendar) time.Time {
	if c.Hours > 0 {
		return from.Add(time.Duration(c.Hours) * time.Hour)
	}
	return cal.AddWorkdays(calendar.Of(from), c.Workdays).At(24, 0)
}

// Fall is how an index moved.
type Fall struct {
	Was int `json:"was"`
	Is  int `json:"is"`
}

// Hit is one rule that applies, with what a person needs to understand it.
type Hit struct {
	Rule    string   `json:"rule"`
	Version int      `json:"version"` // of the rule's wording and limits
	Level   Level    `json:"level"`
	Within  Clock    `json:"within"`
	Domains []Domain `json:"domains,omitempty"`
	Index   *Fall    `json:"index,omitempty"`
	Flags   []Flag   `json:"flags,omitempty"`
	// MustReport asks for the report that the law demands when a child is in
	// danger.
	MustReport bool `json:"must_report,omitempty"`
	// Inputs are all that the rule looked at: the same version of the rule finds
	// the same hit in them again.
	Inputs Input `json:"inputs"`
}

// Flag is a safeguarding concern that counts whatever the scores say.
type Flag string

// The safeguarding flags.
const (
	ChildHarm     Flag = "child_harm"
	SelfHarm      Flag = "self_harm"
	Violence      Flag = "violence"
	FundSeizure   Flag = "fund_seizure"
	MissingPerson Flag = "missing_person"
)

// SignalKind is what a signal says.
type SignalKind string

// The signals: the answers of a village contact, and calls that failed.
const (
	VillageFine       SignalKind = "village_fine"       // reply 1
	VillageDifficulty SignalKind = "village_difficulty" // reply 2
	VillageNotSeen    SignalKind = "village_not_seen"   // reply 3
	PhoneNotReached   SignalKind = "phone_not_reached"
)

// Signal is something that was heard of a household. It never scores.
type Signal struct {
	Kind SignalKind `json:"kind"`
	At   time.Time  `json:"at"`
}

// Overdue is a check-in that is open after its due date.
type Overdue struct {
	Due    calendar.Date `json:"due"`
	Closes calendar.Date `json:"closes"` // the end of its grace
}

// Referral is a request to a partner body, as far as it may need a person.
type Referral struct {
	Measure Measure `json:"measure"`
	// DueOn is the day by which an answer is expected; zero when there is one.
	DueOn calendar.Date `json:"due_on,omitzero"`
	// ExpiresOn is the day a granted benefit lapses; zero when it does not.
	ExpiresOn calendar.Date `json:"expires_on,omitzero"`
}

// Event is something that was reported of a household.
type Event struct {
	Kind EventKind     `json:"kind"`
	On   calendar.Date `json:"on"`
}

// Input is what the rules look at. Any of the assessments may be nil.
type Input struct {
	// On is the day of judging; only what runs out with time asks for it.
	On calendar.Date `json:"on,omitzero"`
	// Current is the assessment judged; nil when only signals came in.
	Current *Assessment `json:"current,omitempty"`
	// Previous and Older are the two complete assessments before it.
	Previous *Assessment `json:"previous,omitempty"`
	Older    *Assessment `json:"older,omitempty"`
	// Baseline is the plan's first complete assessment.
	Baseline *Assessment `json:"baseline,omitempty"`
	// Signals are those since an officer last reached the household, in any
	// order; beside an assessment those of the village around its date.
	Signals []Signal `json:"signals,omitempty"`
	Flags   []Flag   `json:"flags,omitempty"`
	// HighRisk is true for plans on template H or C.
	HighRisk bool `json:"high_risk,omitempty"`
	// Helping are the measures asked for or granted when the current assessment
	// was made.
	Helping   []Measure  `json:"helping,omitempty"`
	Overdue   []Overdue  `json:"overdue,omitempty"`
	Referrals []Referral `json:"referrals,omitempty"`
	Events    []Event    `json:"events,omitempty"`
}

// rule is one row of the list: its judge returns nil when it does not apply,
// and leaves the rule's own columns to the list. It is shown only what uses
// leaves it, which is what a hit keeps.
type rule struct {
	id      string
	version int
	title   string
	level   Level
	within  Clock
	uses    func(Input) Input
	judge   func(Input) *Hit
}

// rules are judged from the top; a new rule is one more row.
var rules = []rule{
	{"R1", 1, "有领域处于危急", Red, Clock{Hours: 24}, currentOnly, anyCrisis},
	{"R2", 1, "有人身或财产安全警示", Red, Clock{Hours: 2}, flagsOnly, anyFlag},
	{"R3", 1, "有领域骤降到严重困难或危急", Red, Clock{Hours: 24}, twoAssessments, steepFallToSevere},
	{"R4", 1, "有领域骤降", Amber, Clock{Workdays: 3}, twoAssessments, steepFall},
	{"R5", 1, "三个以上领域变差", Amber, Clock{Workdays: 3}, twoAssessments, broadFall},
	{"R6", 1, "同一领域连续两次变差", Amber, Clock{Workdays: 5}, threeAssessments, repeatedFall},
	{"R7", 2, "总体指数明显下降", Amber, Clock{Workdays: 5}, withBaseline, indexFall},
	{"R8", 1, "村里反映有困难", Amber, Clock{Workdays: 1}, signalsOnly, villageDifficulty},
	{"R9", 1, "多次没有见到或联系上", Amber, Clock{Workdays: 3}, signalsAndRisk, notSeen},
	{"R10", 1, "回访逾期超过宽限期", Notice, Clock{}, overdueOnly, pastGrace},
	{"R11", 1, "转介未答复或待遇将到期", Amber, Clock{Workdays: 5}, referralsOnly, runsOut},
	{"R12", 1, "家庭发生重大变故", Amber, Clock{Workdays: 3}, eventsOnly, upheaval},
	{"R13", 1, "严重困难持续而无人帮办", Amber, Clock{Workdays: 5}, stuckInputs, stuck},
	{"R14", 1, "村里反馈与承办人评分不一致", Notice, Clock{Workdays: 5}, currentAndSignals, divergence},
}

// What each rule looks at.
func currentOnly(in Input) Input    { return Input{Current: in.Current} }
func flagsOnly(in Input) Input      { return Input{Flags: slices.Sorted(slices.Values(in.Flags))} }
func twoAssessments(in Input) Input { return Input{Current: in.Current, Previous: in.Previous} }
func overdueOnly(in Input) Input    { return Input{On: in.On, Overdue: in.Overdue} }
func referralsOnly(in Input) Input  { return Input{On: in.On, Referrals: in.Referrals} }
func eventsOnly(in Input) Input     { return Input{Events: in.Events} }

func threeAssessments(in Input) Input {
	return Input{Current: in.Current, Previous: in.Previous, Older: in.Older}
}

func withBaseline(in Input) Input {
	return Input{Current: in.Current, Previous: in.Previous, Baseline: in.Baseline}
}

func signalsOnly(in Input) Input {
	signals := slices.SortedFunc(slices.Values(in.Signals), func(a, b Signal) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind))
	})
	return Input{Signals: signals}
}

func signalsAndRisk(in Input) Input {
	kept := signalsOnly(in)
	kept.HighRisk = in.HighRisk
	return kept
}

func currentAndSignals(in Input) Input {
	kept := signalsOnly(in)
	kept.Current = in.Current
	return kept
}

func stuckInputs(in Input) Input {
	kept := twoAssessments(in)
	kept.Helping = slices.Sorted(slices.Values(in.Helping))
	return kept
}

// Evaluate judges every rule and returns the hits in the order of the rules;
// none means green. The rules that compare (R3 to R7) need complete
// assessments on both sides; R1 and R2 look at whatever is there.
func Evaluate(in Input) []Hit {
	var hits []Hit
	for _, r := range rules {
		if hit, found := r.apply(in); found {
			hits = append(hits, hit)
		}
	}
	return hits
}

// Again judges a stored hit's rule on the hit's own inputs. False when the rule
// no longer has that version, or no longer applies.
func (h Hit) Again() (Hit, bool) {
	for _, r := range rules {
		if r.id == h.Rule && r.version == h.Version {
			return r.apply(h.Inputs)
		}
	}
	return Hit{}, false
}

func (r rule) apply(in Input) (Hit, bool) {
	in = r.uses(in)
	found := r.judge(in)
	if found == nil {
		return Hit{}, false
	}
	hit := *found
	hit.Rule, hit.Version, hit.Inputs = r.id, r.version, in
	if hit.Level == "" {
		hit.Level = r.level
	}
	if hit.Within == (Clock{}) {
		hit.Within = r.within
	}
	return hit, true
}

// Highest returns the most serious level among hits, Green when there are none.
func Highest(hits []Hit) Level {
	order := []Level{Red, Amber, Notice, Green}
	highest := Green
	for _, hit := range hits {
		if slices.Index(order, hit.Level) < slices.Index(order, highest) {
			highest = hit.Level
		}
	}
	return highest
}

// RaisesTier reports whether a household is looked after more closely for it.
func (h Hit) RaisesTier() bool { return h.Level == Red || h.Level == Amber }

// Title names the rule of a hit in Chinese, for people.
func (h Hit) Title() string {
	for _, r := range rules {
		if r.id == h.Rule {
			return r.title
		}
	}
	return ""
}
