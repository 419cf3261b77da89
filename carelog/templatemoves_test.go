package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// edited is G's newest steps with a change.
func edited(change func(steps []schedule.Step) []schedule.Step) []schedule.Step {
	return change(schedule.Filled(schedule.General().Steps))
}

// sooner has the half year's occasion come ten days sooner, and the year's visit not at all.
func sooner(steps []schedule.Step) []schedule.Step {
	var kept []schedule.Step
	for _, s := range steps {
		if s.Occasion == "month-6" {
			s.OffsetDays = 170
		}
		if s.Key == "month-1" {
			continue
		}
		kept = append(kept, s)
	}
	return append(kept, schedule.Step{
		Key: "monthly-word", Title: "\u6bcf\u6708\u95ee\u5019", Kind: schedule.Phone, Anchor: schedule.Payment,
		OffsetDays: 30, EveryDays: 30, LeadDays: 5, GraceWorkdays: 5,
	})
}

func (c *county) saveG(steps []schedule.Step, preview bool) (carelog.Impact, error) {
	return c.app.SaveTemplate(c.ctx(), c.admin, "G", steps, carelog.TemplateOptions{Why: "\u534a\u5e74\u56de\u8bbf\u63d0\u524d\u5341\u5929", Preview: preview})
}

func TestSaveTemplate(t *testing.T) {
	t.Parallel()

	t.Run("MakesTheNextVersionForNewPlansAndLeavesRunningOnes", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		old := c.enrol("A-1", 120)
		before := c.ahead(old.Recipient)
		impact, err := c.saveG(edited(sooner), false)
		require.NoError(t, err)
		require.Equal(t, 3, impact.Version)
		require.Equal(t, 1, impact.Plans)
		require.Equal(t, before, c.ahead(old.Recipient))
		young := c.enrol("A-2", 120)
		require.Contains(t, c.ahead(young.Recipient), "2027-01-13 month-6-phone")
		require.Contains(t, c.ahead(old.Recipient), "2027-01-25 month-6-phone") // ten days later is a Saturday
		versions, err := c.app.Templates(c.ctx(), c.officer)
		require.NoError(t, err)
		for _, v := range versions {
			if v.Key == "G" && v.Version == 3 {
				require.Equal(t, schedule.Filled(edited(sooner)), v.Steps)
				require.Equal(t, c.admin.User, v.MadeBy)
				require.Equal(t, 1, v.Running)
			}
		}
		c.keeps()
	})

	t.Run("PreviewKeepsNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 120)
		impact, err := c.saveG(edited(sooner), true)
		require.NoError(t, err)
		require.Equal(t, 1, impact.Recipients)
		require.NotEmpty(t, impact.Moves)
		require.Zero(t, c.count("SELECT count(*) FROM plan_templates WHERE version = 3"))
	})

	t.Run("TellsEveryFaultAtOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.saveG(edited(func(steps []schedule.Step) []schedule.Step {
			steps[3].GraceWorkdays = 99
			steps[4].OffsetDays = 181
			steps[8].EveryDays, steps[8].LeadDays = 60, 31
			return steps
		}), false)
		var refusal *carelog.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, carelog.Invalid, refusal.Kind)
		var fields []string
		for _, f := range refusal.Fields {
			require.NotEmpty(t, f.Chinese)
			fields = append(fields, f.Field)
		}
		require.Equal(t, []string{"steps[3].grace_workdays", "steps[5].occasion", "steps[8].lead_days", "steps[8].key"}, fields)
	})

	t.Run("AnotherRhythmTakesAnotherKey", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.saveG(edited(func(steps []schedule.Step) []schedule.Step {
			steps[8].EveryDays = 60
			return steps
		}), true)
		require.ErrorContains(t, err, "steps[8].key stands for another rhythm")
		_, err = c.saveG(edited(func(steps []schedule.Step) []schedule.Step {
			steps[8].EveryDays, steps[8].Key = 60, "two-monthly-phone"
			return steps
		}), true)
		require.NoError(t, err)
	})

	t.Run("OnlyAnAdministratorOfTheTopOffice", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		below := c.addUser(c.addOffice("370399", "\u4e0b\u7ea7\u9662", c.office), "sub", "", carelog.SystemAdministrator)
		for _, by := range []carelog.Actor{c.officer, c.boss, below} {
			_, err := c.app.SaveTemplate(c.ctx(), by, "G", edited(sooner), carelog.TemplateOptions{Why: "x"})
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
	})
}

func TestMovePlans(t *testing.T) {
	t.Parallel()

	t.Run("DoesWhatThePreviewSaid", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		other := c.enrol("A-2", 3)
		c.send()
		promised, err := c.saveG(edited(sooner), true)
		require.NoError(t, err)
		_, err = c.saveG(edited(sooner), false)
		require.NoError(t, err)
		preview, err := c.app.MovePlans(c.ctx(), c.boss, carelog.MovePlans{Template: "G", Preview: true})
		require.NoError(t, err)
		require.Equal(t, promised, preview)
		before := c.ahead(made.Recipient)
		moved, err := c.app.MovePlans(c.ctx(), c.boss, carelog.MovePlans{Template: "G"})
		require.NoError(t, err)
		require.Equal(t, preview, moved)
		require.Equal(t, 2, moved.Recipients)
		require.NotEqual(t, before, c.ahead(made.Recipient))
		require.Contains(t, c.ahead(made.Recipient), "2027-01-13 month-6-village")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-24 monthly-word")
		for _, id := range []carelog.RecipientID{made.Recipient, other.Recipient} {
			require.Contains(t, c.kinds(id), "template_changed")
		}
		again, err := c.app.MovePlans(c.ctx(), c.boss, carelog.MovePlans{Template: "G"})
		require.NoError(t, err)
		require.Zero(t, again.Plans)
		c.keeps()
	})

	t.Run("WhatIsDueTodayFixedOrTextedAboutStays", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 173) // the half year is due on Tuesday in a week, and its request goes out today
		c.send()
		half := c.village(made.Recipient)
		_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-6-phone").ID, calendar.New(2026, 12, 3), "\u7ea6\u597d")
		require.NoError(t, err)
		_, err = c.saveG(edited(sooner), false)
		require.NoError(t, err)
		_, err = c.app.MovePlans(c.ctx(), c.officer, carelog.MovePlans{Template: "G", Plans: []carelog.PlanID{made.Plan}})
		require.NoError(t, err)
		require.Equal(t, half.Due, c.village(made.Recipient).Due)
		require.Equal(t, "2026-12-03", c.step(made.Recipient, "month-6-phone").Due.String())
		c.keeps()
	})

	t.Run("OnePlanByItsOfficerAnOfficeByItsSupervisor", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		one, two := c.enrol("A-1", 120), c.enrol("A-2", 120)
		stranger := c.addUser(c.addOffice("370322", "\u90bb\u53bf\u9662", carelog.OfficeID{}), "sun", "", carelog.Officer, carelog.Supervisor)
		_, err := c.app.MovePlans(c.ctx(), c.officer, carelog.MovePlans{Template: "G", To: 1})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.MovePlans(c.ctx(), c.officer, carelog.MovePlans{Template: "G", To: 1, Plans: []carelog.PlanID{one.Plan, two.Plan}})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.MovePlans(c.ctx(), stranger, carelog.MovePlans{Template: "G", To: 1, Plans: []carelog.PlanID{one.Plan}})
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.MovePlans(c.ctx(), stranger, carelog.MovePlans{Template: "G", To: 1, Office: c.office})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.MovePlans(c.ctx(), c.boss, carelog.MovePlans{Template: "K", Plans: []carelog.PlanID{one.Plan}})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		back, err := c.app.MovePlans(c.ctx(), c.officer, carelog.MovePlans{Template: "G", To: 1, Plans: []carelog.PlanID{one.Plan}})
		require.NoError(t, err)
		require.Equal(t, 1, back.Plans)
		require.NotContains(t, c.ahead(one.Recipient), "2027-01-29 spring-festival")
		require.Contains(t, c.ahead(two.Recipient), "2027-01-29 spring-festival")
		c.keeps()
	})
}

func TestChangeTemplate(t *testing.T) {
	t.Parallel()

	t.Run("FollowsTheNewOneFromToday", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		impact, err := c.app.ChangeTemplate(c.ctx(), c.officer, made.Plan, "H", "\u65bd\u66b4\u8005\u6765\u8fc7\u5bb6\u91cc")
		require.NoError(t, err)
		require.NotZero(t, impact.CheckIns)
		require.Contains(t, c.ahead(made.Recipient), "2026-11-25 first-contact", "counted from the day it was chosen")
		require.NotContains(t, c.ahead(made.Recipient), "2027-01-25 month-6-phone")
		entries := c.history(made.Recipient)
		require.Contains(t, string(entries[len(entries)-1].Details), "\u65bd\u66b4\u8005")
		require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE reason LIKE '%\u65bd\u66b4\u8005%'"), "a person's words stand in the sealed history only")
		plan, err := c.app.PlanOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, "H", plan.Template)
		c.keeps()

		_, err = c.app.ChangeTemplate(c.ctx(), c.officer, made.Plan, "H", "x")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.app.ChangeTemplate(c.ctx(), c.officer, made.Plan, "Z", "")
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		lighter := func(by carelog.Actor) error {
			return second(c.app.ChangeTemplate(c.ctx(), by, made.Plan, "G", "\u5df2\u5b89\u7a33"))
		}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(lighter(c.officer)), "less care is not one officer's word")
		require.Equal(t, carelog.Conflict, carelog.KindOf(lighter(c.boss)), "nor a supervisor's before two calm visits")
		c.scoredVisit(made.Plan, 60, 3)
		c.scoredVisit(made.Plan, 20, 3)
		require.NoError(t, lighter(c.boss))
		require.Contains(t, c.ahead(made.Recipient), "2027-01-25 month-6-phone")
		c.keeps()
	})

	t.Run("APausedPlanIsLaidWhenItIsResumed", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, 12, 24), "\u4f4f\u9662")
		require.NoError(t, err)
		_, err = c.app.ChangeTemplate(c.ctx(), c.officer, made.Plan, "K", "\u75c5\u91cd")
		require.NoError(t, err)
		require.Empty(t, c.ahead(made.Recipient))
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.NotContains(t, c.ahead(made.Recipient), "2027-01-25 month-6-phone", "what the pause cancelled and K does not ask for")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-24 monthly-phone-5")
		c.keeps()
	})

	t.Run("AChildsStepsFollowTheBirthDate", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 120)
		e.BornOn = calendar.New(2009, 2, 1) // of age on 1 February 2027, before the spring term
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Equal(t, "C", made.Template)
		require.NotContains(t, c.ahead(made.Recipient), "2027-02-22 school-spring")
		e = c.enrolment("A-2", 120)
		e.Flags = []carelog.Flag{"minor_victim"} // nobody knows when the child was born
		made, err = c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Contains(t, c.ahead(made.Recipient), "2027-02-22 school-spring")
		c.keeps()
	})
}

func TestSetHarvest(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	made := c.enrol("A-1", 120)
	day := schedule.MonthDay(1220)
	impact, err := c.app.SetHarvest(c.ctx(), c.officer, made.Plan, &day)
	require.NoError(t, err)
	require.Equal(t, 1, impact.CheckIns)
	require.Contains(t, c.ahead(made.Recipient), "2026-12-21 harvest") // the 20th is a Sunday
	impact, err = c.app.SetHarvest(c.ctx(), c.officer, made.Plan, nil)
	require.NoError(t, err)
	require.Len(t, impact.Moves, 1)
	require.True(t, impact.Moves[0].To.IsZero())
	require.Contains(t, c.kinds(made.Recipient), "harvest_set")
	c.keeps()
}
