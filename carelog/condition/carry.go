package condition

import "aftercare/carelog/calendar"

// Channel is how an assessment was made.
type Channel string

// The channels, by the names that check-ins use.
const (
	ByPhone   Channel = "phone"
	ByHome    Channel = "home"
	ByVillage Channel = "village"
)

// StaleAfterDays is how long a value seen at home may stand in for one that a
// phone call cannot see.
const StaleAfterDays = 180

// Assessment is one scoring of a household on a date.
type Assessment struct {
	On     calendar.Date `json:"on"`
	Scores Scores        `json:"scores"`
	// Carried are the domains whose value comes from an earlier home visit: they
	// compare, but nobody saw them again today.
	Carried []Domain `json:"carried,omitempty"`
}

// seen are the scores without those that were carried.
func (a Assessment) seen() Scores {
	seen := a.Scores
	for _, d := range a.Carried {
		seen = seen.With(d, NotObserved)
	}
	return seen
}

// Carried tells where the value of a domain that could not be seen comes from.
type Carried struct {
	Domain Domain        `json:"domain"`
	Score  Score         `json:"score"`
	From   calendar.Date `json:"from"`
	// Stale values are shown but no longer count: the domain is not observed.
	Stale bool `json:"stale,omitempty"`
}

// CarryForward returns the assessment that counts. A home visit stands as it
// is. A phone call sees neither housing nor care: whatever it claims there is
// replaced by the last home visit's value, with its date, until that is more
// than 180 days old. A village reply scores nothing. lastHome may be nil.
func CarryForward(by Channel, current Assessment, lastHome *Assessment) (Assessment, []Carried) {
	switch by {
	case ByHome:
		return current, nil
	case ByPhone:
		return carryHome(current, lastHome)
	default:
		return Assessment{On: current.On}, nil
	}
}

func carryHome(current Assessment, lastHome *Assessment) (Assessment, []Carried) {
	var carried []Carried
	current.Carried = nil
	for i, entry := range scale() {
		if !entry.HomeOnly {
			continue
		}
		current.Scores[i] = NotObserved
		if lastHome == nil || lastHome.Scores[i] == NotObserved {
			continue
		}
		stale := current.On.Sub(lastHome.On) > StaleAfterDays
		if !stale {
			current.Scores[i] = lastHome.Scores[i]
			current.Carried = append(current.Carried, entry.Domain)
		}
		carried = append(carried, Carried{Domain: entry.Domain, Score: lastHome.Scores[i], From: lastHome.On, Stale: stale})
	}
	return current, carried
}
