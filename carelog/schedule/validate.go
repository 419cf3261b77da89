package schedule

import (
	"cmp"
	"slices"
	"strings"
)

// Limits that keep a template sane.
const (
	maxOffsetDays    = 3660
	maxLeadDays      = 30
	maxGraceWorkdays = 30
	// A quarter: the slowest tail that still counts as one.
	maxTailDays = 92
	// The longest silence before the tail begins. Template G has 95 days
	// between its ninth month and its first year.
	maxGapDays = 100
)

// Problem is one thing wrong with a template: the step it concerns (empty for
// the template as a whole) and a Chinese sentence for people.
type Problem struct {
	Step string `json:"step,omitempty"`
	Text string `json:"text"`
}

// Problems is the error of Validate: everything wrong at once.
type Problems []Problem

// Error lists every problem in one line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, problem := range p {
		line := problem.Text
		if problem.Step != "" {
			line = problem.Step + "：" + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "；")
}

// Validate returns nil or Problems with every fault: keys missing or repeated,
// unknown kinds and anchors, days out of range, steps of one occasion that do
// not fall on one date, no baseline home visit from the start, a silence of
// more than 100 days, no tail that repeats at least quarterly.
func (t Template) Validate() error {
	var found Problems
	if t.Key == "" || t.Name == "" || t.Version < 1 {
		found = append(found, Problem{Text: "模板要有代号、名称和从 1 开始的版本号"})
	}
	seen := map[string]bool{}
	occasions := map[string]Step{}
	for _, s := range t.Steps {
		for _, text := range s.faults() {
			found = append(found, Problem{Step: s.Key, Text: text})
		}
		if seen[s.Key] {
			found = append(found, Problem{Step: s.Key, Text: "步骤代号重复"})
		}
		seen[s.Key] = true
		first, met := occasions[s.Occasion]
		if met && !s.sameDates(first) {
			found = append(found, Problem{Step: s.Key, Text: "同一次回访的步骤要有相同的起算日、天数和间隔"})
		}
		if !met {
			occasions[s.Occasion] = s
		}
	}
	for _, text := range t.faults() {
		found = append(found, Problem{Text: text})
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// faults checks what one step can tell by itself.
func (s Step) faults() []string {
	var texts []string
	refuse := func(wrong bool, text string) {
		if wrong {
			texts = append(texts, text)
		}
	}
	refuse(s.Key == "" || s.Occasion == "" || s.Title == "", "步骤要有代号、场合和标题")
	refuse(s.Kind.Chinese() == "", "回访方式只能是 phone、home 或 village")
	refuse(s.Anchor != Payment && s.Anchor != Start, "起算日只能是 payment 或 start")
	refuse(s.OffsetDays < 0 || s.OffsetDays > maxOffsetDays, "距起算日的天数要在 0 到 3660 之间")
	refuse(s.EveryDays < 0 || s.EveryDays > maxOffsetDays, "重复间隔要在 0 到 3660 天之间，0 表示只做一次")
	refuse(s.LeadDays < 0 || s.LeadDays > maxLeadDays, "提前天数要在 0 到 30 之间")
	refuse(s.GraceWorkdays < 0 || s.GraceWorkdays > maxGraceWorkdays, "宽限要在 0 到 30 个工作日之间")
	refuse(s.EveryDays > 0 && s.LeadDays >= s.EveryDays, "提前天数要小于重复间隔")
	refuse(s.AsksVillage && s.Kind != Village, "只有 village 步骤可以询问村委会联系人")
	return texts
}

// faults checks what only the steps together can tell.
func (t Template) faults() []string {
	var texts []string
	baseline := slices.ContainsFunc(t.Steps, func(s Step) bool {
		return s.Kind == Home && s.Anchor == Start && s.EveryDays == 0
	})
	if !baseline {
		texts = append(texts, "要有一次从计划开始日起算的首次上门走访")
	}
	tail, found := t.tailStart()
	if !found {
		return append(texts, "最后要有一个至少每季度（92 天）重复一次的步骤，直到计划结束")
	}
	if t.longestGap(tail) > maxGapDays {
		texts = append(texts, "在定期回访开始之前，两次联系之间不能超过 100 天")
	}
	return texts
}

// tailStart returns the offset at which the first quarterly tail begins.
func (t Template) tailStart() (days int, found bool) {
	for _, s := range t.Steps {
		if s.EveryDays <= 0 || s.EveryDays > maxTailDays {
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
	steps := slices.Clone(t.Steps)
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

func (s Step) sameDates(other Step) bool {
	return s.Anchor == other.Anchor && s.OffsetDays == other.OffsetDays && s.EveryDays == other.EveryDays
}
