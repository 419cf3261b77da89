package carelog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

const (
	bossPhone   = "+8615400000202"
	deputyPhone = "+8615400000203"
	cityPhone   = "+8615400000204"
	dutyPhone   = "+8615400000205"
	wangPhone   = "+8615400000206"
)

// at is a moment in Shanghai.
func at(year int, month time.Month, day, hour, minute int) time.Time {
	return calendar.New(year, month, day).At(hour, minute)
}

// staffed is a county with a deputy chief and a city above it.
func staffed(t *testing.T) *county {
	t.Helper()
	c := newCounty(t)
	city := c.addOffice("370300", "淄博市人民检察院", carelog.OfficeID{})
	c.exec("UPDATE offices SET parent_id = $1, path = ARRAY[$1::uuid, id] WHERE id = $2", city, c.office)
	c.addSupervisor(c.office, "qian", deputyPhone, "deputy")
	c.addSupervisor(city, "sun", cityPhone, "head")
	return c
}

// receiptOnly enrols somebody of whom only the receipt is to be checked for months.
func (c *county) receiptOnly() carelog.Enrolled {
	c.t.Helper()
	made := c.enrol("A-1", 3)
	c.exec("UPDATE check_ins SET opens = opens + 400, due = due + 400, closes = closes + 400, messages_from = messages_from + 400 WHERE step <> 'receipt'")
	return made
}

func (c *county) addSupervisor(office carelog.OfficeID, login, phone, position string) carelog.UserID {
	c.t.Helper()
	id, err := c.work.AddUser(c.ctx(), carelog.TheSystem(), carelog.NewUser{
		Office: office, Login: login, Name: login + "某", Phone: phone, Roles: []carelog.Role{carelog.Supervisor}, Position: position,
	})
	require.NoError(c.t, err)
	return id
}

// sweep runs the sweeps of lateness and sends what is due.
func (c *county) sweep() carelog.Claimed {
	c.t.Helper()
	require.NoError(c.t, c.markOverdue())
	return c.send()
}

// notices counts what was or will be sent to a login by the ladder.
func (c *county) notices(login string) int {
	c.t.Helper()
	return c.count(`SELECT count(*) FROM messages m JOIN users u ON u.id = m.user_id WHERE u.login = $1
		AND m.purpose IN ('supervisor_notice', 'officer_alert') AND m.dispatch IN ('planned', 'accepted')`, login)
}

// urgent has the village contact say that something happened.
func (c *county) urgent() {
	c.t.Helper()
	c.reply(contactPhone, "出事了")
}

func TestLadder(t *testing.T) {
	t.Parallel()

	t.Run("TellsHeadDeputyAndOfficeByWorkingDays", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly() // due on Monday, 30 November
		check := c.step(made.Recipient, "receipt")
		require.Equal(t, "2026-11-30", check.Due.String())
		for _, want := range []struct {
			day    int
			phones []string
		}{{1, nil}, {4, nil}, {7, []string{bossPhone}}, {11, nil}, {14, []string{deputyPhone}}, {18, nil}, {21, []string{cityPhone}}, {25, nil}, {28, []string{cityPhone}}} {
			c.clock.set(at(2026, time.December, want.day, 8, 29))
			require.Empty(t, supervised(c.sweep()), "before hours on %d", want.day)
			c.clock.set(at(2026, time.December, want.day, 8, 30))
			require.Equal(t, want.phones, supervised(c.sweep()), "on %d December", want.day)
			c.keeps()
		}
		require.Equal(t, 1, c.escalations(check.ID), "it runs until the deed is done")
	})

	t.Run("CountsWorkingDaysAcrossSpringFestival", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.clock.set(at(2026, time.February, 9, 9, 0))
		c.receiptOnly()
		due := c.dueOf("receipt")
		fifth := calendar.Official().AddWorkdays(due, 5)
		require.Greater(t, fifth.Sub(due), 9, "the festival lies between")
		c.clock.set(fifth.AddDays(-1).At(10, 0))
		require.Empty(t, supervised(c.sweep()))
		c.clock.set(fifth.At(8, 30))
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
	})

	t.Run("TheDeedStopsIt", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		c.clock.set(at(2026, time.December, 7, 7, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.escalations(check.ID))
		c.clock.set(at(2026, time.December, 7, 8, 30))
		require.NoError(t, c.markOverdue()) // planned, not sent
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full"})
		require.NoError(t, err)
		require.Zero(t, c.escalations(check.ID))
		require.Empty(t, supervised(c.sweep()))
		c.clock.set(at(2027, time.January, 20, 9, 0))
		c.send()
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'supervisor_notice' AND dispatch = 'accepted'", check.ID))
		require.Equal(t, 1, c.count("SELECT count(*) FROM escalations WHERE check_in_id = $1 AND stopped_why <> ''", check.ID))
		c.keeps()
	})

	t.Run("MovingALateCheckInTakesASupervisorAndStopsNothing", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		check := c.step(made.Recipient, "receipt")
		c.clock.set(at(2026, time.December, 2, 9, 0))
		require.NoError(t, c.markOverdue())
		to := calendar.New(2026, time.December, 10)
		_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, to, "家里收玉米")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		moved, err := c.app.RescheduleCheckIn(c.ctx(), c.boss, check.ID, to, "家里收玉米")
		require.NoError(t, err)
		require.Equal(t, to, moved.Due)
		require.Equal(t, check.Due, moved.FirstDue)
		require.Equal(t, "overdue", moved.State)
		require.Equal(t, "overdue", string(moved.Standing))
		require.Equal(t, 1, c.escalations(check.ID))
		require.Len(t, c.checkIns(made.Recipient, "overdue"), 1)
		c.clock.set(at(2026, time.December, 7, 8, 30)) // 5 working days after the first due date
		told := c.sweep()
		require.Equal(t, []string{bossPhone}, supervised(told))
		require.Contains(t, to1(told, bossPhone), "已逾期5个工作日", "counted from the first date")
		c.keeps()
	})

	t.Run("TenDaysOfOutageTellTheHighestRungOnceAndNobodyAtNight", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.receiptOnly()
		c.clock.set(at(2026, time.December, 2, 9, 0))
		c.sweep()
		c.clock.set(at(2026, time.December, 16, 3, 0)) // the head on the 7th and the deputy on the 14th were missed
		require.Empty(t, supervised(c.sweep()))
		c.clock.set(at(2026, time.December, 16, 8, 30))
		require.Equal(t, []string{deputyPhone}, supervised(c.sweep()))
		require.Empty(t, supervised(c.sweep()), "once")
		var passed string
		for _, e := range c.history(made.Recipient) {
			if e.Kind == "escalated" {
				passed = string(e.Details)
			}
		}
		require.Contains(t, passed, `"passed":"head"`)
		c.keeps()
	})

	t.Run("CatchesUpTheReddestFirst", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		c.enrol("A-1", 176) // the village is asked, due on Monday
		c.send()
		c.clock.set(at(2026, time.November, 26, 10, 0))
		c.urgent()
		c.clock.set(at(2026, time.December, 1, 10, 0))
		_, err := c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(t, err)
		c.clock.set(at(2026, time.December, 16, 3, 0))
		found, err := c.work.Escalate(c.ctx(), 1)
		require.NoError(t, err)
		require.Equal(t, 1, found)
		require.Equal(t, 1, c.count("SELECT count(*) FROM escalations WHERE priority = 1 AND rung > 0"))
		require.Zero(t, c.count("SELECT count(*) FROM escalations WHERE priority = 3 AND rung > 0"))
	})

	t.Run("WithoutAnotherRungTheSameHeadIsToldOnceARung", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.receiptOnly()
		c.clock.set(at(2027, time.January, 15, 9, 0)) // every rung is past
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'supervisor_notice' AND dispatch = 'accepted'"))
	})

	t.Run("TemplateHCountsInHours", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		e := c.enrolment("A-1", 3)
		e.Template = "H"
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		first := c.step(made.Recipient, "receipt") // what is due by the day; the first contact has an hour
		c.exec("UPDATE check_ins SET opens = opens + 400, due = due + 400, closes = closes + 400, messages_from = messages_from + 400, act_by = act_by + interval '400 days' WHERE id <> $1", first.ID)
		next := calendar.Official().NextWorkday(first.Due)
		c.clock.set(next.At(8, 29))
		require.Empty(t, supervised(c.sweep()), "4 hours past the end of the day is at night")
		c.clock.set(next.At(8, 30))
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
		c.clock.set(calendar.Official().NextWorkday(next).At(8, 30))
		require.Equal(t, []string{deputyPhone}, supervised(c.sweep()))
	})

	t.Run("AnAmberAlertIsToldAgainUntilAcknowledgedAndThenToTheHead", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		c.enrol("A-1", 176)
		code := codeIn(t, to(c.send(), contactPhone)[0].Text)
		c.clock.set(at(2026, time.November, 25, 10, 0))
		c.reply(contactPhone, code+" 2") // difficulty (R8): by the end of the 26th
		amber := func(day int) int {
			c.clock.set(at(2026, time.November, day, 8, 30))
			return len(slices.DeleteFunc(to(c.sweep(), officerPhone), func(out carelog.Outgoing) bool { return !strings.Contains(out.Text, "有困难") }))
		}
		c.send()
		require.Zero(t, amber(26))
		require.Equal(t, 1, amber(27), "two working days later, unanswered")
		c.acknowledge()
		require.Zero(t, amber(31))
		require.Zero(t, c.notices("zhao"))
		require.Zero(t, amber(24+8)) // 2 December
		c.clock.set(at(2026, time.December, 3, 8, 30))
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()), "5 working days past the time to act")
	})

	t.Run("TwoRulesThatFoundTheSameAreOneText", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.enrol("A-1", 74)
		scores := condition.Scores{}
		for _, d := range condition.Domains() {
			scores = scores.With(d, condition.ScoreOf(3))
		}
		visit := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores}
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "baseline").ID, visit)
		require.NoError(t, err)
		c.clock.set(at(2026, time.December, 10, 9, 0))
		visit.Scores = scores.With(condition.Domains()[0], condition.ScoreOf(0))
		_, err = c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-3").ID, visit)
		require.NoError(t, err)
		require.Greater(t, c.count("SELECT count(*) FROM alerts WHERE level = 'red' AND state = 'open'"), 1)
		c.send()
		c.clock.set(at(2026, time.December, 11, 13, 0)) // 4 hours past a day
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
	})

	t.Run("TwoSweepsSideBySideTellOnce", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		c.receiptOnly()
		c.clock.set(at(2026, time.December, 8, 9, 0))
		_, err := c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(t, err)
		errs := make(chan error, 4)
		for range 4 {
			go func() { _, err := c.work.Escalate(c.ctx(), 100); errs <- err }()
		}
		for range 4 {
			require.NoError(t, <-errs)
		}
		require.Equal(t, 1, c.notices("zhao"))
	})
}

// supervised are the numbers that got a notice for supervisors, in order.
func supervised(claimed carelog.Claimed) []string {
	var phones []string
	for _, out := range claimed.Send {
		switch out.To {
		case bossPhone, deputyPhone, cityPhone, dutyPhone, wangPhone:
			phones = append(phones, out.To)
		}
	}
	return phones
}

// dueOf is when the step of the only recipient is due.
func (c *county) dueOf(step string) calendar.Date {
	c.t.Helper()
	var due calendar.Date
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT due FROM check_ins WHERE step = $1", step).Scan(&due))
	return due
}

// to1 is the one text of a claim that goes to a number.
func to1(claimed carelog.Claimed, phone string) string {
	found := to(claimed, phone)
	if len(found) != 1 {
		return ""
	}
	return found[0].Text
}
