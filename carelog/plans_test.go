package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// fit makes a plan one that the exit rule lets go: more than a year old, its
// last two scored visits well.
func (c *county) fit(plan carelog.PlanID) {
	c.t.Helper()
	c.exec("UPDATE care_plans SET started_on = started_on - 400 WHERE id = $1", plan)
	c.scoredVisit(plan, 120, 2)
	c.scoredVisit(plan, 20, 2)
}

// scoredVisit is an unplanned home visit so many days ago that counted, every domain at a score.
func (c *county) scoredVisit(plan carelog.PlanID, daysAgo, score int) {
	c.t.Helper()
	at := c.clock.now().AddDate(0, 0, -daysAgo)
	c.exec(`WITH about AS (SELECT recipient_id FROM care_plans WHERE id = $1),
		record AS (INSERT INTO check_in_records (id, recipient_id, kind, outcome, occurred_at, recorded_at, late)
			SELECT gen_random_uuid(), recipient_id, 'home', 'reached', $2, $2, false FROM about RETURNING id)
		INSERT INTO assessments (id, recipient_id, record_id, kind, occurred_at, recorded_at, scores, index, complete, counts)
		SELECT gen_random_uuid(), about.recipient_id, record.id, 'home', $2, $2, array_fill($3::smallint, ARRAY[10]), $3 * 25, true, true FROM about, record`,
		plan, at, score)
}

// closed takes a plan through a closing by two people.
func (c *county) closed(made carelog.Enrolled) {
	c.t.Helper()
	c.fit(made.Plan)
	_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
	require.NoError(c.t, err)
	plan, err := c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "同意")
	require.NoError(c.t, err)
	require.Equal(c.t, "closed", plan.State)
}

// unmet are the conditions of the exit rule that a refusal names.
func unmet(t *testing.T, err error) []string {
	t.Helper()
	require.Equal(t, carelog.Invalid, carelog.KindOf(err), "%v", err)
	var fields []string
	for _, f := range err.(*carelog.Error).Fields {
		require.NotEmpty(t, f.Chinese)
		fields = append(fields, f.Field)
	}
	return fields
}

func TestExitRule(t *testing.T) {
	t.Parallel()

	t.Run("NamesEveryConditionThatIsNotMet", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.exec(`INSERT INTO alerts (id, office_id, recipient_id, plan_id, rule, rule_version, level, cause, opened_at)
			VALUES (gen_random_uuid(), $1, $2, $3, 'R2', 1, 'amber', 'x', $4)`, c.office, made.Recipient, made.Plan, tuesday)
		_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
		require.Equal(t, []string{"exit.twelve_months", "exit.last_two_visits", "exit.quiet_90_days", "exit.no_open_alert"}, unmet(t, err))
		conditions, err := c.app.Exit(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.Len(t, conditions, 5)
		require.Equal(t, "2026-11-24", conditions[0].Value)
		require.True(t, conditions[4].Met)
		require.NotContains(t, c.kinds(made.Recipient), "plan_closing_proposed")
	})

	for name, spoil := range map[string]struct {
		condition string
		by        func(c *county, made carelog.Enrolled)
	}{
		"OneDomainBelowTwo":     {"exit.last_two_visits", func(c *county, made carelog.Enrolled) { c.scoredVisit(made.Plan, 1, 1) }},
		"OneDayShortOfAYear":    {"exit.twelve_months", func(c *county, made carelog.Enrolled) { c.exec("UPDATE care_plans SET started_on = '2025-11-25'") }},
		"AnAlertEndedLastMonth": {"exit.quiet_90_days", func(c *county, made carelog.Enrolled) { c.endedAlert(made, 30, "resolved") }},
		"AmberToday":            {"exit.quiet_90_days", func(c *county, made carelog.Enrolled) { c.exec("UPDATE care_plans SET tier = 'amber'") }},
		"GreenSinceLastMonth":   {"exit.quiet_90_days", func(c *county, made carelog.Enrolled) { c.exec("UPDATE care_plans SET tier_since = '2026-10-24'") }},
	} {
		t.Run("HoldsBack/"+name, func(t *testing.T) {
			t.Parallel()
			c := newCounty(t)
			made := c.enrol("A-1", 3)
			c.fit(made.Plan)
			spoil.by(c, made)
			_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
			require.Equal(t, []string{spoil.condition}, unmet(t, err))
			c.keeps()
		})
	}

	t.Run("AFalseAlertHoldsNothingBack", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.endedAlert(made, 3, "false")
		c.endedAlert(made, 91, "resolved")
		c.closed(made)
	})

	t.Run("IsAskedAgainAtTheApproval", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.fit(made.Plan)
		_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
		require.NoError(t, err)
		require.NotEmpty(t, c.checkIns(made.Recipient, "open"), "care goes on while the closing is decided")
		require.Equal(t, 1, c.tasks("closing_approval"))
		c.scoredVisit(made.Plan, 0, 1)
		_, err = c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "同意")
		require.Equal(t, []string{"exit.last_two_visits"}, unmet(t, err))
		plan, err := c.app.RejectClosing(c.ctx(), c.boss, made.Plan, "近期变差")
		require.NoError(t, err)
		require.Equal(t, "active", plan.State)
		require.True(t, plan.ReviewOn.IsZero())
		require.Zero(t, c.tasks("closing_approval"))
		require.Contains(t, c.kinds(made.Recipient), "plan_closing_rejected")
		c.keeps()
	})
}

// endedAlert is an amber alert that ended so many days ago.
func (c *county) endedAlert(made carelog.Enrolled, daysAgo int, outcome string) {
	at := tuesday.AddDate(0, 0, -daysAgo)
	c.exec(`INSERT INTO alerts (id, office_id, recipient_id, plan_id, rule, rule_version, level, cause, opened_at, state, closed_at, outcome)
		VALUES (gen_random_uuid(), $1, $2, $3, 'R2', 1, 'amber', $5, $4, 'closed', $4, $5)`, c.office, made.Recipient, made.Plan, at, outcome)
}

func TestReopenPlan(t *testing.T) {
	t.Parallel()

	t.Run("LaysCheckInsFromTodayAndNoSecondBaseline", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		before := len(c.checkIns(made.Recipient, "open"))
		c.closed(made)
		require.Empty(t, c.checkIns(made.Recipient, "open"))
		c.clock.set(tuesday.AddDate(0, 3, 0))
		plan, err := c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "再次受伤")
		require.NoError(t, err)
		require.Equal(t, "active", plan.State)
		open := c.checkIns(made.Recipient, "open")
		require.NotEmpty(t, open)
		require.Less(t, len(open), before+5)
		for _, check := range open {
			require.NotEqual(t, "baseline", check.Step)
			require.False(t, check.Due.Before(calendar.Of(c.clock.now())), check.Due)
		}
		require.Contains(t, c.kinds(made.Recipient), "plan_reopened")
		c.keeps()
		_, err = c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
		require.Equal(t, []string{"exit.last_two_visits"}, unmet(t, err), "what was well before the reopening proves nothing")
	})

	t.Run("ARunningPlanIsNotReopened", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "再次受伤"))))
	})

	t.Run("ASecondOpenPlanIsRefused", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.closed(made)
		c.exec(`INSERT INTO care_plans (id, office_id, recipient_id, template_id, officer_id, state, review_on, created_at, updated_at)
			SELECT gen_random_uuid(), office_id, recipient_id, template_id, officer_id, 'draft', '2026-12-01', created_at, updated_at FROM care_plans WHERE id = $1`, made.Plan)
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "再次受伤"))))
	})

	t.Run("NobodyIsTextedTwiceAboutACheckInThatComesBack", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.closed(made)
		_, err := c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "误结案")
		require.NoError(t, err)
		c.later(time.Hour)
		require.Empty(t, to(c.send(), contactPhone), "the request went out this morning")
		c.keeps()
	})
}

func TestPauseHousehold(t *testing.T) {
	t.Parallel()

	siblings := func(t *testing.T) (c *county, a, b, stranger carelog.Enrolled) {
		t.Helper()
		c = newCounty(t)
		a, b, stranger = c.enrol("A-1", 3), c.enrol("A-2", 30), c.enrol("A-3", 30)
		_, err := c.app.JoinHousehold(c.ctx(), c.officer, []carelog.RecipientID{a.Recipient, b.Recipient}, "兄妹")
		require.NoError(t, err)
		return c, a, b, stranger
	}
	review := calendar.New(2026, time.December, 24)

	t.Run("RestsAndWakesEverybodyInOneAct", func(t *testing.T) {
		t.Parallel()
		c, a, b, stranger := siblings(t)
		plans, err := c.app.PauseHousehold(c.ctx(), c.officer, b.Plan, review, "全家外出")
		require.NoError(t, err)
		require.Len(t, plans, 2)
		require.Empty(t, c.checkIns(a.Recipient, "open"))
		require.NotEmpty(t, c.checkIns(stranger.Recipient, "open"))
		c.keeps()
		plans, err = c.app.ResumeHousehold(c.ctx(), c.officer, a.Plan)
		require.NoError(t, err)
		require.Len(t, plans, 2)
		require.NotEmpty(t, c.checkIns(b.Recipient, "open"))
		require.Contains(t, c.kinds(b.Recipient), "plan_resumed")
		c.keeps()
	})

	t.Run("OneThatRestsForAReasonOfItsOwnGoesOnResting", func(t *testing.T) {
		t.Parallel()
		c, a, b, _ := siblings(t)
		_, err := c.app.PausePlan(c.ctx(), c.officer, a.Plan, review, "住院")
		require.NoError(t, err)
		_, err = c.app.PauseHousehold(c.ctx(), c.officer, b.Plan, review, "全家外出")
		require.NoError(t, err)
		plans, err := c.app.ResumeHousehold(c.ctx(), c.officer, b.Plan)
		require.NoError(t, err)
		require.Len(t, plans, 1)
		require.Empty(t, c.checkIns(a.Recipient, "open"))
		c.keeps()
	})

	t.Run("WhoLeftIsNotPausedWithTheOthers", func(t *testing.T) {
		t.Parallel()
		c, a, b, stranger := siblings(t)
		_, err := c.app.JoinHousehold(c.ctx(), c.officer, []carelog.RecipientID{b.Recipient, stranger.Recipient}, "同住")
		require.NoError(t, err)
		home, err := c.app.HouseholdOf(c.ctx(), c.officer, a.Recipient)
		require.NoError(t, err)
		require.Len(t, home.Joined, 2, "two households that share somebody are one")
		require.NoError(t, c.app.LeaveHousehold(c.ctx(), c.officer, b.Recipient, "已分户"))
		plans, err := c.app.PauseHousehold(c.ctx(), c.officer, a.Plan, review, "全家外出")
		require.NoError(t, err)
		require.Len(t, plans, 2)
		require.NotEmpty(t, c.checkIns(b.Recipient, "open"))
	})
}

func TestPlans(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	a, b := c.enrol("A-1", 3), c.enrol("A-2", 3)
	_, err := c.app.PausePlan(c.ctx(), c.officer, b.Plan, calendar.New(2026, time.November, 26), "住院")
	require.NoError(t, err)
	list := func(f carelog.PlanFilter) []carelog.PlanID {
		f.Page.Limit = 10
		plans, err := c.app.Plans(c.ctx(), c.boss, f)
		require.NoError(t, err)
		var ids []carelog.PlanID
		for _, p := range plans {
			ids = append(ids, p.ID)
			require.Equal(t, "马某某", p.MaskedName[:3]+"某某")
		}
		return ids
	}
	require.Equal(t, []carelog.PlanID{a.Plan, b.Plan}, list(carelog.PlanFilter{}))
	require.Equal(t, []carelog.PlanID{b.Plan}, list(carelog.PlanFilter{State: "paused"}))
	require.Equal(t, []carelog.PlanID{a.Plan}, list(carelog.PlanFilter{State: "active", Tier: "green", Officer: c.officer.User}))
	require.Empty(t, list(carelog.PlanFilter{Tier: "red"}))
	require.Empty(t, list(carelog.PlanFilter{DueReview: true}))
	page, err := carelog.PageAfter(a.Plan.String(), 10)
	require.NoError(t, err)
	require.Equal(t, []carelog.PlanID{b.Plan}, list(carelog.PlanFilter{Page: page}))
	counts, err := c.app.CountPlans(c.ctx(), c.boss)
	require.NoError(t, err)
	require.Equal(t, carelog.PlanCounts{Active: 1, Paused: 1}, counts)
	c.clock.set(tuesday.AddDate(0, 0, 2))
	require.Equal(t, []carelog.PlanID{b.Plan}, list(carelog.PlanFilter{DueReview: true}))
	require.Equal(t, carelog.Forbidden, carelog.KindOf(second(c.app.Plans(c.ctx(), c.admin, carelog.PlanFilter{}))))
}
