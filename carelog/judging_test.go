package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// scores are ten digits, N or X, D1 to D10.
func scores(t testing.TB, text string) condition.Scores {
	t.Helper()
	var s condition.Scores
	for i, d := range condition.Domains() {
		score, err := condition.ParseScore(text[i : i+1])
		require.NoError(t, err)
		s = s.With(d, score)
	}
	return s
}

// visit records a home visit of a step that reached the household.
func (c *county) visit(id carelog.RecipientID, step, text string) carelog.Recorded {
	c.t.Helper()
	done, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(id, step).ID, carelog.CheckInRecord{
		Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(c.t, text),
	})
	require.NoError(c.t, err)
	return done
}

// judged are the hits of a recipient as "R1 red", oldest first; a mark says which
// were settled or superseded. It reads as whoever recorded the visits: from the
// supervisor they may be withheld, who scores one visit in twenty blind.
func (c *county) judged(id carelog.RecipientID) []string {
	c.t.Helper()
	found, err := c.app.Judgements(c.ctx(), c.officer, id)
	require.NoError(c.t, err)
	lines := []string{}
	for i := len(found.Judgements) - 1; i >= 0; i-- {
		j := found.Judgements[i]
		line := j.Rule + " " + string(j.Level)
		if j.SettledAt != nil {
			line += " settled"
		}
		if j.SupersededAt != nil {
			line += " superseded"
		}
		lines = append(lines, line)
	}
	return lines
}

// alerts are the recipient's alerts of a state as "R1 red", by rule.
func (c *county) alerts(id carelog.RecipientID, where string) []string {
	c.t.Helper()
	rows, err := c.pool.Query(c.ctx(), "SELECT rule || ' ' || level FROM alerts WHERE recipient_id = $1 AND "+where+" ORDER BY rule, opened_at", id)
	require.NoError(c.t, err)
	defer rows.Close()
	lines := []string{}
	for rows.Next() {
		var line string
		require.NoError(c.t, rows.Scan(&line))
		lines = append(lines, line)
	}
	require.NoError(c.t, rows.Err())
	return lines
}

func (c *county) tier(id carelog.RecipientID) string {
	c.t.Helper()
	found, err := c.app.Judgements(c.ctx(), c.officer, id)
	require.NoError(c.t, err)
	return found.Tier
}

const openAlert = "state <> 'closed'"

// visited is a county whose one recipient was visited for the baseline.
func visited(t *testing.T, baseline string) (*county, carelog.Enrolled) {
	t.Helper()
	c := newCounty(t)
	made := c.enrol("A-1", 74)
	c.visit(made.Recipient, "baseline", baseline)
	c.send()
	c.clock.set(calendar.New(2026, time.December, 10).At(9, 0))
	return c, made
}

func TestJudging(t *testing.T) {
	t.Parallel()

	t.Run("ASteepFallIsRedOnceAndTextsTheOfficerOnce", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		require.Empty(t, c.judged(made.Recipient))
		c.send()
		c.visit(made.Recipient, "month-3", "3033333333")
		require.Equal(t, []string{"R1 red", "R3 red"}, c.judged(made.Recipient))
		require.Equal(t, []string{"R1 red", "R3 red"}, c.alerts(made.Recipient, openAlert))
		red := 0
		for _, out := range to(c.send(), officerPhone) {
			if strings.Contains(out.Text, "红色预警") {
				red++
			}
		}
		require.Equal(t, 1, red, "one visit is one text")
		require.Equal(t, 1, c.tasks("red_alert"))
		require.Equal(t, "red", c.tier(made.Recipient))
		require.Contains(t, c.kinds(made.Recipient), "tier_raised")
		require.Equal(t, 2, c.count("SELECT count(*) FROM alerts WHERE act_by = $1", c.clock.now().Add(24*time.Hour)))
		c.keeps()
	})

	t.Run("AnAmberHitTextsTheWorkingDaysThereAre", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "4444444444")
		c.send()
		c.visit(made.Recipient, "month-3", "4244444444")
		require.Equal(t, []string{"R4 amber"}, c.judged(made.Recipient))
		texts := to(c.send(), officerPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "黄色预警")
		require.Contains(t, texts[0].Text, "3个工作日内")
		require.Equal(t, "amber", c.tier(made.Recipient))
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE act_by = $1", calendar.New(2026, time.December, 16).At(0, 0)))
		c.keeps()
	})

	t.Run("ThreeFallsAndALowerIndexAndAStuckDomainAreAmber", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "4444144444")
		c.visit(made.Recipient, "month-3", "3333144444")
		require.Equal(t, []string{"R13 amber", "R5 amber", "R7 amber"}, sorted(c.judged(made.Recipient)))
		c.keeps()
	})

	t.Run("TheSecondFallOfADomainIsAmber", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		c.visit(made.Recipient, "month-3", "3333332333")
		require.Empty(t, c.judged(made.Recipient))
		c.later(90 * 24 * time.Hour)
		_, err := c.work.RollCheckIns(c.ctx(), 10)
		require.NoError(t, err)
		c.scored(made.Recipient, "33N3N31333")
		require.Equal(t, []string{"R6 amber"}, c.judged(made.Recipient), "the call carries housing and care from the visit")
	})

	t.Run("WhatAPersonResolvedIsNotRaisedAgainByTheSameFacts", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3033333333")
		c.resolve("red_alert")
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		done := c.village(made.Recipient)
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "village_answer", CheckIn: done.ID, Digit: 3})
		require.NoError(t, err)
		require.Equal(t, []string{"R1 red"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert), "judged again, and nothing is new")
		c.keeps()
	})

	t.Run("TheVillageSayingFineAboutALowScoreIsANoticeToTheSupervisor", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333133333")
		c.clock.set(tuesday.AddDate(0, 0, 10))
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "village_answer", CheckIn: c.village(made.Recipient).ID, Digit: 1})
		require.NoError(t, err)
		require.Equal(t, []string{"R14 notice"}, c.judged(made.Recipient))
		require.Equal(t, []string{"R14 notice"}, c.alerts(made.Recipient, openAlert))
		require.Equal(t, "green", c.tier(made.Recipient), "a notice is no tier")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'officer_alert'"))
		c.keeps()
	})

	t.Run("NobodySeenTwiceIsAHomeVisitAndEndsWhenSomebodyIsReached", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		for day := range 3 {
			c.clock.set(calendar.New(2026, time.December, 8+day).At(10, 0))
			_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-6-phone").ID, carelog.CheckInRecord{Outcome: "no_answer"})
			require.NoError(t, err)
			require.Equal(t, day == 2, len(c.judged(made.Recipient)) > 0)
		}
		require.Equal(t, []string{"R9 amber"}, c.judged(made.Recipient))
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE kind = 'home' AND state IN ('planned', 'overdue', 'missed') AND opens <= $1 AND due <= $2",
			calendar.New(2026, time.December, 10), calendar.New(2026, time.December, 14)), "one visit to make, whichever step it is of")
		_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "phone", carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.NoError(t, err)
		require.Equal(t, []string{"R9 amber settled"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		require.Equal(t, []string{"R9 amber"}, c.alerts(made.Recipient, "outcome = 'resolved'"))
		require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE step = 'missed-home' AND state = 'planned'"))
		require.Zero(t, c.tasks("home_visit"))
		require.Equal(t, "amber", c.tier(made.Recipient), "a tier goes down by a person only")
		c.keeps()
	})

	t.Run("DifficultyIsAnsweredWhenTheOfficerReachesThem", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 2")
		require.Equal(t, []string{"R8 amber"}, c.judged(made.Recipient))
		c.reply(contactPhone, code+" 2")
		require.Equal(t, []string{"R8 amber"}, c.judged(made.Recipient), "told twice is one difficulty")
		c.later(time.Hour)
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-6-phone").ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.NoError(t, err)
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		require.Zero(t, c.tasks("phone_household"))
		c.later(time.Hour)
		c.reply(contactPhone, code+" 2")
		require.Equal(t, []string{"R8 amber settled", "R8 amber"}, c.judged(made.Recipient), "told anew it is a new one")
		require.Equal(t, 1, c.tasks("phone_household"))
		c.keeps()
	})

	t.Run("EveryStoredHitJudgedAgainIsTheSame", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "4444444444")
		c.visit(made.Recipient, "month-3", "0114333333")
		found, err := c.app.Judgements(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(found.Judgements), 4)
		for _, j := range found.Judgements {
			again, holds := condition.Hit{Rule: j.Rule, Version: j.Version, Inputs: j.Inputs}.Again()
			require.True(t, holds, j.Rule)
			zh, en := condition.Explain(again)
			require.Equal(t, []string{zh, en}, []string{j.Chinese, j.English})
		}
	})

	t.Run("AnotherOfficeReadsNoJudgement", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3033333333")
		other := c.addOffice("370324", "邻县人民检察院", carelog.OfficeID{})
		stranger := c.addUser(other, "sun", "+8615400000203", carelog.Officer, carelog.Supervisor)
		_, err := c.app.Judgements(c.ctx(), stranger, made.Recipient)
		require.ErrorContains(t, err, "recipient")
		_, err = c.app.DecideTier(c.ctx(), stranger, made.Plan, "red", "x")
		require.Error(t, err)
	})
}

func sorted(lines []string) []string {
	out := append([]string{}, lines...)
	for i := range out {
		for j := i + 1; j < len(out); j++ {
			if out[j] < out[i] {
				out[i], out[j] = out[j], out[i]
			}
		}
	}
	return out
}

// scored records a scored call or visit of the kind that an officer's next open check-in is of.
func (c *county) scored(id carelog.RecipientID, text string) carelog.Recorded {
	c.t.Helper()
	_, err := c.work.RollCheckIns(c.ctx(), 10)
	require.NoError(c.t, err)
	for _, check := range c.checkIns(id, "open") {
		if check.Kind == "village" {
			continue
		}
		done, err := c.app.NoteVisit(c.ctx(), c.officer, id, check.Kind, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(c.t, text)})
		require.NoError(c.t, err)
		return done
	}
	c.t.Fatal("no open check-in of an officer")
	return carelog.Recorded{}
}

// resolve settles the open tasks of a kind, after a call.
func (c *county) resolve(kind string) {
	c.t.Helper()
	tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 100})
	require.NoError(c.t, err)
	for _, task := range tasks {
		if task.Kind == kind {
			c.later(time.Second)
			_, err := c.app.NoteContact(c.ctx(), c.officer, task.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "已通话"})
			require.NoError(c.t, err)
			require.NoError(c.t, c.app.ResolveTask(c.ctx(), c.officer, task.ID, "已上门"))
		}
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()

	// twoCalm brings a household to red and then through two calm visits.
	twoCalm := func(t *testing.T, days int) (*county, carelog.Enrolled) {
		t.Helper()
		c, made := visited(t, "3333333333")
		c.visit(made.Recipient, "month-3", "3033333333")
		c.resolve("red_alert")
		c.later(40 * 24 * time.Hour)
		c.scored(made.Recipient, "33N3N33333")
		c.later(time.Duration(days) * 24 * time.Hour)
		c.scored(made.Recipient, "33N3N33333")
		return c, made
	}

	t.Run("AreOfferedDownAfterTwoCalmAssessments", func(t *testing.T) {
		t.Parallel()
		c, made := twoCalm(t, 30)
		require.Equal(t, "red", c.tier(made.Recipient), "nobody is looked after less by itself")
		require.Equal(t, 1, c.tasks("tier_down_possible"))
		_, err := c.app.DecideTier(c.ctx(), c.officer, made.Plan, "green", "两次评估稳定")
		require.ErrorContains(t, err, "a supervisor has to decide")
		_, err = c.app.DecideTier(c.ctx(), c.boss, made.Plan, "green", " ")
		require.Error(t, err)
		now, err := c.app.DecideTier(c.ctx(), c.boss, made.Plan, "green", "两次评估稳定")
		require.NoError(t, err)
		require.Equal(t, "green", now.Tier)
		require.Equal(t, "green", c.tier(made.Recipient))
		require.Zero(t, c.tasks("tier_down_possible"))
		require.Contains(t, c.kinds(made.Recipient), "tier_lowered")
		c.keeps()
	})

	t.Run("StayWhileTheCalmIsTooShort", func(t *testing.T) {
		t.Parallel()
		c, made := twoCalm(t, 29)
		require.Zero(t, c.tasks("tier_down_possible"))
		_, err := c.app.ProposeTierDown(c.ctx(), c.officer, made.Plan, "green", "好转")
		require.ErrorContains(t, err, "two assessments at least 30 days apart")
		_, err = c.app.DecideTier(c.ctx(), c.boss, made.Plan, "green", "好转")
		require.ErrorContains(t, err, "nobody has proposed")
	})

	t.Run("AreNotDecidedByWhoProposed", func(t *testing.T) {
		t.Parallel()
		c, made := twoCalm(t, 30)
		_, err := c.app.ProposeTierDown(c.ctx(), c.boss, made.Plan, "amber", "好转")
		require.NoError(t, err)
		_, err = c.app.DecideTier(c.ctx(), c.boss, made.Plan, "amber", "好转")
		require.ErrorContains(t, err, "may not decide")
		second := c.addUser(c.office, "qian", "+8615400000204", carelog.Supervisor)
		_, err = c.app.DecideTier(c.ctx(), second, made.Plan, "green", "好转")
		require.ErrorContains(t, err, "only the tier amber is proposed")
		now, err := c.app.DecideTier(c.ctx(), second, made.Plan, "amber", "好转")
		require.NoError(t, err)
		require.Equal(t, "amber", now.Tier)
		require.Equal(t, 1, c.count("SELECT count(*) FROM tier_changes WHERE state = 'made' AND decided_by <> proposed_by"))
	})

	t.Run("StayWhenASupervisorRefusesUntilSomethingIsScored", func(t *testing.T) {
		t.Parallel()
		c, made := twoCalm(t, 30)
		_, err := c.app.DecideTier(c.ctx(), c.boss, made.Plan, "red", "再看一次")
		require.NoError(t, err)
		require.Contains(t, c.kinds(made.Recipient), "tier_kept")
		require.Zero(t, c.tasks("tier_down_possible"))
		_, err = c.app.DecideTier(c.ctx(), c.boss, made.Plan, "green", "好转")
		require.ErrorContains(t, err, "nobody has proposed")
		c.later(40 * 24 * time.Hour)
		_, err = c.work.RollCheckIns(c.ctx(), 10)
		require.NoError(t, err)
		c.scored(made.Recipient, "33N3N33333")
		require.Equal(t, 1, c.tasks("tier_down_possible"))
	})

	t.Run("RiseByHandWithAReason", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		_, err := c.app.DecideTier(c.ctx(), c.officer, made.Plan, "amber", "")
		require.Error(t, err)
		now, err := c.app.DecideTier(c.ctx(), c.officer, made.Plan, "amber", "家中老人独居")
		require.NoError(t, err)
		require.Equal(t, calendar.Of(c.clock.now()), now.Since)
		_, err = c.app.ProposeTierDown(c.ctx(), c.officer, made.Plan, "green", "弄错了")
		require.ErrorContains(t, err, "two assessments")
		c.keeps()
	})
}
