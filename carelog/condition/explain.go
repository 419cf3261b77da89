package condition

import (
	"fmt"
	"slices"
	"strings"

	"aftercare/carelog/calendar"
)

// names of what hits speak about, for people.
var (
	flagNames = map[Flag][2]string{
		ChildHarm:     {"儿童受到或可能受到伤害", "a child is or may be harmed"},
		SelfHarm:      {"有自伤风险", "risk of self-harm"},
		Violence:      {"有暴力或威胁", "violence or threats"},
		FundSeizure:   {"救助金被他人侵占", "the aid money was taken by others"},
		MissingPerson: {"有人失踪", "a person is missing"},
	}
	eventNames = map[EventKind][2]string{
		Death:           {"家中有人去世", "a death in the family"},
		DeathOfCarer:    {"照料人去世", "the death of a carer"},
		Hospital:        {"家中有人住院", "a stay in hospital"},
		JobLoss:         {"失去工作", "the loss of a job"},
		SchoolDropOut:   {"孩子辍学", "a child left school"},
		ChildOutOfCare:  {"孩子无人照料", "a child without care"},
		Disaster:        {"遭遇灾害", "a disaster"},
		OffenderRelease: {"加害人获释", "the release of the offender"},
		OffenderContact: {"加害人接触家庭", "contact by the offender"},
		Eviction:        {"失去住处", "an eviction"},
		NewDisability:   {"新发残疾", "a new disability"},
		GuardianChange:  {"监护人变更", "a change of guardian"},
		Moved:           {"家庭搬迁", "a move"},
	}
	levelNames = map[Level][2]string{
		Red: {"红色", "red"}, Amber: {"黄色", "amber"}, Notice: {"提示", "notice"}, Green: {"绿色", "green"},
	}
)

// Chinese names the event for people; unknown events are empty.
func (k EventKind) Chinese() string { return eventNames[k][0] }

// Explain says in one sentence each why a hit was found, with the domains, the
// values and the dates it rests on, and how long there is to act: what the
// person concerned is told who asks (PIPL art. 24).
func Explain(h Hit) (zh, en string) {
	zh, en = h.because()
	return fmt.Sprintf("%s\uff08规则%s\uff0c%s%s\uff09", zh, h.Rule, levelNames[h.Level][0], h.Within.chinese()),
		fmt.Sprintf("%s (rule %s, %s%s)", en, h.Rule, levelNames[h.Level][1], h.Within.english())
}

func (c Clock) chinese() string {
	switch {
	case c.Hours > 0:
		return fmt.Sprintf("\uff0c%d小时内处置", c.Hours)
	case c.Workdays > 0:
		return fmt.Sprintf("\uff0c%d个工作日内处置", c.Workdays)
	default:
		return ""
	}
}

func (c Clock) english() string {
	switch {
	case c.Hours > 0:
		return fmt.Sprintf(", act within %d hours", c.Hours)
	case c.Workdays > 0:
		return fmt.Sprintf(", act within %d working days", c.Workdays)
	default:
		return ""
	}
}

// because is the reason without rule and clock.
func (h Hit) because() (zh, en string) {
	in := h.Inputs
	switch h.Rule {
	case "R1":
		return h.standing(in.Current, "评分处于危急", "scored as a crisis")
	case "R2":
		return "记录到安全警示\uff1a" + join(h.Flags, flagNames, 0, "\u3001"), "Safeguarding concern recorded: " + join(h.Flags, flagNames, 1, ", ")
	case "R3", "R4", "R6":
		return h.falls()
	case "R5":
		zh, en = h.falls()
		return zh + "\uff1b" + h.Index.chinese(), en + "; " + h.Index.english()
	case "R7":
		return h.indexFell()
	case "R13":
		zh, en = h.standing(in.Current, fmt.Sprintf("自%s起连续两次评为严重困难\uff0c且没有相应转介", in.Previous.On), fmt.Sprintf("severe twice running since %s, and nothing asked for that would help", in.Previous.On))
		return zh, en
	case "R14":
		zh, en = h.standing(in.Current, "承办人评分偏低", "scored low by the officer")
		days := dates(in.Signals, VillageFine)
		return zh + "\uff0c而村联系人" + days + "回复平安", en + ", while the village contact answered on " + days + " that all is well"
	default:
		return h.becauseOfNews()
	}
}

// becauseOfNews is the reason of the rules that look at no scores.
func (h Hit) becauseOfNews() (zh, en string) {
	in := h.Inputs
	switch h.Rule {
	case "R8":
		days := dates(in.Signals, VillageDifficulty)
		return "村联系人" + days + "反映有困难", "The village contact reported difficulty on " + days
	case "R9":
		village, calls := dates(in.Signals, VillageNotSeen), dates(in.Signals, PhoneNotReached)
		return "多次没有见到或联系上" + prefixed("\uff1a村联系人", village, "没见到") + prefixed("\uff1a电话", calls, "未联系上"),
			"Not seen or reached" + prefixed("; by the village contact on ", village, "") + prefixed("; by phone on ", calls, "")
	case "R10":
		o := in.Overdue[0]
		return fmt.Sprintf("应于%s完成的回访\uff0c宽限至%s仍未完成", o.Due, o.Closes), fmt.Sprintf("The check-in due on %s was still open after its grace ended on %s", o.Due, o.Closes)
	case "R11":
		return in.runningOut()
	case "R12":
		var zhs, ens []string
		for _, e := range in.Events {
			zhs = append(zhs, e.On.String()+eventNames[e.Kind][0])
			ens = append(ens, eventNames[e.Kind][1]+" on "+e.On.String())
		}
		return "报告的变故\uff1a" + strings.Join(zhs, "\u3001"), "Reported: " + strings.Join(ens, ", ")
	default:
		return h.Title(), h.Rule
	}
}

func (in Input) runningOut() (zh, en string) {
	var zhs, ens []string
	for _, r := range in.Referrals {
		if !r.DueOn.IsZero() {
			zhs = append(zhs, fmt.Sprintf("%s转介应于%s前答复\uff0c至今未答复", r.Measure.Chinese(), r.DueOn))
			ens = append(ens, fmt.Sprintf("no answer about %s, due by %s", r.Measure.English(), r.DueOn))
		}
		if !r.ExpiresOn.IsZero() {
			zhs = append(zhs, fmt.Sprintf("%s将于%s到期", r.Measure.Chinese(), r.ExpiresOn))
			ens = append(ens, fmt.Sprintf("%s lapses on %s", r.Measure.English(), r.ExpiresOn))
		}
	}
	return strings.Join(zhs, "\uff1b"), "Referral: " + strings.Join(ens, "; ")
}

// standing names the hit's domains with their values on the assessment's date.
func (h Hit) standing(a *Assessment, zhWhat, enWhat string) (zh, en string) {
	var zhs, ens []string
	for _, d := range h.Domains {
		zhs = append(zhs, fmt.Sprintf("%s为%s", d.Chinese(), a.Scores.Of(d)))
		ens = append(ens, fmt.Sprintf("%s at %s", d.English(), a.Scores.Of(d)))
	}
	return fmt.Sprintf("%s评估\uff1a%s\uff0c%s", a.On, strings.Join(zhs, "\u3001"), zhWhat),
		fmt.Sprintf("Assessment of %s: %s, %s", a.On, strings.Join(ens, ", "), enWhat)
}

// falls names the hit's domains with how they moved, oldest value first.
func (h Hit) falls() (zh, en string) {
	var steps []*Assessment
	for _, a := range []*Assessment{h.Inputs.Older, h.Inputs.Previous, h.Inputs.Current} {
		if a != nil {
			steps = append(steps, a)
		}
	}
	var days, zhs, ens []string
	for _, a := range steps {
		days = append(days, a.On.String())
	}
	for _, d := range h.Domains {
		var values []string
		for _, a := range steps {
			values = append(values, a.Scores.Of(d).String())
		}
		zhs = append(zhs, d.Chinese()+"由"+strings.Join(values, "降到"))
		ens = append(ens, d.English()+" fell from "+strings.Join(values, " to "))
	}
	return strings.Join(days, "到") + "\uff1a" + strings.Join(zhs, "\u3001"),
		"From " + strings.Join(days, " to ") + ": " + strings.Join(ens, ", ")
}

func (h Hit) indexFell() (zh, en string) {
	in := h.Inputs
	against, zhName, enName := in.Previous, "上次", "the previous assessment"
	if fall, comparable := commonIndexes(in.Previous, in.Current); !comparable || fall != *h.Index || fall.Was-fall.Is < indexFallPrevious {
		against, zhName, enName = in.Baseline, "基线", "the baseline"
	}
	return fmt.Sprintf("%s与%s\uff08%s\uff09相比\uff0c%s", in.Current.On, zhName, against.On, h.Index.chinese()),
		fmt.Sprintf("On %s against %s of %s, %s", in.Current.On, enName, against.On, h.Index.english())
}

func (f *Fall) chinese() string { return fmt.Sprintf("总体指数由%d到%d", f.Was, f.Is) }
func (f *Fall) english() string { return fmt.Sprintf("the index went from %d to %d", f.Was, f.Is) }

func join(flags []Flag, names map[Flag][2]string, language int, between string) string {
	words := make([]string, len(flags))
	for i, f := range flags {
		words[i] = names[f][language]
	}
	return strings.Join(words, between)
}

// dates lists the days on which signals of a kind came.
func dates(signals []Signal, kind SignalKind) string {
	var days []string
	for _, s := range signals {
		if s.Kind == kind {
			days = append(days, calendar.Of(s.At).String())
		}
	}
	return strings.Join(slices.Compact(days), ", ")
}

func prefixed(before, what, after string) string {
	if what == "" {
		return ""
	}
	return before + what + after
}
