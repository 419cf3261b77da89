package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// The exit rule of domain 2: at least a year, the last two scored visits all at
// 2 or more, no red or amber for 90 days, nothing open.
const (
	exitMonths    = 12
	exitQuietDays = 90
	exitVisits    = 2
	exitScore     = 2
)

// ExitCondition is one condition of the exit rule, with what was found.
type ExitCondition struct {
	Condition string `json:"condition"` // twelve_months, last_two_visits, quiet_90_days, no_open_alert, no_open_referral
	Met       bool   `json:"met"`
	Value     string `json:"value"` // dates and counts that decided it
	Sentence  string `json:"sentence"`
	Chinese   string `json:"chinese"`
}

// Exit tells, condition by condition, whether a plan may be closed by the exit
// rule today. Officers and supervisors of the office may ask; the read goes into
// the audit.
func (l *Log) Exit(ctx context.Context, by Actor, id PlanID) ([]ExitCondition, error) {
	return read(ctx, l, by, func(tx txn) ([]ExitCondition, error) {
		p, err := l.readPlan(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if !by.may(p.office, ProposeClosing) {
			return nil, forbidden("only officers and supervisors of the office close its plans")
		}
		tx.audit(p.office, "exit_read", anyID(p.recipient), "")
		return l.exitConditions(ctx, tx, p)
	})
}

// unmet is the refusal that names every condition not met.
func unmet(conditions []ExitCondition) error {
	var probs problems
	for _, c := range conditions {
		if !c.Met {
			probs.add("exit."+c.Condition, reason{c.Sentence, c.Chinese})
		}
	}
	return probs.err()
}

func (l *Log) exitConditions(ctx context.Context, tx txn, p plan) ([]ExitCondition, error) {
	visits, err := l.lastVisits(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	open, quietSince, err := lastAlarm(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	referrals, err := openReferrals(ctx, tx, p.recipient)
	if err != nil {
		return nil, err
	}
	return []ExitCondition{twelveMonths(tx, p), lastTwoVisits(visits), quietDays(tx, quietSince), noneOpen("no_open_alert", open), noneOpen("no_open_referral", referrals)}, nil
}

func twelveMonths(tx txn, p plan) ExitCondition {
	c := ExitCondition{Condition: "twelve_months"}
	if p.startedOn.IsZero() {
		c.Sentence, c.Chinese = "the plan was never started", "方案尚未启动"
		return c
	}
	from := p.startedOn.AddMonths(exitMonths)
	c.Met, c.Value = !tx.today().Before(from), p.startedOn.String()
	c.Sentence = fmt.Sprintf("at least %d months of care: since %s, reached on %s", exitMonths, p.startedOn, from)
	c.Chinese = fmt.Sprintf("照护须满%d个月\uff1a自%s起\uff0c至%s届满", exitMonths, p.startedOn.Chinese(), from.Chinese())
	return c
}

// visit is a scored visit that counts: its day and its lowest score.
type visit struct {
	on     calendar.Date
	home   bool
	lowest int // with what a call carries from the home visit before it
	unseen int // domains that nobody has observed
}

// lastVisits are the last two assessments that count and are complete, of home
// visits and calls, each as it was last corrected and with what a call carries
// from the home visit before it (document 3). After a reopening only what came
// after counts: what was well before the event that reopened the plan proves nothing.
func (l *Log) lastVisits(ctx context.Context, tx txn, p plan) ([]visit, error) {
	k, err := l.household(ctx, tx, p.recipient)
	if err != nil {
		return nil, err
	}
	var visits []visit
	for _, a := range slices.Backward(k.assessments) {
		_, complete := a.Scores.Index()
		if !complete || !a.counts || len(visits) == exitVisits || (!p.reopenedOn.IsZero() && a.On.Before(p.reopenedOn)) {
			continue
		}
		v := visit{on: a.On, home: a.home, lowest: 4}
		for _, s := range a.Scores {
			if points, ok := s.Points(); ok {
				v.lowest = min(v.lowest, points)
			} else if s == condition.NotObserved {
				v.unseen++
			}
		}
		visits = append(visits, v)
	}
	return visits, nil
}

func lastTwoVisits(visits []visit) ExitCondition {
	c := ExitCondition{Condition: "last_two_visits", Met: len(visits) == exitVisits}
	var english, chinese []string
	home := false
	for _, v := range visits {
		c.Met, home = c.Met && v.lowest >= exitScore && v.unseen == 0, home || v.home
		english = append(english, fmt.Sprintf("%s lowest %d, %d domains not observed", v.on, v.lowest, v.unseen))
		chinese = append(chinese, fmt.Sprintf("%s最低%d分\uff08%d项未观察\uff09", v.on.Chinese(), v.lowest, v.unseen))
	}
	c.Met = c.Met && home
	c.Value = strings.Join(english, ", ")
	found, foundChinese := "none counts yet", "尚无有效评分"
	if len(visits) > 0 {
		found, foundChinese = c.Value, strings.Join(chinese, "\uff0c")
	}
	c.Sentence = fmt.Sprintf("the last %d scored visits, one of them at home, have every domain at %d or more: %s", exitVisits, exitScore, found)
	c.Chinese = fmt.Sprintf("最近%d次有效评分走访\uff08至少一次入户\uff09各项均须不低于%d分\uff1a%s", exitVisits, exitScore, foundChinese)
	return c
}

// lastAlarm counts the open alerts and tells the last day on which the household
// stood at red or amber: of an open one today. What was found false or was
// superseded by better knowledge never was.
func lastAlarm(ctx context.Context, tx txn, p plan) (open int, last calendar.Date, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state <> 'closed'),
			max(CASE WHEN state <> 'closed' THEN $2::date ELSE (closed_at AT TIME ZONE 'Asia/Shanghai')::date END)
				FILTER (WHERE level IN ('red', 'amber') AND (state <> 'closed' OR outcome = 'resolved'))
		FROM alerts WHERE recipient_id = $1`, p.recipient, tx.today()).Scan(&open, &last)
	if err != nil {
		return 0, last, fmt.Errorf("read the last alerts: %w", err)
	}
	if p.tier != "green" {
		last = tx.today()
	} else if p.tierSince.After(last) {
		last = p.tierSince
	}
	return open, last, nil
}

func quietDays(tx txn, last calendar.Date) ExitCondition {
	c := ExitCondition{Condition: "quiet_90_days", Met: true}
	if last.IsZero() {
		c.Sentence = fmt.Sprintf("no red or amber for %d days: there never was one", exitQuietDays)
		c.Chinese = fmt.Sprintf("%d日内须无红黄预警\uff1a从未有过", exitQuietDays)
		return c
	}
	c.Met, c.Value = !tx.today().Before(last.AddDays(exitQuietDays)), last.String()
	c.Sentence = fmt.Sprintf("no red or amber for %d days: the last was on %s", exitQuietDays, last)
	c.Chinese = fmt.Sprintf("%d日内须无红黄预警\uff1a最近一次为%s", exitQuietDays, last.Chinese())
	return c
}

func noneOpen(condition string, n int) ExitCondition {
	what := map[string][2]string{"no_open_alert": {"alert", "预警"}, "no_open_referral": {"referral", "转介"}}[condition]
	return ExitCondition{
		Condition: condition, Met: n == 0, Value: fmt.Sprint(n),
		Sentence: fmt.Sprintf("no %s is open: %d are", what[0], n),
		Chinese:  fmt.Sprintf("须无未结%s\uff1a现有%d件", what[1], n),
	}
}

// openReferrals counts the referrals nobody has decided yet.
func openReferrals(ctx context.Context, tx txn, recipient RecipientID) (int, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM referrals WHERE recipient_id = $1 AND state IN ('drafted', 'sent', 'acknowledged')", recipient).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count open referrals: %w", err)
	}
	return n, nil
}
