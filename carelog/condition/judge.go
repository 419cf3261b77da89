package condition

import (
	"slices"
	"time"

	"aftercare/carelog/calendar"
)

// Limits of the rules, from the domain's table.
const (
	steepPoints       = 2
	broadDomains      = 3
	broadRedIndex     = 35
	indexFallPrevious = 10
	indexFallBaseline = 15
	notSeenApart      = 24 * time.Hour
	callsMissedDays   = 3
	callsMissedWithin = 7 // days, first and last included
)

// raised is the level and clock of a rule that turns red: red clocks always
// run in hours.
var raised = Hit{Level: Red, Within: Clock{Hours: 24}}

// anyCrisis is R1: any domain at 0 that was seen or told today. A 0 carried from
// an earlier home visit was a hit when it was seen.
func anyCrisis(in Input) *Hit {
	if in.Current == nil {
		return nil
	}
	return hitOn(in.Current.seen().where(func(_ int, points int) bool { return points == 0 }))
}

// anyFlag is R2: any safeguarding flag.
func anyFlag(in Input) *Hit {
	if len(in.Flags) == 0 {
		return nil
	}
	return &Hit{Flags: in.Flags, MustReport: slices.Contains(in.Flags, ChildHarm)}
}

// steepFallToSevere is R3: a domain fell by 2 or more, to 1 or less.
func steepFallToSevere(in Input) *Hit {
	return hitOn(fallen(in.Current, in.Previous, func(was, is int) bool { return was-is >= steepPoints && is <= 1 }))
}

// steepFall is R4: a domain fell by 2 or more and is still at 2 or more.
func steepFall(in Input) *Hit {
	return hitOn(fallen(in.Current, in.Previous, func(was, is int) bool { return was-is >= steepPoints && is > 1 }))
}

// broadFall is R5: three domains or more fell; red when the index is low.
func broadFall(in Input) *Hit {
	worse := fallen(in.Current, in.Previous, func(was, is int) bool { return is < was })
	if len(worse) < broadDomains {
		return nil
	}
	fall := indexes(in.Previous, in.Current)
	hit := Hit{}
	if fall.Is <= broadRedIndex {
		hit = raised
	}
	hit.Domains, hit.Index = worse, &fall
	return &hit
}

// repeatedFall is R6: a domain fell in this assessment and in the one before.
// Two falls make a net fall of 2 at least.
func repeatedFall(in Input) *Hit {
	fell := func(was, is int) bool { return is < was }
	before := fallen(in.Previous, in.Older, fell)
	now := fallen(in.Current, in.Previous, fell)
	return hitOn(slices.DeleteFunc(now, func(d Domain) bool { return !slices.Contains(before, d) }))
}

// indexFall is R7: the index fell by 10 against the previous assessment or by
// 15 against the baseline, over the domains that both scored: a domain that was
// not observed, or no longer applies, is no fall. The hit shows the fall that
// counts, previous first.
func indexFall(in Input) *Hit {
	for _, side := range []struct {
		against *Assessment
		limit   int
	}{{in.Previous, indexFallPrevious}, {in.Baseline, indexFallBaseline}} {
		fall, comparable := commonIndexes(side.against, in.Current)
		if comparable && fall.Was-fall.Is >= side.limit {
			return &Hit{Index: &fall}
		}
	}
	return nil
}

// commonIndexes are the two indexes over the domains that both assessments
// scored; false when either is incomplete or too few are common to compare.
func commonIndexes(before, now *Assessment) (Fall, bool) {
	if !bothComplete(now, before) {
		return Fall{}, false
	}
	was, is := before.Scores, now.Scores
	for i := range domains {
		_, scoredBefore := was[i].Points()
		_, scoredNow := is[i].Points()
		if !scoredBefore || !scoredNow {
			was[i], is[i] = NotObserved, NotObserved
		}
	}
	wasIndex, enough := was.Index()
	isIndex, _ := is.Index()
	return Fall{Was: wasIndex, Is: isIndex}, enough
}

// villageDifficulty is R8: the village contact answered 2.
func villageDifficulty(in Input) *Hit {
	if !slices.ContainsFunc(in.Signals, func(s Signal) bool { return s.Kind == VillageDifficulty }) {
		return nil
	}
	return &Hit{}
}

// notSeen is R9: the village answered 3 twice at least 24 hours apart, or
// calls failed on 3 days within 7, and nobody in the village has seen the
// household since. Households at high risk get the red clock.
func notSeen(in Input) *Hit {
	since := lastSeen(in.Signals)
	if !villageMissedTwice(in.Signals, since) && !callsMissed(in.Signals, since) {
		return nil
	}
	hit := Hit{}
	if in.HighRisk {
		hit = raised
	}
	return &hit
}

// lastSeen returns when the village last answered 1 or 2: it saw somebody.
func lastSeen(signals []Signal) time.Time {
	var last time.Time
	for _, s := range signals {
		if (s.Kind == VillageFine || s.Kind == VillageDifficulty) && s.At.After(last) {
			last = s.At
		}
	}
	return last
}

func villageMissedTwice(signals []Signal, since time.Time) bool {
	times := timesOf(signals, VillageNotSeen, since)
	return len(times) > 1 && times[len(times)-1].Sub(times[0]) >= notSeenApart
}

func callsMissed(signals []Signal, since time.Time) bool {
	var days []calendar.Date
	for _, at := range timesOf(signals, PhoneNotReached, since) {
		days = append(days, calendar.Of(at))
	}
	days = slices.Compact(days)
	for i := callsMissedDays - 1; i < len(days); i++ {
		if days[i].Sub(days[i-callsMissedDays+1]) < callsMissedWithin {
			return true
		}
	}
	return false
}

// timesOf returns when signals of a kind came after an instant, in order.
func timesOf(signals []Signal, kind SignalKind, since time.Time) []time.Time {
	var times []time.Time
	for _, s := range signals {
		if s.Kind == kind && s.At.After(since) {
			times = append(times, s.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// fallen lists the domains scored in two complete assessments whose points
// moved as asked.
func fallen(now, before *Assessment, moved func(was, is int) bool) []Domain {
	if !bothComplete(now, before) {
		return nil
	}
	return now.Scores.where(func(i, is int) bool {
		was, scored := before.Scores[i].Points()
		return scored && moved(was, is)
	})
}

// bothComplete reports whether both assessments exist and are complete.
func bothComplete(a, b *Assessment) bool {
	if a == nil || b == nil {
		return false
	}
	_, completeA := a.Scores.Index()
	_, completeB := b.Scores.Index()
	return completeA && completeB
}

func indexes(before, now *Assessment) Fall {
	was, _ := before.Scores.Index()
	is, _ := now.Scores.Index()
	return Fall{Was: was, Is: is}
}

// where lists the scored domains whose position and points are as asked.
func (s Scores) where(asked func(i, points int) bool) []Domain {
	var found []Domain
	for i, score := range s {
		if points, scored := score.Points(); scored && asked(i, points) {
			found = append(found, domains[i])
		}
	}
	return found
}

func hitOn(found []Domain) *Hit {
	if len(found) == 0 {
		return nil
	}
	return &Hit{Domains: found}
}
