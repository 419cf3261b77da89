package web

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"aftercare/carelog"
	"aftercare/carelog/condition"
)

// visitChoices is what the part of the record form offers that a visit fills.
type visitChoices struct {
	Places, Confirmations, Flags, Evidence, Categories, Texts, Uses, Satisfaction []string
}

// The care log refuses what it does not know.
var visitFields = visitChoices{
	Places:        []string{"home", "village_office", "hospital", "school", "workplace", "other"},
	Confirmations: []string{"signature", "oral"},
	Flags:         []string{"child_harm", "self_harm", "violence", "fund_seizure", "missing_person"},
	Evidence:      []string{"observed", "document", "told"},
	Categories:    []string{"medical", "living", "education", "housing", "debt", "production", "funeral", "custody", "savings", "other"},
	Texts:         []string{"income", "health", "schooling", "mood", "legal", "assistance_in_place", "assistance_lapsed", "issues", "next_visit", "tier_proposal"},
	Uses:          []string{"uses[0]", "uses[1]", "uses[2]"},
	Satisfaction:  []string{"1", "2", "3", "4", "5"},
}

// readVisit reads what a visit fills beside its outcome and its scores.
func (s *console) readVisit(f *form, r *carelog.CheckInRecord) {
	r.EndedAt, r.Place, r.Confirmed = s.moment(f, "ended_at"), f.Value("place"), f.Value("confirmed")
	r.Partner, r.Interpreter = typedText(f, "partner"), typedText(f, "interpreter")
	r.Income, r.Health, r.Mood, r.Legal = typedText(f, "income"), typedText(f, "health"), typedText(f, "mood"), typedText(f, "legal")
	r.InPlace, r.Lapsed = typedText(f, "assistance_in_place"), typedText(f, "assistance_lapsed")
	r.Issues, r.NextVisit, r.TierProposal = typedText(f, "issues"), typedText(f, "next_visit"), typedText(f, "tier_proposal")
	r.Officers = strings.FieldsFunc(f.Value("officers"), func(c rune) bool { return strings.ContainsRune(" ,\u3001\uff0c\r\n\t", c) })
	r.Satisfaction = slices.Index(visitFields.Satisfaction, f.Value("satisfaction")) + 1
	for _, flag := range visitFields.Flags {
		if f.Value("flags."+flag) != "" {
			r.Flags = append(r.Flags, condition.Flag(flag))
		}
	}
	r.Schooling = readSchooling(typedText(f, "schooling"))
	r.Uses = s.readUses(f)
}

// readSchooling takes a line for each child: who, a colon, how it goes.
func readSchooling(text string) []carelog.ChildAtSchool {
	var children []carelog.ChildAtSchool
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		child, how, found := strings.Cut(strings.Replace(line, "\uff1a", ":", 1), ":")
		if !found {
			child, how = "", line
		}
		children = append(children, carelog.ChildAtSchool{Child: strings.TrimSpace(child), Text: strings.TrimSpace(how)})
	}
	return children
}

// readUses reads the rows down to the last one that was filled, so that a problem
// is told beside its row.
func (s *console) readUses(f *form) []carelog.MoneyUse {
	var rows []carelog.MoneyUse
	filled := 0
	for i, at := range visitFields.Uses {
		use := carelog.MoneyUse{Category: f.Value(at + ".category"), Evidence: f.Value(at + ".evidence"), Concern: typedText(f, at+".concern")}
		use.AmountFen, use.BalanceFen = s.fen(f, at+".amount_fen"), s.fen(f, at+".balance_fen")
		if rows = append(rows, use); use != (carelog.MoneyUse{}) {
			filled = i + 1
		}
	}
	return rows[:filled:filled]
}

// fen reads an amount in yuan; an empty one is none.
func (s *console) fen(f *form, name string) int64 {
	text := strings.TrimSpace(f.Value(name))
	if text == "" {
		return 0
	}
	yuan, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(yuan) > 1e9 || math.IsNaN(yuan) {
		f.add(name, s.words.text("form.yuan"))
		return 0
	}
	return int64(math.Round(yuan * 100))
}
