package main

import (
	"context"
	"fmt"
	"strconv"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// household is an aided family and what will become of it.
type household struct {
	no       int
	key      string // the external id
	office   *simOffice
	officer  *simOfficer // who has the plan as far as this simulation gave it
	village  *simVillage
	kind     string // G, K, C, H: what the family looks like, not what the service makes of it
	enrolOn  calendar.Date
	draft    bool
	reach    float64 // how likely somebody is there
	diesOn   calendar.Date
	movesOn  calendar.Date
	refuses  calendar.Date
	scores   [10]int
	visits   int // home visits that met them
	good     int // the last of them in a row with nothing below 2
	enrolled bool
	first    calendar.Date // when care began
	ended    bool          // closed

	recipient  carelog.RecipientID // known since an officer first had work about it
	toCorrect  []mistake
	referredOn calendar.Date
	agreed     map[carelog.CheckInID]bool // days settled before a visit
}

// actSize is how many are enrolled in one act, as one county did.
const actSize = 81

// people makes up the households: the mix of domain document 7, enrolled over the
// time, and one act of 81.
func (s *simulation) people() {
	act := min(actSize, s.recipients/4)
	actDay := s.workdayAfter(s.span / 5)
	for n := range s.recipients {
		r := s.dice.roll("household", n)
		h := &household{no: n, key: fmt.Sprintf("SIM-%05d", n+1), kind: kindOf(r.Float64()), agreed: map[carelog.CheckInID]bool{}}
		if n < act { // one officer's ledger
			h.officer = s.officers[0]
			h.enrolOn = actDay
		} else {
			h.officer = s.officers[n%len(s.officers)]
			h.enrolOn = s.workdayAfter(s.enrolDay(r.Float64()))
			h.draft = r.IntN(50) == 0
		}
		h.office = h.officer.office
		h.village = h.office.villages[r.IntN(len(h.office.villages))]
		h.reach = 0.75 + r.Float64()/4
		if r.IntN(20) == 0 {
			h.reach = 0.3 // hard to find
		}
		h.fate(r.IntN(100), s.from.AddDays(max(r.IntN(s.span), s.span/6)))
		for i := range h.scores {
			h.scores[i] = 2 + r.IntN(2)
			if h.kind != "G" && r.IntN(8) == 0 {
				h.scores[i] = 1
			}
		}
		if h.kind == "H" {
			h.scores[r.IntN(len(h.scores))] = 0
		}
		s.households = append(s.households, h)
		s.byKey[h.key] = h
	}
}

// enrolDay spreads the enrolments: two in five come over at the start, the rest
// over most of the time.
func (s *simulation) enrolDay(u float64) int {
	if u < 0.4 {
		return int(u / 0.4 * float64(min(60, s.span/4)))
	}
	return int(float64(s.span) * 0.9 * (u - 0.4) / 0.6)
}

func kindOf(u float64) string {
	switch {
	case u < 0.75:
		return "G"
	case u < 0.95:
		return "K"
	case u < 0.98:
		return "C"
	default:
		return "H"
	}
}

// fate says who dies, moves away or wants no more, and when.
func (h *household) fate(percent int, when calendar.Date) {
	switch {
	case percent < 3:
		h.diesOn = when
	case percent < 6:
		h.movesOn = when
	case percent < 8:
		h.refuses = when
	}
}

// enrolToday takes into care whose day has come: each by itself, the act at once.
func (s *simulation) enrolToday(ctx context.Context, o *simOffice, today calendar.Date) error {
	var act []*household
	for _, h := range s.households {
		if h.office != o || h.enrolled || h.enrolOn.After(today) {
			continue
		}
		h.enrolled, h.first = true, today
		if h.no < actSize && h.no < s.recipients/4 {
			act = append(act, h)
			continue
		}
		made, err := o.door.EnrolRecipient(ctx, h.officer.Actor, s.enrolment(h, today))
		if err != nil {
			return fmt.Errorf("enrol %s: %w", h.key, err)
		}
		if h.draft && made.State != "draft" {
			return fmt.Errorf("enrol %s: wanted a draft, got %s", h.key, made.State)
		}
	}
	if len(act) == 0 {
		return nil
	}
	report, err := o.door.ImportLedger(ctx, act[0].officer.Actor, s.ledgerOf(act, today), carelog.ImportOptions{})
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("row %d, %s: %s", report.Problems[0].Row, report.Problems[0].Column, report.Problems[0].Reason)
	}
	if err != nil {
		return fmt.Errorf("enrol %d in one act: %w", len(act), err)
	}
	return nil
}

// paidBefore is how long before the enrolment the aid was paid.
func (s *simulation) paidBefore(h *household) int {
	return 1 + s.dice.roll("paid", h.no).IntN(20)
}

func (s *simulation) enrolment(h *household, today calendar.Date) carelog.Enrolment {
	e := carelog.Enrolment{
		ExternalID: h.key, Name: surname(h.no) + "某某", Sex: "女", Village: h.village.name, Alias: h.alias(), Draft: h.draft,
		BornOn: h.born(), Award: carelog.Award{TotalFen: 500_000, PaidOn: today.AddDays(-s.paidBefore(h))},
		Primary: h.village.contacts[0].id, Officer: h.officer.Login,
	}
	switch {
	case h.kind == "H":
		e.Template = "H" // by a person: nothing chooses it by itself
	case h.kind == "G" && h.no%100 == 7:
		e.Template = "R" // coordinated, not awarded
	}
	if len(h.village.contacts) > 1 {
		e.Backup = h.village.contacts[1].id
	}
	if flag := h.flag(); flag != "" {
		e.Flags = []carelog.Flag{flags[flag]}
	}
	return e
}

// flags are what the ledger calls the ones used here.
var flags = map[string]carelog.Flag{"独居高龄": "elderly_alone", "重度残疾": "severe_disability", "丧偶抚养": "widowed_with_dependants", "监测户": "monitored_household"}

func (h *household) flag() string {
	if h.kind == "G" || h.kind == "C" {
		return ""
	}
	return []string{"独居高龄", "重度残疾", "丧偶抚养", "监测户"}[h.no%4]
}

func (h *household) born() calendar.Date {
	if h.kind == "C" {
		return firstDay.AddDays(-365*(6+h.no%9) - h.no%365)
	}
	return firstDay.AddDays(-365*(30+h.no%50) - h.no%365)
}

// alias is what the village calls the family.
func (h *household) alias() string { return fmt.Sprintf("%d组老%s家", 1+h.no%9, surname(h.no)) }

func (s *simulation) ledgerOf(act []*household, today calendar.Date) carelog.Ledger {
	l := carelog.Ledger{Header: []string{"外部编号", "姓名", "性别", "出生日期", "乡镇", "村居", "困难情形", "救助金额(元)", "发放日期", "承办人", "村联系人", "村联系人电话", "家庭称呼"}}
	for i, h := range act {
		c := h.village.contacts[0]
		l.Rows = append(l.Rows, carelog.LedgerRow{Number: i + 2, Cells: map[string]string{
			"外部编号": h.key, "姓名": surname(h.no) + "某某", "性别": "女", "出生日期": h.born().String(), "乡镇": h.village.name.Township, "村居": h.village.name.Name,
			"困难情形": h.flag(), "救助金额(元)": strconv.Itoa(5000), "发放日期": today.AddDays(-s.paidBefore(h)).String(), "承办人": h.officer.Login,
			"村联系人": c.name, "村联系人电话": c.number, "家庭称呼": h.alias(),
		}})
	}
	return l
}

// live lets a household's life go on until a visit: mostly a step in one side of
// it, now and then a blow, and what is low comes back slowly.
func (s *simulation) live(h *household, today calendar.Date) {
	r := s.dice.roll("life", h.no, today)
	for i := range h.scores {
		switch u := r.Float64(); {
		case u < 0.02:
			h.scores[i]--
		case u < 0.10 || h.scores[i] < 2 && u < 0.6:
			h.scores[i]++
		}
	}
	if r.IntN(60) == 0 {
		h.scores[r.IntN(len(h.scores))] -= 2
	}
	for i := range h.scores {
		h.scores[i] = max(0, min(4, h.scores[i]))
	}
}

// seen is what an officer sees of it: a phone call shows neither housing nor care.
func (h *household) seen(home bool) condition.Scores {
	var scores condition.Scores
	for i, e := range condition.Scale() {
		if home || !e.HomeOnly {
			scores = scores.With(e.Domain, condition.ScoreOf(h.scores[i]))
		}
	}
	return scores
}

// low tells whether anything stands below 2.
func (h *household) low() bool {
	for _, points := range h.scores {
		if points < 2 {
			return true
		}
	}
	return false
}
