package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Limits that keep a template sane.
const (
	maxSteps         = 40
	maxOffsetDays    = 3660
	maxYearlyOffset  = 60
	maxLeadDays      = 30
	maxGraceWorkdays = 30
	maxText          = 60 // bytes of a key or an occasion; a title has three times that
	// A quarter: the slowest tail that still counts as one.
	maxTailDays = 92
	// The longest silence before the tail begins. Template G has 95 days
	// between its ninth month and its first year.
	maxGapDays = 100
)

// Problem is one thing wrong with a template: the step it concerns (empty, with
// the index -1, for the template as a whole), the field, and a sentence for
// people in English and in Chinese.
type Problem struct {
	Index   int    `json:"index"`
	Step    string `json:"step,omitempty"`
	Field   string `json:"field"`
	English string `json:"english"`
	Text    string `json:"text"`
}

// Problems is the error of Validate: everything wrong at once.
type Problems []Problem

// Error lists every problem in one line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, problem := range p {
		line := problem.Text
		if problem.Step != "" {
			line = problem.Step + "\uff1a" + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\uff1b")
}

// fault is a sentence about a field.
type fault struct{ field, english, chinese string }

func (f fault) at(i int, s Step) Problem {
	return Problem{Index: i, Step: s.Key, Field: f.field, English: f.english, Text: f.chinese}
}

// Validate returns nil or Problems with every fault: keys missing or repeated,
// unknown kinds, anchors and policies, days out of range, steps of one occasion
// that do not fall on one date, no baseline home visit from the start, a silence
// of more than 100 days, no tail that repeats at least quarterly. Neither the
// tail nor what breaks the silence may hang on an anchor that can be missing.
func (t Template) Validate() error {
	var found Problems
	whole := func(f fault) { found = append(found, f.at(-1, Step{})) }
	if t.Key == "" || t.Name == "" || t.Version < 1 {
		whole(fault{"key", "needs a key, a name and a version from 1", "模板要有代号、名称和从 1 开始的版本号"})
	}
	if len(t.Steps) > maxSteps {
		whole(fault{"steps", fmt.Sprintf("are more than %d", maxSteps), fmt.Sprintf("步骤不能超过 %d 个", maxSteps)})
	}
	seen := map[string]bool{}
	occasions := map[string]Step{}
	for i, s := range t.Steps {
		for _, f := range s.faults() {
			found = append(found, f.at(i, s))
		}
		if seen[s.Key] {
			found = append(found, fault{"key", "is used twice in this template", "步骤代号重复"}.at(i, s))
		}
		seen[s.Key] = true
		first, met := occasions[s.Occasion]
		if met && !s.sameDates(first) {
			found = append(found, fault{"occasion", "has a step that falls on other dates: give it an occasion of its own", "同一次回访的步骤要有相同的起算日、天数和间隔"}.at(i, s))
		}
		if !met {
			occasions[s.Occasion] = s
		}
	}
	for _, f := range t.faults() {
		whole(f)
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// faults checks what one step can tell by itself.
func (s Step) faults() []fault {
	var faults []fault
	refuse := func(wrong bool, field, english, chinese string) {
		if wrong {
			faults = append(faults, fault{field, english, chinese})
		}
	}
	refuse(s.Key == "" || s.Occasion == "" || s.Title == "", "key", "needs a key, an occasion and a title", "步骤要有代号、场合和标题")
	refuse(len(s.Key) > maxText || len(s.Occasion) > maxText || len(s.Title) > 3*maxText, "key", "is too long, or its occasion or title is", "代号、场合或标题过长")
	refuse(strings.HasPrefix(s.Key, "tier-"), "key", "may not begin with tier-: those steps come and go with the tier", "代号不能以 tier- 开头")
	refuse(s.Kind.Chinese() == "", "kind", "is none of phone, home, village", "回访方式只能是 phone、home 或 village")
	refuse(!slices.Contains(anchors, s.Anchor) || s.Anchor == Tier, "anchor", "is not one of the known anchors of a template", "起算日不在可选范围内")
	least := 0
	if s.Anchor.Yearly() {
		least = -maxYearlyOffset
	}
	refuse(s.OffsetDays < least || s.OffsetDays > maxOffsetDays || s.Anchor.Yearly() && s.OffsetDays > maxYearlyOffset, "offset_days",
		"lies outside 0 to 3660 days, or 60 before to 60 after a yearly anchor", "距起算日的天数要在 0 到 3660 之间(每年的起算日为前后 60 天)")
	refuse(s.EveryDays < 0 || s.EveryDays > maxOffsetDays, "every_days", "lies outside 0 (once) to 3660", "重复间隔要在 0 到 3660 天之间,0 表示只做一次")
	refuse(s.Anchor.Yearly() && s.EveryDays > 0, "every_days", "must be 0: the anchor comes every year by itself", "每年的起算日不需要重复间隔")
	refuse(s.LeadDays < 0 || s.LeadDays > maxLeadDays, "lead_days", "lies outside 0 to 30", "提前天数要在 0 到 30 之间")
	refuse(s.GraceWorkdays < 0 || s.GraceWorkdays > maxGraceWorkdays, "grace_workdays", "lies outside 0 to 30 working days", "宽限要在 0 到 30 个工作日之间")
	refuse(s.EveryDays > 0 && s.LeadDays >= s.EveryDays, "lead_days", "must be less than every_days", "提前天数要小于重复间隔")
	refuse(s.AsksVillage && s.Kind != Village, "asks_village", "is for village steps only", "只有 village 步骤可以询问村委会联系人")
	return append(faults, s.policyFaults()...)
}

func (s Step) policyFaults() []fault {
	var faults []fault
	refuse := func(wrong bool, field, english, chinese string) {
		if wrong {
			faults = append(faults, fault{field, english, chinese})
		}
	}
	refuse(!slices.Contains([]Policy{Fixed, Rolling, MinGap}, s.Policy), "policy", "is none of fixed, rolling, min_gap", "顺延方式只能是 fixed、rolling 或 min_gap")
	refuse((s.Policy == Rolling || s.Policy == MinGap) && s.EveryDays <= 0, "policy", "must be fixed for what does not repeat", "不重复的步骤只能用 fixed")
	// A longer distance could put two check-ins of the grid on one day.
	refuse(s.Policy == MinGap && (s.GapDays < 1 || s.GapDays > s.EveryDays/2), "gap_days", "lies outside 1 to half of every_days", "最小间隔要在 1 天到重复间隔的一半之间")
	refuse(s.Policy != MinGap && s.GapDays != 0, "gap_days", "is for the policy min_gap only", "只有 min_gap 才有最小间隔")
	refuse(s.UntilAge < 0 || s.UntilAge > 120, "until_age", "lies outside 0 to 120", "年龄上限要在 0 到 120 之间")
	refuse(s.Anchor == Harvest && s.YearlyOn == 0, "yearly_on", "is required: the day of the harvest where a plan names none", "要写明默认的农收日期")
	refuse(s.Anchor != Harvest && s.YearlyOn != 0, "yearly_on", "is for the anchor harvest only", "只有 harvest 才有默认日期")
	refuse(s.RealTime && s.EveryDays > 0, "real_time", "is for what comes once", "只有一次性的步骤可以按自然时间计算")
	refuse(s.Anchor == SpringFestival && (s.OffsetDays > -1 || s.OffsetDays < -21), "offset_days", "lies outside 21 to 1 days before the eve", "春节前走访要在除夕前 1 到 21 天")
	return faults
}

// faults checks what only the steps together can tell.
func (t Template) faults() []fault {
	var faults []fault
	baseline := slices.ContainsFunc(t.Steps, func(s Step) bool {
		return s.Kind == Home && s.Anchor == Start && s.EveryDays == 0
	})
	if !baseline {
		faults = append(faults, fault{"steps", "need a first home visit counted from the start", "要有一次从计划开始日起算的首次上门走访"})
	}
	tail, found := t.tailStart()
	if !found {
		return append(faults, fault{"steps", "need one from payment or start that repeats at least quarterly (92 days) for ever", "最后要有一个从支付日或开始日起算、至少每季度(92 天)重复一次的步骤,直到计划结束"})
	}
	if t.longestGap(tail) > maxGapDays {
		faults = append(faults, fault{"steps", "leave more than 100 days without a contact before the quarterly ones begin", "在定期回访开始之前,两次联系之间不能超过 100 天"})
	}
	return faults
}

// tailStart returns the offset at which the first quarterly tail begins.
func (t Template) tailStart() (days int, found bool) {
	for _, s := range t.Steps {
		if s.optional() || s.EveryDays <= 0 || s.EveryDays > maxTailDays {
			continue
		}
		if !found || s.OffsetDays < days {
			days, found = s.OffsetDays, true
		}
	}
	return days, found
}

// longestGap returns the longest silence from the anchors to the tail's start,
// taking both anchors as one day, as they are before the payment is known.
func (t Template) longestGap(tail int) int {
	steps := slices.DeleteFunc(slices.Clone(t.Steps), Step.optional)
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Compare(a.OffsetDays, b.OffsetDays) })
	gap, last := 0, 0
	for _, s := range steps {
		if s.OffsetDays > tail {
			break
		}
		gap = max(gap, s.OffsetDays-last)
		last = s.OffsetDays
	}
	return gap
}

// optional tells whether the step may not occur: its anchor is missing, or it ends.
func (s Step) optional() bool { return s.Anchor != Payment && s.Anchor != Start || s.UntilAge > 0 }

func (s Step) sameDates(other Step) bool {
	return s.SameRhythm(other) && s.OffsetDays == other.OffsetDays && s.Policy == other.Policy &&
		s.GapDays == other.GapDays && s.UntilAge == other.UntilAge && s.YearlyOn == other.YearlyOn && s.RealTime == other.RealTime
}

// SameRhythm tells whether two steps number their check-ins alike: a step that
// repeats from another anchor or at another distance needs a key of its own, or
// the check-ins that were made under the old numbers would stand for its new ones.
func (s Step) SameRhythm(other Step) bool {
	return s.Anchor == other.Anchor && s.EveryDays == other.EveryDays && (s.EveryDays == 0 || s.OffsetDays == other.OffsetDays)
}
