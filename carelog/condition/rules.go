package condition

import (
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
	Kind SignalKind
	At   time.Time
}

// Input is what the rules look at. Any of the assessments may be nil.
type Input struct {
	// Current is the assessment judged; nil when only signals came in.
	Current *Assessment
	// Previous and Older are the two complete assessments before it.
	Previous, Older *Assessment
	// Baseline is the plan's first complete assessment.
	Baseline *Assessment
	// Signals are those since an officer last reached the household, in any
	// order.
	Signals []Signal
	Flags   []Flag
	// HighRisk is true for plans on template H or C.
	HighRisk bool
}

// rule is one row of the list: its judge returns nil when it does not apply,
// and leaves the rule's own columns to the list.
type rule struct {
	id      string
	version int
	title   string
	level   Level
	within  Clock
	judge   func(Input) *Hit
}

// rules are judged from the top; a new rule is one more row.
var rules = []rule{
	{"R1", 1, "有领域处于危急", Red, Clock{Hours: 24}, anyCrisis},
	{"R2", 1, "有人身或财产安全警示", Red, Clock{Hours: 2}, anyFlag},
	{"R3", 1, "有领域骤降到严重困难或危急", Red, Clock{Hours: 24}, steepFallToSevere},
	{"R4", 1, "有领域骤降", Amber, Clock{Workdays: 3}, steepFall},
	{"R5", 1, "三个以上领域变差", Amber, Clock{Workdays: 3}, broadFall},
	{"R6", 1, "同一领域连续两次变差", Amber, Clock{Workdays: 5}, repeatedFall},
	{"R7", 1, "总体指数明显下降", Amber, Clock{Workdays: 5}, indexFall},
	{"R8", 1, "村里反映有困难", Amber, Clock{Workdays: 1}, villageDifficulty},
	{"R9", 1, "多次没有见到或联系上", Amber, Clock{Workdays: 3}, notSeen},
}

// Evaluate judges every rule and returns the hits in the order of the rules;
// none means green. The rules that compare (R3 to R7) need complete
// assessments on both sides; R1 and R2 look at whatever is there.
func Evaluate(in Input) []Hit {
	var hits []Hit
	for _, r := range rules {
		found := r.judge(in)
		if found == nil {
			continue
		}
		hit := *found
		hit.Rule, hit.Version = r.id, r.version
		if hit.Level == "" {
			hit.Level, hit.Within = r.level, r.within
		}
		hits = append(hits, hit)
	}
	return hits
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

// Title names the rule of a hit in Chinese, for people.
func (h Hit) Title() string {
	for _, r := range rules {
		if r.id == h.Rule {
			return r.title
		}
	}
	return ""
}
