package carelog

import (
	"cmp"
	"slices"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// finding is a hit with what it rests on.
type finding struct {
	hit     condition.Hit
	cause   string // stable: the same facts make the same cause, and so one alert
	on      string // what it rests on: assessment, record, signal, contact, check_in, event, referral
	id      anyID
	checkIn CheckInID
	at      time.Time // when that happened
	settled string    // the deed that answered it since; empty: it waits for a person
}

// Deeds that settle a finding, and with it the alert.
const (
	reachedSince = "an officer reached the household since"
	seenSince    = "the household was seen or reached since"
	helpAsked    = "help was asked for"
	doneSince    = "the check-in is no longer missed"
	answered     = "the referral was answered, renewed or ended"
)

// findings judges everything known: each assessment in its order, so that the
// correction of an earlier one judges the later ones anew.
func (k known) findings(today calendar.Date, highRisk bool) []finding {
	found := k.fromAssessments()
	found = append(found, k.fromWarnings()...)
	found = append(found, k.fromDifficulties()...)
	found = append(found, k.fromContacts(highRisk)...)
	for _, o := range k.overdue {
		in := condition.Input{On: today, Overdue: []condition.Overdue{o.Overdue}}
		found = append(found, each(in, finding{on: "check_in", id: anyID(o.id), checkIn: o.id, at: o.Closes.At(24, 0)})...)
	}
	for _, e := range k.events {
		found = append(found, each(condition.Input{Events: []condition.Event{e.Event}}, finding{on: "event", id: e.id, at: e.at})...)
	}
	return append(found, k.fromReferrals(today)...)
}

// each makes a finding of every hit; root, where it is given, names the cause in
// place of what the finding rests on.
func each(in condition.Input, f finding, root ...anyID) []finding {
	about := f.id
	if len(root) > 0 {
		about = root[0]
	}
	var found []finding
	for _, hit := range condition.Evaluate(in) {
		f.hit, f.cause = hit, hit.Rule+":"+about.String()
		found = append(found, f)
	}
	return found
}

func (k known) fromAssessments() []finding {
	var found []finding
	var previous, older *condition.Assessment // complete ones
	for i := range k.assessments {
		a := &k.assessments[i]
		in := condition.Input{Current: &a.Assessment, Previous: previous, Older: older, Helping: k.helpingAt(a.at), Signals: k.fineAround(a.On)}
		if k.baseline != nil && k.baseline.On.Before(a.On) {
			in.Baseline = k.baseline
		}
		if _, complete := a.Scores.Index(); complete {
			previous, older = &a.Assessment, previous
		}
		if i < k.context {
			continue
		}
		for _, f := range each(in, finding{on: "assessment", id: a.id, checkIn: a.checkIn, at: a.at}, a.root) {
			if f.hit.Rule == "R13" && k.helped(f.hit.Domains, a.at) {
				f.settled = helpAsked
			}
			found = append(found, f)
		}
	}
	return found
}

// fineAround is the first time around a date that the village said all is well,
// for R14: one contradiction is enough, and the first one stays the first.
func (k known) fineAround(on calendar.Date) []condition.Signal {
	for _, c := range k.contacts {
		apart := calendar.Of(c.at).Sub(on)
		if c.kind == condition.VillageFine && max(apart, -apart) <= 14 {
			return []condition.Signal{{Kind: c.kind, At: c.at}}
		}
	}
	return nil
}

func (k known) fromWarnings() []finding {
	var found []finding
	for _, w := range k.warnings {
		found = append(found, each(condition.Input{Flags: w.flags}, finding{on: "record", id: w.id, checkIn: w.checkIn, at: w.at}, w.root)...)
	}
	return found
}

// fromDifficulties is R8, answered when an officer has reached the household since.
func (k known) fromDifficulties() []finding {
	var found []finding
	for i, c := range k.contacts {
		if c.kind != condition.VillageDifficulty {
			continue
		}
		f := finding{on: "signal", id: c.id, checkIn: c.checkIn, at: c.at}
		if slices.ContainsFunc(k.contacts[i:], func(later contacted) bool { return later.kind == "" }) {
			f.settled = reachedSince
		}
		found = append(found, each(condition.Input{Signals: []condition.Signal{{Kind: c.kind, At: c.at}}}, f)...)
	}
	return found
}

// fromContacts is R9: each run of misses between two times that somebody saw or
// reached the household. A hit keeps the misses that made it; further ones of
// the same run add nothing, until a person closed its alert: what is missed after
// that is a run of its own, for nobody has seen the household yet.
func (k known) fromContacts(highRisk bool) []finding {
	var found []finding
	var run []contacted
	whole := k.contactsAll // a run whose beginning was left out is not judged
	end := func(settled string) {
		if whole && len(run) > 0 {
			found = append(found, missed(run, highRisk, settled)...)
		}
		run, whole = nil, true
	}
	closed := k.closedMisses
	for _, c := range k.contacts {
		for len(closed) > 0 && closed[0].Before(c.at) {
			closed = closed[1:]
			if whole && len(run) > 0 {
				end("")
			}
		}
		if c.kind == condition.VillageNotSeen || c.kind == condition.PhoneNotReached {
			run = append(run, c)
			continue
		}
		end(seenSince)
	}
	end("")
	return found
}

func missed(run []contacted, highRisk bool, settled string) []finding {
	first := run[0]
	in := condition.Input{HighRisk: highRisk}
	for _, c := range run {
		in.Signals = append(in.Signals, condition.Signal{Kind: c.kind, At: c.at})
		if hits := each(in, finding{on: "contact", id: first.id, checkIn: first.checkIn, at: first.at, settled: settled}); len(hits) > 0 {
			return hits
		}
	}
	return nil
}

// fromReferrals is R11, once a day that was agreed: an answer given later, or a
// benefit renewed, makes another cause.
func (k known) fromReferrals(today calendar.Date) []finding {
	var found []finding
	for _, r := range k.referrals {
		for _, part := range []condition.Referral{{Measure: r.Measure, DueOn: r.DueOn}, {Measure: r.Measure, ExpiresOn: r.ExpiresOn}} {
			day := part.DueOn
			if day.IsZero() {
				day = part.ExpiresOn
			}
			if day.IsZero() {
				continue
			}
			in := condition.Input{On: today, Referrals: []condition.Referral{part}}
			for _, f := range each(in, finding{on: "referral", id: r.id, at: day.At(0, 0)}) {
				f.cause += ":" + day.String()
				found = append(found, f)
			}
		}
	}
	return found
}

// grantShowsAfter is how many days a granted benefit has to show in the scores
// before R13 asks again what else could help: a quarter, as a visit later.
const grantShowsAfter = 90

// helpingAt are the measures asked for before, and still open at, an assessment
// (R13); what was granted counts for a quarter more.
func (k known) helpingAt(at time.Time) []condition.Measure {
	var helping []condition.Measure
	for _, r := range k.referrals {
		day := calendar.Of(at)
		if r.sent.Before(at) && (r.ended.IsZero() || r.ended.After(day)) && (r.heard.IsZero() || r.heard.After(day)) {
			helping = append(helping, r.Measure)
		}
	}
	return helping
}

// helped tells whether help was asked for in each of the domains since.
func (k known) helped(domains []condition.Domain, since time.Time) bool {
	return !slices.ContainsFunc(domains, func(d condition.Domain) bool {
		return !slices.ContainsFunc(k.referrals, func(r helpAskedFor) bool {
			return r.ended.IsZero() && !r.sent.Before(since) && slices.Contains(r.Measure.Touches(), d)
		})
	})
}

// floors are how far back each kind of fact was judged: a standing hit on
// something older is left as it is.
func (k known) floors() map[string]time.Time {
	floors := map[string]time.Time{}
	if k.context > 0 {
		floors["assessment"] = k.assessments[k.context].at
	}
	if !k.contactsAll && len(k.contacts) > 0 {
		floors["signal"], floors["contact"] = k.contacts[0].at, k.contacts[0].at
	}
	if len(k.warnings) == judgedWarnings {
		floors["record"] = k.warnings[0].at
	}
	if len(k.events) == judgedEvents {
		floors["event"] = k.events[0].at
	}
	return floors
}

// mostUrgent orders findings: red before amber before notice, the nearest clock first.
func mostUrgent(a, b finding) int {
	order := []condition.Level{condition.Red, condition.Amber, condition.Notice}
	return cmp.Or(
		cmp.Compare(slices.Index(order, a.hit.Level), slices.Index(order, b.hit.Level)),
		cmp.Compare(a.hit.Within.Hours, b.hit.Within.Hours),
		cmp.Compare(a.hit.Within.Workdays, b.hit.Within.Workdays))
}
