package carelog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Unit says what a figure counts. A case of 81 people is one case and 81 persons,
// and no figure is shown without saying which (L14, L20, L31).
type Unit string

// The units of the figures.
const (
	UnitAward     Unit = "award"     // 件: one payment decision for one person
	UnitPerson    Unit = "person"    // 人: a recipient, however many awards
	UnitHousehold Unit = "household" // 户: recipients who were joined are one
	UnitTownship  Unit = "township"
	UnitVillage   Unit = "village"
	UnitPlan      Unit = "plan"
	UnitCase      Unit = "case" // 案: one case file, however many people
	UnitClue      Unit = "clue"
	UnitMeeting   Unit = "meeting"
	UnitReferral  Unit = "referral"
	UnitFen       Unit = "fen"
)

// StatisticsFilter chooses what is counted. Zero fields: all of the reader's
// offices, the twelve months that end today.
type StatisticsFilter struct {
	Office OfficeID
	From   calendar.Date
	Until  calendar.Date // included
}

// Statistics are the figures of a period and of the same days a year before,
// counted from the records and from nothing else.
type Statistics struct {
	From       calendar.Date     `json:"from"`
	Until      calendar.Date     `json:"until"`
	PriorFrom  calendar.Date     `json:"prior_from"`
	PriorUntil calendar.Date     `json:"prior_until"`
	Figures    []Figure          `json:"figures" nullable:"false"`
	Tables     []StatisticsTable `json:"tables" nullable:"false"`
}

// Figure is a number with its unit and, where it is a part, what it is a part of.
type Figure struct {
	Key            string `json:"key"`
	Value          int64  `json:"value"`
	Unit           Unit   `json:"unit"`
	Of             *int64 `json:"of,omitempty" doc:"The denominator, in of_unit"`
	OfUnit         Unit   `json:"of_unit,omitempty"`
	Prior          int64  `json:"prior" doc:"In the same days a year before"`
	Change         int64  `json:"change"`
	ChangePermille *int64 `json:"change_permille,omitempty" doc:"Rounded half away from zero; absent where the year before had none"`
}

// StatisticsTable divides a number by something the records say.
type StatisticsTable struct {
	Key    string          `json:"key"`
	Unit   Unit            `json:"unit"`
	Of     int64           `json:"of" doc:"The denominator: how many there are in all"`
	Prior  int64           `json:"prior"`
	AddsUp bool            `json:"adds_up" doc:"False where one counts in several rows"`
	Rows   []StatisticsRow `json:"rows" nullable:"false"`
}

// StatisticsRow is one part. Fen is what was awarded, in the tables of awards;
// Granted how many of the referrals were granted, in the table of measures; Persons
// how many people the cases are about, in the table of cases.
type StatisticsRow struct {
	Key     string `json:"key" doc:"A listed value or a name, as the table says; empty: not recorded"`
	Count   int64  `json:"count"`
	Prior   int64  `json:"prior"`
	Fen     int64  `json:"fen,omitempty"`
	Granted int64  `json:"granted,omitempty"`
	Persons int64  `json:"persons,omitempty"`
}

// longestPeriod bounds what one question counts.
const longestPeriod = 366 * 5

// Statistics counts awards, persons, households and what was done for them.
// Whoever may count plans may ask, of their offices; numbers only. Invalid where
// the period is upside down or longer than five years.
func (l *Log) Statistics(ctx context.Context, by Actor, f StatisticsFilter) (Statistics, error) {
	if !by.Holds(CountPlans) {
		return Statistics{}, forbidden("only officers, supervisors and programs read statistics")
	}
	if !f.Office.IsZero() && !by.may(f.Office, CountPlans) {
		return Statistics{}, forbidden("not an office of yours")
	}
	return read(ctx, l, by, func(tx txn) (Statistics, error) {
		s, err := f.period(tx.today())
		if err != nil {
			return s, err
		}
		c := counter{tx: tx, all: by.Kind == System && f.Office.IsZero(), offices: by.officesFor(CountPlans), s: &s}
		if !f.Office.IsZero() {
			c.offices = []OfficeID{f.Office}
		}
		if err := c.figures(ctx); err != nil {
			return s, err
		}
		if err := c.cases(ctx); err != nil {
			return s, err
		}
		for _, d := range dimensions {
			if err := c.table(ctx, d); err != nil {
				return s, err
			}
		}
		return s, nil
	})
}

// period settles the days, and those a year before.
func (f StatisticsFilter) period(today calendar.Date) (Statistics, error) {
	s := Statistics{From: f.From, Until: f.Until, Figures: []Figure{}, Tables: []StatisticsTable{}}
	if s.Until.IsZero() {
		s.Until = today
	}
	if s.From.IsZero() {
		s.From = s.Until.AddMonths(-12).AddDays(1)
	}
	var probs problems
	switch days := s.Until.Sub(s.From); {
	case days < 0:
		probs.add("until", endsBeforeItBegins)
	case days > longestPeriod:
		probs.add("from", isTooLongAPeriod)
	}
	s.PriorFrom, s.PriorUntil = s.From.AddMonths(-12), s.Until.AddMonths(-12)
	return s, probs.err()
}

// counter counts within the reader's offices.
type counter struct {
	tx      txn
	all     bool
	offices []OfficeID
	s       *Statistics
}

func (c counter) args() []any {
	return []any{c.all, c.offices, c.s.From, c.s.Until, c.s.PriorFrom, c.s.PriorUntil}
}

// household is whom a recipient is counted with.
const household = "coalesce((SELECT h.household_id FROM household_links h WHERE h.recipient_id = r.id), r.id)"

const (
	fromAwards = `FROM aid_awards a JOIN recipients r ON r.id = a.recipient_id LEFT JOIN villages v ON v.id = r.village_id
		WHERE ($1 OR r.office_id = ANY ($2)) AND (a.paid_on BETWEEN $3 AND $4 OR a.paid_on BETWEEN $5 AND $6)`
	fromPlans = `FROM care_plans p JOIN recipients r ON r.id = p.recipient_id JOIN aid_awards a ON a.recipient_id = r.id JOIN plan_templates t ON t.id = p.template_id
		WHERE ($1 OR p.office_id = ANY ($2)) AND (a.paid_on BETWEEN $3 AND $4 OR a.paid_on BETWEEN $5 AND $6)`
	fromReferrals = `FROM referrals f WHERE ($1 OR f.office_id = ANY ($2)) AND f.sent_at IS NOT NULL
		AND (f.sent_at >= $3::date::timestamp AT TIME ZONE 'Asia/Shanghai' AND f.sent_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
			OR f.sent_at >= $5::date::timestamp AT TIME ZONE 'Asia/Shanghai' AND f.sent_at < ($6::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai')`
	fromTags = `FROM aid_awards a JOIN recipients r ON r.id = a.recipient_id CROSS JOIN LATERAL unnest(a.tags) AS tagged (tag)
		WHERE ($1 OR r.office_id = ANY ($2)) AND (a.paid_on BETWEEN $3 AND $4 OR a.paid_on BETWEEN $5 AND $6)`
	fromSources = `FROM aid_sources s JOIN aid_awards a ON a.id = s.award_id JOIN recipients r ON r.id = a.recipient_id
		WHERE ($1 OR r.office_id = ANY ($2)) AND (a.paid_on BETWEEN $3 AND $4 OR a.paid_on BETWEEN $5 AND $6)`
	fromGroups = `FROM aid_awards a JOIN recipients r ON r.id = a.recipient_id JOIN case_groups g ON g.id = a.group_id
		WHERE ($1 OR r.office_id = ANY ($2)) AND (a.paid_on BETWEEN $3 AND $4 OR a.paid_on BETWEEN $5 AND $6)`
	fromClues = `FROM clues c LEFT JOIN departments d ON d.id = c.from_department LEFT JOIN partners p ON p.id = c.from_partner
		WHERE ($1 OR c.office_id = ANY ($2)) AND c.state <> 'merged' AND (c.received_on BETWEEN $3 AND $4 OR c.received_on BETWEEN $5 AND $6)`
	fromCases = `FROM aid_cases c LEFT JOIN partners p ON p.id = c.from_partner
		WHERE ($1 OR c.office_id = ANY ($2)) AND (c.opened_on BETWEEN $3 AND $4 OR c.opened_on BETWEEN $5 AND $6)`
	now, prior               = "a.paid_on BETWEEN $3 AND $4", "a.paid_on BETWEEN $5 AND $6"
	referredNow              = "f.sent_at >= $3::date::timestamp AT TIME ZONE 'Asia/Shanghai' AND f.sent_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"
	noFen, noGrant, noPeople = "0::bigint", "0::bigint", "0::bigint"
	fenOfAwards              = "coalesce(sum(a.total_fen) FILTER (WHERE " + now + "), 0)::bigint"
	grantedReferrals         = "count(*) FILTER (WHERE f.decided_on IS NOT NULL AND f.state IN ('granted', 'lapsed') AND " + referredNow + ")"
	everyAward, everyVillage = "a.id", "r.village_id"
)

// dimension is one table: what divides, what is counted, and where from.
type dimension struct {
	key    string
	unit   Unit
	by     string // SQL of the row's key
	counts string // SQL of what is counted, each once
	from   string
	now    string // SQL: belongs to the period; whatever else was selected belongs to the year before
	fen    string
	grants string
	people string
}

var dimensions = []dimension{
	{"origin", UnitAward, "a.origin", everyAward, fromAwards, now, fenOfAwards, noGrant, noPeople},
	{"source_department", UnitAward, "a.source_department", everyAward, fromAwards, now, fenOfAwards, noGrant, noPeople},
	{"case_stage", UnitAward, "a.case_stage", everyAward, fromAwards, now, fenOfAwards, noGrant, noPeople},
	{"township", UnitHousehold, "coalesce(v.township, '')", household, fromAwards, now, fenOfAwards, noGrant, noPeople},
	{"village", UnitHousehold, "coalesce(v.township || ' ' || v.name, '')", household, fromAwards, now, fenOfAwards, noGrant, noPeople},
	{"template", UnitPlan, "t.key", "p.id", fromPlans, now, noFen, noGrant, noPeople},
	{"tier", UnitPlan, "p.tier", "p.id", fromPlans, now, noFen, noGrant, noPeople},
	{"tag", UnitAward, "tagged.tag", everyAward, fromTags, now, fenOfAwards, noGrant, noPeople},
	{"group", UnitHousehold, "g.key", household, fromGroups, now, fenOfAwards, noGrant, noPeople},
	{"aid_source", UnitAward, "s.source", everyAward, fromSources, now, "coalesce(sum(s.amount_fen) FILTER (WHERE " + now + "), 0)::bigint", noGrant, noPeople},
	{"clue_source", UnitClue, "coalesce(p.name, d.name, '')", "c.id", fromClues, "c.received_on BETWEEN $3 AND $4", noFen, noGrant, noPeople},
	{"case_source", UnitCase, "coalesce(p.name, '')", "c.id", fromCases, "c.opened_on BETWEEN $3 AND $4", noFen, noGrant, "coalesce(sum(c.persons) FILTER (WHERE c.opened_on BETWEEN $3 AND $4), 0)::bigint"},
	{"measure", UnitReferral, "f.measure", "f.id", fromReferrals, referredNow, noFen, grantedReferrals, noPeople},
}

// figures counts the headline numbers.
func (c counter) figures(ctx context.Context) error {
	var n, before struct{ awards, persons, households, townships, villages, fen, officio int64 }
	columns := func(in string) string {
		return strings.ReplaceAll(`count(*) FILTER (WHERE ?), count(DISTINCT r.id) FILTER (WHERE ?), count(DISTINCT `+household+`) FILTER (WHERE ?),
			count(DISTINCT v.township) FILTER (WHERE ?), count(DISTINCT v.id) FILTER (WHERE ?), coalesce(sum(a.total_fen) FILTER (WHERE ?), 0)::bigint,
			count(*) FILTER (WHERE ? AND a.origin = 'ex_officio')`, "?", in)
	}
	err := c.tx.QueryRow(ctx, "SELECT "+columns(now)+", "+columns(prior)+" "+fromAwards, c.args()...).
		Scan(&n.awards, &n.persons, &n.households, &n.townships, &n.villages, &n.fen, &n.officio,
			&before.awards, &before.persons, &before.households, &before.townships, &before.villages, &before.fen, &before.officio)
	if err != nil {
		return fmt.Errorf("count awards: %w", err)
	}
	c.s.Figures = append(c.s.Figures,
		figure("awards", UnitAward, n.awards, before.awards),
		figure("recipients", UnitPerson, n.persons, before.persons),
		figure("households", UnitHousehold, n.households, before.households),
		figure("townships", UnitTownship, n.townships, before.townships),
		figure("villages", UnitVillage, n.villages, before.villages),
		figure("paid", UnitFen, n.fen, before.fen),
		figure("ex_officio", UnitAward, n.officio, before.officio).of(n.awards, UnitAward))
	return nil
}

func figure(key string, unit Unit, value, prior int64) Figure {
	f := Figure{Key: key, Value: value, Unit: unit, Prior: prior, Change: value - prior}
	if prior > 0 {
		// Half away from zero: 110.78 % is 1108, a fall of 110.78 % -1108.
		permille := (abs(f.Change)*2000 + prior) / (2 * prior)
		if f.Change < 0 {
			permille = -permille
		}
		f.ChangePermille = &permille
	}
	return f
}

func abs(n int64) int64 { return max(n, -n) }

func (f Figure) of(n int64, unit Unit) Figure {
	f.Of, f.OfUnit = &n, unit
	return f
}

// cases counts case files, the people they are about, and clues. They are units of
// their own: 81 people in one case are neither 81 cases nor 81 awards (L31).
func (c counter) cases(ctx context.Context) error {
	var n, before struct{ cases, persons, clues, outside int64 }
	args := c.args()
	err := c.tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE opened_on BETWEEN $3 AND $4), coalesce(sum(persons) FILTER (WHERE opened_on BETWEEN $3 AND $4), 0)::bigint,
			count(*) FILTER (WHERE opened_on BETWEEN $5 AND $6), coalesce(sum(persons) FILTER (WHERE opened_on BETWEEN $5 AND $6), 0)::bigint
		FROM aid_cases WHERE $1 OR office_id = ANY ($2)`, args...).Scan(&n.cases, &n.persons, &before.cases, &before.persons)
	if err != nil {
		return fmt.Errorf("count cases: %w", err)
	}
	err = c.tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE received_on BETWEEN $3 AND $4), count(from_partner) FILTER (WHERE received_on BETWEEN $3 AND $4),
			count(*) FILTER (WHERE received_on BETWEEN $5 AND $6), count(from_partner) FILTER (WHERE received_on BETWEEN $5 AND $6)
		FROM clues WHERE state <> 'merged' AND ($1 OR office_id = ANY ($2))`, args...).Scan(&n.clues, &n.outside, &before.clues, &before.outside)
	if err != nil {
		return fmt.Errorf("count clues: %w", err)
	}
	var met, metBefore int64
	err = c.tx.QueryRow(ctx, "SELECT count(*) FILTER (WHERE held_on BETWEEN $3 AND $4), count(*) FILTER (WHERE held_on BETWEEN $5 AND $6) FROM meetings WHERE $1 OR office_id = ANY ($2)", args...).
		Scan(&met, &metBefore)
	if err != nil {
		return fmt.Errorf("count meetings: %w", err)
	}
	c.s.Figures = append(c.s.Figures,
		figure("meetings", UnitMeeting, met, metBefore),
		figure("cases", UnitCase, n.cases, before.cases),
		figure("persons_in_cases", UnitPerson, n.persons, before.persons),
		figure("clues", UnitClue, n.clues, before.clues),
		figure("clues_from_partners", UnitClue, n.outside, before.outside).of(n.clues, UnitClue))
	return nil
}

// table counts by one dimension, the most frequent first.
func (c counter) table(ctx context.Context, d dimension) error {
	t := StatisticsTable{Key: d.key, Unit: d.unit, Rows: []StatisticsRow{}}
	in := fmt.Sprintf("count(DISTINCT %s) FILTER (WHERE %s)", d.counts, d.now)
	before := fmt.Sprintf("count(DISTINCT %s) FILTER (WHERE NOT (%s))", d.counts, d.now)
	rows, err := c.tx.Query(ctx, fmt.Sprintf(`SELECT GROUPING(%[1]s) = 1, coalesce(%[1]s, ''), %[2]s AS counted, %[3]s, %[4]s, %[5]s, %[7]s %[6]s
		GROUP BY GROUPING SETS ((%[1]s), ()) ORDER BY 1, counted DESC, 2`, d.by, in, before, d.fen, d.grants, d.from, d.people), c.args()...)
	if err != nil {
		return fmt.Errorf("count by %s: %w", d.key, err)
	}
	var sum int64
	var total bool
	var r StatisticsRow
	_, err = pgx.ForEachRow(rows, []any{&total, &r.Key, &r.Count, &r.Prior, &r.Fen, &r.Granted, &r.Persons}, func() error {
		if total {
			t.Of, t.Prior = r.Count, r.Prior
			return nil
		}
		sum += r.Count
		t.Rows = append(t.Rows, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("count by %s: %w", d.key, err)
	}
	t.AddsUp = sum == t.Of
	c.s.Tables = append(c.s.Tables, t)
	return nil
}
