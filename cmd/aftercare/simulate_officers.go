package main

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// duty is an open check-in as an officer's list shows it.
type duty struct {
	id        carelog.CheckInID
	plan      carelog.PlanID
	recipient carelog.RecipientID
	officer   carelog.UserID
	key       string // of the household
	step      string
	n         int
	kind      schedule.Kind
	opens     calendar.Date
	due       calendar.Date
	state     string
	scored    bool
	asks      bool
	nextTry   calendar.Date
}

// duties is what stands open on a day, for all officers of an office in one look:
// asking the list verb for each of them would be most of what a simulation costs.
func (s *simulation) duties(ctx context.Context, o *simOffice, today calendar.Date) ([]duty, error) {
	rows, err := s.eyes.Query(ctx, `SELECT c.id, c.plan_id, c.recipient_id, p.officer_id, r.external_id, c.step, c.n, c.kind, c.opens, c.due, c.state, c.scored, c.asks_village, c.next_try_on
		FROM check_ins c JOIN care_plans p ON p.id = c.plan_id JOIN recipients r ON r.id = c.recipient_id
		WHERE c.office_id = $2 AND c.state IN ('planned', 'overdue', 'missed') AND c.opens <= $1 AND p.state IN ('active', 'closing') ORDER BY c.due, c.id`, today, o.id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d duty, err error) {
		err = row.Scan(&d.id, &d.plan, &d.recipient, &d.officer, &d.key, &d.step, &d.n, &d.kind, &d.opens, &d.due, &d.state, &d.scored, &d.asks, &d.nextTry)
		return d, err
	})
}

// visitsADay is how many check-ins an officer manages on a day.
const visitsADay = 12

// officersWork is an afternoon: each officer sees to what is due as is their way,
// then to the work the service handed them, then to plans that ask for a decision.
func (s *simulation) officersWork(ctx context.Context, office *simOffice, today calendar.Date) error {
	duties, err := s.duties(ctx, office, today)
	if err != nil {
		return err
	}
	done := map[carelog.UserID]int{}
	for _, d := range duties {
		o, h := s.officerOf(d.officer), s.byKey[d.key]
		if o == nil {
			continue
		}
		h.recipient = d.recipient
		if s.away(o, today) {
			// Whoever stands in does what has become urgent, and the rest waits.
			if o = o.deputy; o == nil || s.away(o, today) || today.Before(d.due.AddDays(1)) {
				continue
			}
		}
		if done[o.User] >= visitsADay {
			continue
		}
		if !s.turns(h, d, today) {
			if err := s.agree(ctx, o, h, d, today); err != nil {
				return err
			}
			continue
		}
		done[o.User]++
		if err := s.see(ctx, o, h, d, today); err != nil {
			return err
		}
	}
	for _, then := range []func(context.Context, *simOffice, calendar.Date) error{
		s.recordLeaves, s.correctMistakes, s.strikes, s.answerAlerts, s.followReferrals, s.settleTasks, s.decidePlans, s.headsWork,
	} {
		if err := then(ctx, office, today); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) officerOf(user carelog.UserID) *simOfficer {
	for _, o := range s.officers {
		if o.User == user {
			return o
		}
	}
	return nil
}

// turns tells whether an officer takes a check-in up today: most of them in time,
// some late, a few only after the supervisor heard of it. A village's answer is
// waited for until the day after it was due.
func (s *simulation) turns(h *household, d duty, today calendar.Date) bool {
	if !d.nextTry.IsZero() && d.nextTry.After(today) {
		return false
	}
	r := s.dice.roll("turn", h.no, d.step, d.n)
	wait := 0
	switch u := r.IntN(100); {
	case u < 72:
		wait = -r.IntN(4)
	case u < 90:
		wait = 1 + r.IntN(2)
	case u < 97:
		wait = 3 + r.IntN(7)
	default:
		wait = 8 + r.IntN(20)
	}
	if d.kind == schedule.Village && d.asks {
		wait = max(wait, 1)
	}
	return !today.Before(d.due.AddDays(wait))
}

func digitOf(r *rand.Rand) int {
	switch u := r.IntN(100); {
	case u < 92:
		return 1
	case u < 97:
		return 2
	default:
		return 3
	}
}

// outcome is whom an officer finds.
func (s *simulation) outcome(h *household, r *rand.Rand, today calendar.Date) string {
	came := func(day calendar.Date) bool { return !day.IsZero() && !today.Before(day) }
	switch {
	case came(h.diesOn):
		return "deceased"
	case came(h.movesOn):
		return "moved"
	case came(h.refuses):
		return "refused"
	case r.Float64() < h.reach:
		return "reached"
	}
	return []string{"no_answer", "no_answer", "away", "number_dead", "suspected_fraud"}[r.IntN(5)]
}

// chore is an open task.
type chore struct {
	id        carelog.TaskID
	kind      string
	opened    calendar.Date
	officer   carelog.UserID // of the open plan, if it is about one
	key       string
	recipient carelog.RecipientID
	checkIn   carelog.CheckInID
	plan      carelog.PlanID // the open one
	resting   bool           // it is paused, and nothing but time has to pass
}

// settleTasks has the officers see to their tasks within a few days; what belongs
// to nobody's plan is the head's.
func (s *simulation) settleTasks(ctx context.Context, office *simOffice, today calendar.Date) error {
	rows, err := s.eyes.Query(ctx, `SELECT t.id, t.kind, (t.opened_at AT TIME ZONE 'Asia/Shanghai')::date, p.officer_id, coalesce(r.external_id, ''), t.recipient_id, t.check_in_id, p.id, coalesce(p.state = 'paused' AND p.path = '' AND p.closing_path = '', false)
		FROM tasks t LEFT JOIN recipients r ON r.id = t.recipient_id LEFT JOIN care_plans p ON p.recipient_id = t.recipient_id AND p.state <> 'closed'
		WHERE t.state = 'open' AND t.opened_at < $1 AND t.office_id = $2 ORDER BY t.id`, s.clock.now(), office.id)
	if err != nil {
		return err
	}
	chores, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c chore, err error) {
		err = row.Scan(&c.id, &c.kind, &c.opened, &c.officer, &c.key, &c.recipient, &c.checkIn, &c.plan, &c.resting)
		return c, err
	})
	if err != nil {
		return err
	}
	for _, c := range chores {
		wait := s.dice.roll("task", c.id).IntN(4)
		if c.kind == "red_alert" || c.kind == "urgent_reply" || c.kind == "mandatory_report" {
			wait = 0
		}
		if today.Before(c.opened.AddDays(wait)) {
			continue
		}
		by, there := s.actsFor(office, c.officer, today)
		if !there {
			continue
		}
		if err := s.doChore(ctx, office, by, c); err != nil {
			return err
		}
	}
	return nil
}

// doChore does what a task asks for.
func (s *simulation) doChore(ctx context.Context, office *simOffice, by carelog.Actor, c chore) error {
	switch c.kind {
	case "tier_down_possible":
		return nil // the head's to decide
	case "visit_doubted":
		return s.did("ResolveTask", office.door.ResolveTask(ctx, office.head, c.id, "已向双方了解"))
	case "triage":
		err := office.door.ResolveTask(ctx, by, c.id, "已处理")
		if carelog.KindOf(err) == carelog.Forbidden { // what the village says of the officer's own visit
			err = office.door.ResolveTask(ctx, office.head, c.id, "已处理")
		}
		return s.did("ResolveTask", err)
	case "blind_scoring":
		return s.scoreBlind(ctx, office, c)
	case "death_review", "move_review", "refusal_review":
		return nil // decidePlans does what it asks for
	case "plan_review":
		if c.resting {
			_, err := office.door.StartPlan(ctx, by, c.plan)
			return s.did("StartPlan", err)
		}
		return s.did("ResolveTask", office.door.ResolveTask(ctx, by, c.id, "已处理"))
	case "mandatory_report":
		return s.reportChild(ctx, office, by, c)
	case "red_alert", "urgent_reply":
		if err := s.noteCall(ctx, office, by, c.recipient); err != nil {
			return err
		}
		return s.did("ResolveTask", office.door.ResolveTask(ctx, by, c.id, "已处理"))
	case "contact_change", "contact_missing":
		if err := s.nameAnother(ctx, office, by, c); err != nil {
			return err
		}
		fallthrough
	default:
		return s.did("ResolveTask", office.door.ResolveTask(ctx, by, c.id, "已处理"))
	}
}
