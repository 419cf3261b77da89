package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// sentTo are the numbers a sweep texts now, in order.
func (c *county) sentTo() []string {
	c.t.Helper()
	var phones []string
	for _, out := range c.sweep().Send {
		phones = append(phones, out.To)
	}
	return phones
}

// restless is a household at high risk enrolled on a worked Saturday before nine
// days of rest: its first contact is due by 09:00 on the Sunday.
func restless(t *testing.T) (*county, carelog.Enrolled, carelog.CheckIn) {
	t.Helper()
	c := staffed(t)
	c.clock.set(at(2026, time.February, 14, 9, 0))
	made := c.enrolAs("A-1", "H", 20)
	check := c.step(made.Recipient, "first-contact")
	require.NotNil(t, check.ActBy)
	require.True(t, check.ActBy.Equal(at(2026, time.February, 15, 9, 0)), "24 hours after it was laid, not a working day")
	return c, made, check
}

func (c *county) onDuty(from, until time.Time) {
	c.t.Helper()
	duty := c.addUser(c.office, "duty", dutyPhone, carelog.Officer)
	_, err := c.app.SetDuty(c.ctx(), c.boss, carelog.Duty{Office: c.office, User: duty.User, From: from, Until: until})
	require.NoError(c.t, err)
}

func TestRealTimeClock(t *testing.T) {
	t.Parallel()

	t.Run("RunsThroughARestDayAndClimbsByTheHour", func(t *testing.T) {
		t.Parallel()
		c, made, check := restless(t)
		c.onDuty(at(2026, time.February, 14, 18, 0), at(2026, time.February, 24, 8, 30))
		c.sentTo()
		c.clock.set(at(2026, time.February, 15, 8, 59))
		c.sentTo()
		require.Equal(t, "planned", c.step(made.Recipient, "first-contact").State)
		for _, want := range []struct {
			at    time.Time
			heard []string
		}{
			{at(2026, time.February, 15, 9, 0), []string{officerPhone, dutyPhone}},
			{at(2026, time.February, 15, 12, 59), nil},
			{at(2026, time.February, 15, 13, 0), []string{bossPhone}},
			{at(2026, time.February, 16, 9, 0), []string{deputyPhone}},
			{at(2026, time.February, 18, 9, 0), []string{cityPhone}},
			{at(2026, time.February, 19, 9, 0), []string{cityPhone}},
		} {
			c.clock.set(want.at)
			require.ElementsMatch(t, want.heard, c.only(check.ID), "at %s", want.at.In(calendar.Shanghai()))
			late := c.step(made.Recipient, "first-contact")
			require.Equal(t, "overdue", late.State)
			require.Equal(t, "overdue", string(late.Standing))
		}
		c.keeps()
		c.record(check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.Zero(t, c.escalations(check.ID))
	})

	t.Run("RemindsFourHoursBeforeAtNightAndWhoeverIsOnDuty", func(t *testing.T) {
		t.Parallel()
		c, _, check := restless(t)
		c.onDuty(at(2026, time.February, 14, 18, 0), at(2026, time.February, 24, 8, 30))
		// The roster is read when the reminder is planned: it was kept before the household came.
		c.exec("DELETE FROM message_asks; DELETE FROM messages; DELETE FROM task_codes; DELETE FROM asks; UPDATE check_ins SET messages_planned = false")
		c.plan()
		c.clock.set(at(2026, time.February, 15, 4, 59))
		require.Empty(t, c.only(check.ID))
		c.clock.set(at(2026, time.February, 15, 5, 0))
		require.ElementsMatch(t, []string{officerPhone, dutyPhone}, c.only(check.ID))
	})

	t.Run("IsNeverMoved", func(t *testing.T) {
		t.Parallel()
		c, _, check := restless(t)
		for _, by := range []carelog.Actor{c.officer, c.boss} {
			_, err := c.app.RescheduleCheckIn(c.ctx(), by, check.ID, calendar.New(2026, time.February, 24), "\u5fd9")
			require.Equal(t, carelog.Conflict, carelog.KindOf(err))
			_, err = c.app.AgreeAppointment(c.ctx(), by, check.ID, carelog.Appointment{On: calendar.New(2026, time.February, 24), At: "10:00", Reason: "\u5fd9"})
			require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		}
	})

	t.Run("AfterAnOutageTheHighestRungIsToldOnce", func(t *testing.T) {
		t.Parallel()
		c, _, check := restless(t)
		c.clock.set(at(2026, time.February, 16, 22, 0))
		require.Equal(t, []string{deputyPhone}, c.only(check.ID))
		require.Empty(t, c.only(check.ID))
		c.keeps()
	})

	t.Run("ClimbsTheSameLadderWhateverTheTemplate", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		c.clock.set(at(2026, time.February, 14, 9, 0))
		made := c.enrol("A-1", 20) // template G
		_, err := c.app.DecideTier(c.ctx(), c.boss, made.Plan, "red", "\u6765\u8bbf\u5f97\u77e5\u4eba\u8eab\u5371\u9669")
		require.NoError(t, err)
		check := c.step(made.Recipient, "tier-red-contact")
		c.sentTo()
		c.clock.set(at(2026, time.February, 15, 13, 0))
		require.Equal(t, []string{bossPhone}, c.only(check.ID), "four hours past the clock, on a Sunday")
		require.Equal(t, "2026-02-15", check.Due.String())
	})
}

// only are the numbers that a sweep texts now about one check-in.
func (c *county) only(id carelog.CheckInID) []string {
	c.t.Helper()
	var phones []string
	for _, out := range c.sweep().Send {
		if c.count("SELECT count(*) FROM messages WHERE id = $1 AND check_in_id = $2", out.ID, id) == 1 {
			phones = append(phones, out.To)
		}
	}
	return phones
}

func TestMovingACheckIn(t *testing.T) {
	t.Parallel()
	move := func(c *county, by carelog.Actor, id carelog.CheckInID, on calendar.Date) error {
		_, err := c.app.RescheduleCheckIn(c.ctx(), by, id, calendar.Official().RollBack(on), "\u5fd9")
		return err
	}

	t.Run("ReachesSixtyDaysFromTheFirstDateHoweverOften", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		first := check.Due
		require.NoError(t, move(c, c.officer, check.ID, first.AddDays(50)))
		require.Equal(t, first, c.step(made.Recipient, "receipt").FirstDue)
		c.clock.set(first.AddDays(40).At(9, 0)) // before it is late
		require.Equal(t, []string{"due"}, fields(t, move(c, c.officer, check.ID, first.AddDays(70))))
		require.Equal(t, []string{"due"}, fields(t, move(c, c.boss, check.ID, first.AddDays(70))))
		require.NoError(t, move(c, c.officer, check.ID, first.AddDays(60)))
		_, err := c.app.AgreeAppointment(c.ctx(), c.officer, check.ID, carelog.Appointment{On: first.AddDays(80), At: "10:00", Reason: "\u5fd9"})
		require.Equal(t, []string{"on"}, fields(t, err))
		c.keeps()
	})

	t.Run("DoesNotHideWhatTheSweepHasNotMarkedYet", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		c.clock.set(check.Due.AddDays(7).At(9, 0)) // no sweep since
		require.Equal(t, carelog.Forbidden, carelog.KindOf(move(c, c.officer, check.ID, check.Due.AddDays(20))))
		require.NoError(t, move(c, c.boss, check.ID, check.Due.AddDays(20)))
		require.Equal(t, "overdue", c.step(made.Recipient, "receipt").State)
		require.Equal(t, 1, c.escalations(check.ID))
		c.keeps()
	})

	t.Run("AnAppointmentForALateOneLeavesItLate", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		c.clock.set(check.Due.AddDays(30).At(9, 0))
		c.sweep()
		agreed, err := c.app.AgreeAppointment(c.ctx(), c.officer, check.ID, carelog.Appointment{On: calendar.Official().NextWorkday(check.Due.AddDays(32)), At: "10:00", Reason: "\u7ea6\u597d\u4e0a\u95e8"})
		require.NoError(t, err)
		require.NotNil(t, agreed.Appointed)
		require.Equal(t, check.Due, agreed.Due)
		require.Equal(t, "missed", c.step(made.Recipient, "receipt").State)
		require.Equal(t, 1, c.escalations(check.ID))
		c.keeps()
	})
}

func TestRestIsNoWayToBeRidOfLateWork(t *testing.T) {
	t.Parallel()
	// missed is a plan with one missed check-in of which the head and the deputy were told.
	missed := func(t *testing.T) (*county, carelog.Enrolled, carelog.CheckIn) {
		t.Helper()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		c.clock.set(check.Due.AddDays(25).At(9, 0))
		c.sweep()
		require.Equal(t, "missed", c.step(made.Recipient, "receipt").State)
		return c, made, check
	}
	clock := func(c *county, id carelog.CheckInID) (at time.Time) {
		c.t.Helper()
		require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT clock FROM escalations WHERE check_in_id = $1 AND state = 'running'", id).Scan(&at))
		return at
	}
	pause := func(c *county, by carelog.Actor, id carelog.PlanID) error {
		_, err := c.app.PausePlan(c.ctx(), by, id, calendar.Of(c.clock.now()).AddDays(1), "\u77ed\u6682")
		return err
	}

	t.Run("AnOfficerDoesNotPauseAloneWhatIsLate", func(t *testing.T) {
		t.Parallel()
		c, made, check := missed(t)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(pause(c, c.officer, made.Plan)))
		_, err := c.app.PauseHousehold(c.ctx(), c.officer, made.Plan, calendar.Of(c.clock.now()).AddDays(1), "\u77ed\u6682")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Equal(t, 1, c.escalations(check.ID))
	})

	t.Run("NorUnderARedAlert", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.enrol("A-1", 74)
		_, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "offender_contact", OccurredOn: calendar.Of(c.clock.now()), Source: "police"})
		require.NoError(t, err)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(pause(c, c.officer, made.Plan)))
		require.NoError(t, pause(c, c.boss, made.Plan))
		c.keeps()
	})

	t.Run("WhatWasMissedComesBackMissedWithItsOldClock", func(t *testing.T) {
		t.Parallel()
		c, made, check := missed(t)
		was := clock(c, check.ID)
		require.NoError(t, pause(c, c.boss, made.Plan))
		require.Zero(t, c.escalations(check.ID))
		c.keeps()
		_, err := c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		back := c.step(made.Recipient, "receipt")
		require.Equal(t, "missed", back.State)
		require.Equal(t, check.Due, back.Due)
		require.True(t, was.Equal(clock(c, check.ID)), "the old clock")
		c.keeps()
		c.clock.set(at(2026, time.December, 28, 8, 30)) // the first morning after: what is due of the ladder
		require.Contains(t, supervised(c.sweep()), cityPhone)
	})

	t.Run("ADeathRecordedByMistakeBringsItBackToo", func(t *testing.T) {
		t.Parallel()
		c, made, check := missed(t)
		was := clock(c, check.ID)
		id, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "death", OccurredOn: calendar.Of(c.clock.now()), Source: "officer"})
		require.NoError(t, err)
		require.Zero(t, c.escalations(check.ID))
		_, err = c.app.ContinueForHousehold(c.ctx(), c.officer, made.Plan, carelog.Continuation{Reason: "\u8bef\u62a5"})
		require.NoError(t, err)
		require.NoError(t, c.app.WithdrawEvent(c.ctx(), c.officer, id, "\u8bef\u62a5"))
		c.sweep()
		require.Equal(t, "missed", c.step(made.Recipient, "receipt").State)
		require.True(t, was.Equal(clock(c, check.ID)))
		c.keeps()
	})

	t.Run("ADeathDuringAPauseToo", func(t *testing.T) {
		t.Parallel()
		c, made, check := missed(t)
		require.NoError(t, pause(c, c.boss, made.Plan))
		_, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "death", OccurredOn: calendar.Of(c.clock.now()), Source: "officer"})
		require.NoError(t, err)
		_, err = c.app.ContinueForHousehold(c.ctx(), c.officer, made.Plan, carelog.Continuation{Reason: "\u8bef\u62a5"})
		require.NoError(t, err)
		require.Equal(t, 1, c.escalations(check.ID))
		c.keeps()
	})

	t.Run("WhatFellDueMeanwhileIsLateFromTheDayItIsTakenUp", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, check.Due.AddDays(90), "\u4f4f\u9662")
		require.NoError(t, err)
		c.clock.set(check.Due.AddDays(21).At(9, 0))
		c.sweep()
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		back := c.step(made.Recipient, "receipt")
		require.Equal(t, "overdue", back.State)
		require.Equal(t, check.Due, back.Due)
		require.Equal(t, calendar.Of(c.clock.now()), calendar.Of(clock(c, check.ID)))
		require.Empty(t, supervised(c.sweep()))
		require.Equal(t, "overdue", c.step(made.Recipient, "receipt").State, "with its grace")
		c.keeps()
	})

	t.Run("OfEachStepOnlyTheLastComesBack", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.enrolAs("A-1", "H", 20)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.Of(c.clock.now()).AddDays(200), "\u4f4f\u9662")
		require.NoError(t, err)
		c.later(60 * 24 * time.Hour)
		for range 2 {
			_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
			require.NoError(t, err)
			c.sweep()
			require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE step = 'weekly-village' AND state IN ('overdue', 'missed')"))
			require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE step = 'first-contact' AND state IN ('overdue', 'missed')"))
			c.keeps()
			require.NoError(t, pause(c, c.boss, made.Plan)) // once more brings nothing else
		}
	})
}

func TestAReviewNobodyTakesUp(t *testing.T) {
	t.Parallel()
	// resting is a plan at rest whose review comes on Thursday, 26 November.
	resting := func(t *testing.T) (*county, carelog.Enrolled) {
		t.Helper()
		c := staffed(t)
		made := c.enrol("A-1", 74)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, time.November, 26), "\u77ed\u6682")
		require.NoError(t, err)
		return c, made
	}
	running := func(c *county) int {
		return c.count("SELECT count(*) FROM escalations WHERE subject = 'review' AND state = 'running'")
	}

	t.Run("ClimbsFromTheOfficerToTheOfficeAbove", func(t *testing.T) {
		t.Parallel()
		c, _ := resting(t)
		heard := map[string]string{}
		for day := calendar.New(2026, time.November, 25); day.Before(calendar.New(2027, time.January, 10)); day = day.AddDays(1) {
			for _, hour := range []int{8, 12} {
				c.clock.set(day.At(hour, 30))
				for _, out := range c.sweep().Send {
					if _, ok := heard[out.To]; !ok {
						heard[out.To] = day.String()
					}
				}
				c.keeps()
			}
		}
		require.Equal(t, map[string]string{officerPhone: "2026-11-26", bossPhone: "2026-12-03", deputyPhone: "2026-12-10", cityPhone: "2026-12-17"}, heard)
		require.Equal(t, 1, c.tasks("plan_review"))
		require.Greater(t, c.count("SELECT count(*) FROM messages m JOIN users u ON u.id = m.user_id WHERE u.login = 'sun' AND m.wording = 'supervisor_review'"), 1, "and again until it is taken up")
	})

	t.Run("StopsWhenThePlanIsResumed", func(t *testing.T) {
		t.Parallel()
		c, made := resting(t)
		c.clock.set(at(2026, time.November, 26, 8, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, running(c))
		_, err := c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.Zero(t, running(c))
		require.Zero(t, c.tasks("plan_review"))
		c.keeps()
	})

	t.Run("StopsWhenItsTaskIsSettledAndBeginsAnewWithTheNext", func(t *testing.T) {
		t.Parallel()
		c, made := resting(t)
		c.clock.set(at(2026, time.November, 26, 8, 0))
		require.NoError(t, c.markOverdue())
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'plan_review'").Scan(&task))
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.officer, task, "\u5bb6\u5c5e\u4ecd\u5728\u4f4f\u9662"))
		c.clock.set(at(2026, time.November, 26, 8, 30))
		require.Empty(t, c.sentTo(), "what was planned is not said any more")
		c.keeps()
		c.clock.set(at(2026, time.December, 3, 8, 30)) // the next review
		require.Contains(t, c.sentTo(), officerPhone)
		require.Equal(t, 1, running(c))
		require.Equal(t, 1, c.tasks("plan_review"))
		require.Empty(t, supervised(c.sweep()), "its own clock")
		c.keeps()
		why, err := c.app.ExplainSilence(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.NotEmpty(t, why.Because)
	})

	t.Run("KeepsNoPromiseWithoutItsEscalation", func(t *testing.T) {
		t.Parallel()
		c, _ := resting(t)
		c.clock.set(at(2026, time.November, 26, 9, 0))
		c.sweep()
		require.Zero(t, c.forgotten())
		c.exec("UPDATE escalations SET state = 'stopped', stopped_at = started_at, stopped_why = 'x' WHERE subject = 'review'")
		require.Equal(t, 1, c.forgotten(), "the date that the sweep moves on is nobody's promise")
	})

	t.Run("StandsInTheDigestOfTheWeek", func(t *testing.T) {
		t.Parallel()
		c, _ := resting(t)
		c.clock.set(at(2026, time.November, 26, 9, 0))
		c.sweep()
		c.clock.set(at(2026, time.November, 30, 8, 30)) // Monday
		_, err := c.work.SendWeeklyDigests(c.ctx(), 10)
		require.NoError(t, err)
		require.Contains(t, to1(c.sweep(), bossPhone), "方案待复查1件")
	})

	t.Run("ADraftIsToldOfToo", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		e := c.enrolment("A-1", 74)
		e.Draft = true
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		c.clock.set(at(2026, time.November, 25, 9, 0))
		require.Equal(t, []string{officerPhone}, c.sentTo())
		c.clock.set(at(2026, time.December, 2, 9, 0))
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
		c.keeps()
	})
}

func TestAnOpenAlertIsToldThoughThePlanRests(t *testing.T) {
	t.Parallel()
	c := staffed(t)
	made := c.enrol("A-1", 74)
	c.visit(made.Recipient, "baseline", "3333333333")
	c.send()
	c.later(24 * time.Hour)
	_, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "eviction", OccurredOn: calendar.Of(c.clock.now()), Source: "officer"})
	require.NoError(t, err)
	_, err = c.app.PausePlan(c.ctx(), c.boss, made.Plan, calendar.Of(c.clock.now()).AddDays(360), "\u77ed\u6682")
	require.NoError(t, err)
	heard := map[string]bool{}
	for range 60 {
		c.later(24 * time.Hour)
		for _, out := range c.sweep().Send {
			heard[out.To] = true
		}
	}
	require.Equal(t, map[string]bool{officerPhone: true, bossPhone: true, deputyPhone: true, cityPhone: true}, heard)
	c.keeps()
}
