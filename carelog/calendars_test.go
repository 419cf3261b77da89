package carelog_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
)

func d(text string) calendar.Date {
	date, err := calendar.Parse(text)
	if err != nil {
		panic(err)
	}
	return date
}

// span is a run of days of a notice.
type span struct {
	name, from, until string
	off               bool
}

// holidays is a year's file in the form of holiday-cn, with National Day.
func holidays(year int, spans ...span) []byte {
	var days []map[string]any
	spans = append(spans, span{"国庆节", fmt.Sprint(year, "-10-01"), fmt.Sprint(year, "-10-07"), true})
	for _, s := range spans {
		for day := d(s.from); !day.After(d(s.until)); day = day.AddDays(1) {
			days = append(days, map[string]any{"name": s.name, "date": day, "isOffDay": s.off})
		}
	}
	data, err := json.Marshal(map[string]any{"year": year, "papers": []string{"https://www.gov.cn/2027.htm"}, "days": days})
	if err != nil {
		panic(err)
	}
	return data
}

// of2027 is the notice of 2027 as it might come: Spring Festival from 5 to 12
// February, made up on two Saturdays. Provisional were 5 to 8 February (Friday to Monday).
var of2027 = holidays(2027,
	span{"元旦", "2027-01-01", "2027-01-03", true},
	span{"春节", "2027-02-05", "2027-02-12", true},
	span{"春节", "2027-01-30", "2027-01-30", false},
	span{"春节", "2027-02-20", "2027-02-20", false},
)

// another is a second process on the same database.
func (c *county) another() *carelog.Log {
	c.t.Helper()
	return carelog.New(carelog.Config{
		DB: pgtest.Pool(c.t, c.db.App), Keys: c.keys, Queue: c.queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio", Now: c.clock.now,
	})
}

// dues are the due dates of a recipient's check-ins by step and number.
func (c *county) dues(id carelog.RecipientID) map[string]calendar.Date {
	c.t.Helper()
	found := map[string]calendar.Date{}
	rows, err := c.pool.Query(c.ctx(), "SELECT step || ' ' || n, due FROM check_ins WHERE recipient_id = $1 AND state NOT IN ('superseded', 'cancelled')", id)
	require.NoError(c.t, err)
	defer rows.Close()
	for rows.Next() {
		var key string
		var due calendar.Date
		require.NoError(c.t, rows.Scan(&key, &due))
		found[key] = due
	}
	require.NoError(c.t, rows.Err())
	return found
}

// work is every row of the plans' future: to compare before and after.
func (c *county) future() string {
	c.t.Helper()
	var text string
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), `SELECT
		(SELECT coalesce(string_agg(concat_ws(' ', id, state, opens, due, closes, messages_from, messages_planned), chr(10) ORDER BY id), '') FROM check_ins) || chr(10) ||
		(SELECT coalesce(string_agg(concat_ws(' ', check_in_id, purpose, wording, not_before, deadline), chr(10) ORDER BY check_in_id, not_before, purpose), '')
			FROM messages WHERE dispatch = 'planned')`).Scan(&text))
	return text
}

func (c *county) announce(data []byte) carelog.HolidayImport {
	c.t.Helper()
	made, err := c.work.ImportHolidays(c.ctx(), carelog.TheSystem(), data, carelog.ImportHolidaysOptions{})
	require.NoError(c.t, err)
	return made
}

func TestNoticeOfNextYear(t *testing.T) {
	t.Parallel()

	t.Run("TheHorizonReachesTheProvisionalSpringFestival", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		// Three months after 9 November 2026 is 7 February 2027, a day of the provisional Spring Festival.
		made := c.enrol("A-1", 15)
		require.Equal(t, d("2027-02-09"), c.dues(made.Recipient)["month-3 1"])
		year, err := c.app.Calendar(c.ctx(), c.officer, 2027)
		require.NoError(t, err)
		require.False(t, year.Official)
		for _, day := range year.Days {
			require.False(t, day.Official)
		}
	})

	t.Run("MovesOnlyWhatIsAheadAndUnsent", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.clock.set(d("2027-01-18").At(9, 0))
		moving := c.enrol("A-1", 70)  // three months on 7 February
		fixed := c.enrol("A-2", 70)   // moved by the officer to the 10th
		texted := c.enrol("A-3", 180) // the half year on 19 January: the village is asked now
		check := c.step(fixed.Recipient, "month-3")
		_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, d("2027-02-10"), "本人要求")
		require.NoError(t, err)
		require.NotEmpty(t, to(c.send(), contactPhone))
		before := c.dues(texted.Recipient)

		told := c.announce(of2027)
		require.Equal(t, d("2027-02-13").AddDays(2), c.dues(moving.Recipient)["month-3 1"], "the first day worked after the festival")
		require.Equal(t, d("2027-02-10"), c.dues(fixed.Recipient)["month-3 1"], "somebody agreed that day")
		require.Equal(t, before["month-6-village 1"], c.dues(texted.Recipient)["month-6-village 1"], "the village knows that day")
		require.Positive(t, told.CheckIns)
		require.Contains(t, c.kinds(moving.Recipient), "check_ins_moved")
		require.NotContains(t, c.kinds(fixed.Recipient), "check_ins_moved")
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'holidays_imported'"))
		require.Zero(t, c.count("SELECT count(*) FROM check_ins c WHERE c.state = 'planned' AND NOT c.fixed AND c.due BETWEEN '2027-02-05' AND '2027-02-12'"))
		c.keeps()
	})

	t.Run("MovesTheTextsOfWhatKeepsItsDate", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.clock.set(d("2027-02-02").At(9, 0))
		made := c.enrol("A-1", 82) // three months after 12 November is 10 February; reminders from the 4th
		check := c.step(made.Recipient, "month-3")
		_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, d("2027-02-16"), "本人要求")
		require.NoError(t, err)
		first := func() (at time.Time) {
			require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT min(not_before) FROM messages WHERE check_in_id = $1 AND dispatch = 'planned'", check.ID).Scan(&at))
			return at
		}
		require.True(t, first().Equal(d("2027-02-11").At(8, 30)), first())
		was := c.future()
		notice := c.announce(of2027)
		require.True(t, first().Equal(d("2027-02-03").At(8, 30)), "three working days before the 16th, over the festival: %s", first())
		_, err = c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), notice.Notice, carelog.ImportHolidaysOptions{})
		require.NoError(t, err)
		require.Equal(t, was, c.future())
	})

	t.Run("RollsBackToWhereItWas", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for i, paid := range []int{3, 15, 20, 60, 90, 170, 176, 250, 400} {
			c.enrol(fmt.Sprint("A-", i), paid)
		}
		was := c.future()
		notice := c.announce(of2027)
		require.Positive(t, notice.CheckIns)
		require.NotEqual(t, was, c.future())
		back, err := c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), notice.Notice, carelog.ImportHolidaysOptions{})
		require.NoError(t, err)
		require.Equal(t, notice.CheckIns, back.CheckIns)
		require.Equal(t, was, c.future())
		_, err = c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), notice.Notice, carelog.ImportHolidaysOptions{})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		c.keeps()
	})

	t.Run("APreviewKeepsNothingAndTellsWhatTheImportThenDoes", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for i, paid := range []int{3, 15, 20, 60, 90, 170} {
			c.enrol(fmt.Sprint("A-", i), paid)
		}
		was, audits := c.future(), c.count("SELECT count(*) FROM audit")
		shown, err := c.work.ImportHolidays(c.ctx(), carelog.TheSystem(), of2027, carelog.ImportHolidaysOptions{Preview: true})
		require.NoError(t, err)
		require.True(t, shown.Preview)
		require.Positive(t, shown.CheckIns)
		require.Len(t, shown.Moves, shown.CheckIns)
		require.Equal(t, []carelog.OfficeMoves{{Office: c.office, Name: "沂源县人民检察院", CheckIns: shown.CheckIns, Recipients: shown.Recipients}}, shown.Offices)
		require.Equal(t, was, c.future())
		require.Equal(t, audits, c.count("SELECT count(*) FROM audit"))
		require.Zero(t, c.count("SELECT count(*) FROM calendar_notices"))
		require.Zero(t, c.count("SELECT version FROM calendar_version"))
		done := c.announce(of2027)
		done.Notice, done.Preview = shown.Notice, true
		require.Equal(t, shown, done)
	})

	t.Run("TheSameAgainIsUnchanged", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		first := c.announce(of2027)
		again := c.announce(of2027)
		require.True(t, again.Unchanged)
		require.Equal(t, first.Notice, again.Notice)
		require.Equal(t, 1, c.count("SELECT count(*) FROM calendar_notices"))
	})

	t.Run("ACorrectedNoticeHoldsUntilItIsRolledBack", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 15)
		first := c.announce(of2027)
		second := c.announce(holidays(2027, span{"春节", "2027-02-05", "2027-02-16", true}))
		require.Equal(t, d("2027-02-17"), c.dues(made.Recipient)["month-3 1"])
		_, err := c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), first.Notice, carelog.ImportHolidaysOptions{})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), second.Notice, carelog.ImportHolidaysOptions{})
		require.NoError(t, err)
		require.Equal(t, d("2027-02-15"), c.dues(made.Recipient)["month-3 1"])
	})

	t.Run("NamesEveryProblemOfTheFileAndChangesNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 15)
		was := c.future()
		_, err := c.work.ImportHolidays(c.ctx(), carelog.TheSystem(), []byte(`{"year":2027,"papers":["https://x"],"days":[{"name":"春节","date":"2027-02-30","isOffDay":true},{"name":"","date":"2027-03-01","isOffDay":false}]}`), carelog.ImportHolidaysOptions{})
		var refused *carelog.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, carelog.Invalid, refused.Kind)
		var fields []string
		for _, f := range refused.Fields {
			fields = append(fields, f.Field)
			require.NotEmpty(t, f.Chinese)
		}
		require.Equal(t, []string{"days[0].date", "days[1].name", "days[1].isOffDay", "days"}, fields)
		require.Equal(t, was, c.future())
		require.Zero(t, c.count("SELECT count(*) FROM calendar_notices"))
	})

	t.Run("AnotherProcessPlansByItFromItsNextTransactionOn", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		other := c.another()
		year, err := other.Calendar(c.ctx(), c.officer, 2027)
		require.NoError(t, err)
		require.False(t, year.Official)
		notice := c.announce(of2027)
		made, err := other.EnrolRecipient(c.ctx(), c.officer, c.enrolment("A-1", 15))
		require.NoError(t, err)
		require.Equal(t, d("2027-02-15"), c.dues(made.Recipient)["month-3 1"])
		year, err = other.Calendar(c.ctx(), c.officer, 2027)
		require.NoError(t, err)
		require.True(t, year.Official)
		require.Equal(t, notice.Notice, year.Notices[0].ID)
		_, err = c.work.RollBackHolidays(c.ctx(), carelog.TheSystem(), notice.Notice, carelog.ImportHolidaysOptions{})
		require.NoError(t, err)
		made, err = other.EnrolRecipient(c.ctx(), c.officer, c.enrolment("A-2", 15))
		require.NoError(t, err)
		require.Equal(t, d("2027-02-09"), c.dues(made.Recipient)["month-3 1"])
	})

	t.Run("WhoEnrolsMeanwhileEndsOnTheNewDays", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		logs := []*carelog.Log{c.another(), c.another()}
		var group sync.WaitGroup
		errs := make([]error, 2)
		for i, log := range logs {
			group.Go(func() {
				for n := range 15 {
					if _, err := log.EnrolRecipient(c.ctx(), c.officer, c.enrolment(fmt.Sprint("A-", i, "-", n), 15)); err != nil {
						errs[i] = err
					}
				}
			})
		}
		c.announce(of2027)
		group.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		require.Equal(t, 30, c.count("SELECT count(*) FROM check_ins WHERE step = 'month-3' AND due = '2027-02-15' AND state = 'planned'"))
	})

	t.Run("OnlyTheTopOfficeAnnounces", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		below := c.addOffice("370324", "沂源县检察院二部", c.office)
		for _, by := range []carelog.Actor{c.officer, c.boss, c.addUser(below, "sun", "", carelog.SystemAdministrator)} {
			_, err := c.app.ImportHolidays(c.ctx(), by, of2027, carelog.ImportHolidaysOptions{})
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		made := c.enrol("A-1", 15)
		told, err := c.app.ImportHolidays(c.ctx(), c.admin, of2027, carelog.ImportHolidaysOptions{})
		require.NoError(t, err)
		require.Equal(t, d("2027-02-15"), c.dues(made.Recipient)["month-3 1"])
		c.addOffice("370100", "另一个上级院", carelog.OfficeID{})
		_, err = c.app.RollBackHolidays(c.ctx(), c.admin, told.Notice, carelog.ImportHolidaysOptions{})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "another tree moves with it")
		c.keeps()
	})
}

func TestClosures(t *testing.T) {
	t.Parallel()
	flood := func(c *county, from, until string) carelog.Closure {
		return carelog.Closure{Office: c.office, From: d(from), Until: d(until), Name: "防汛停办公", Reason: "disaster"}
	}

	t.Run("MovesOnlyThatOfficesAndThoseBelow", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		top := c.office
		below, beside := c.addOffice("370324", "二部", top), c.addOffice("370325", "三部", top)
		mine := c.enrol("A-1", 3) // receipt due on 28 November, a Saturday: Monday the 30th
		require.Equal(t, d("2026-11-30"), c.dues(mine.Recipient)["receipt 1"])
		closure := flood(c, "2026-11-30", "2026-12-01")
		closure.Office = beside
		system := carelog.TheSystem()
		told, err := c.work.CloseOffice(c.ctx(), system, closure)
		require.NoError(t, err)
		require.Zero(t, told.CheckIns)
		require.Len(t, told.Days, 2)
		require.Equal(t, d("2026-11-30"), c.dues(mine.Recipient)["receipt 1"])
		c.exec("UPDATE recipients SET office_id = $1", below)
		c.exec("UPDATE care_plans SET office_id = $1", below)
		c.exec("UPDATE check_ins SET office_id = $1", below)
		was := c.future()
		told, err = c.work.CloseOffice(c.ctx(), system, flood(c, "2026-11-30", "2026-12-01"))
		require.NoError(t, err)
		require.Equal(t, d("2026-12-02"), c.dues(mine.Recipient)["receipt 1"])
		require.Equal(t, below, told.Offices[0].Office)
		_, err = c.work.EndClosure(c.ctx(), system, told.Closure, false)
		require.NoError(t, err)
		require.Equal(t, was, c.future())
		_, err = c.work.EndClosure(c.ctx(), system, told.Closure, false)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		c.keeps()
	})

	t.Run("NothingIsOverdueUntilTheOfficeWorksAgain", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.clock.set(d("2026-11-30").At(9, 0))
		_, err := c.app.CloseOffice(c.ctx(), c.admin, flood(c, "2026-12-01", "2026-12-03"))
		require.NoError(t, err)
		for _, day := range []string{"2026-12-01", "2026-12-02", "2026-12-03"} {
			c.clock.set(d(day).At(9, 0))
			require.NoError(t, c.markOverdue())
			require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE state = 'overdue'"), day)
			due := c.checkIns(made.Recipient, "due")
			require.Equal(t, "receipt", due[0].Step)
			require.EqualValues(t, "due", due[0].Standing)
			require.Empty(t, c.checkIns(made.Recipient, "overdue"))
			c.keeps()
		}
		c.clock.set(d("2026-12-04").At(9, 0))
		late := c.checkIns(made.Recipient, "overdue")
		require.Len(t, late, 1)
		require.EqualValues(t, "overdue", late[0].Standing)
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE state = 'overdue'"))
		c.keeps()
	})

	t.Run("AWorkedSaturdayMakesFridaysCheckInOverdue", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 0) // receipt due on Tuesday, 1 December
		c.exec("UPDATE check_ins SET due = '2026-11-27', opens = '2026-11-24', fixed = true WHERE step = 'receipt'")
		closure := flood(c, "2026-11-28", "2026-11-28")
		closure.Worked, closure.Reason = true, "emergency_work"
		_, err := c.app.CloseOffice(c.ctx(), c.admin, closure)
		require.NoError(t, err)
		c.clock.set(d("2026-11-28").At(9, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE state = 'overdue'"))
	})

	t.Run("AnEscalationOutlivesTheClosure", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 0) // due on 1 December
		c.clock.set(d("2026-12-02").At(9, 0))
		require.NoError(t, c.markOverdue()) // the head would be told on 8 December
		_, err := c.app.CloseOffice(c.ctx(), c.admin, flood(c, "2026-12-07", "2026-12-25"))
		require.NoError(t, err)
		told := func() int {
			return c.count("SELECT count(*) FROM messages WHERE purpose = 'supervisor_notice' AND dispatch = 'accepted'")
		}
		for day := d("2026-12-07"); day.Before(d("2026-12-29")); day = day.AddDays(1) {
			c.clock.set(day.At(9, 0))
			c.sweep()
			require.Zero(t, told(), day)
			c.keeps()
		}
		c.clock.set(d("2026-12-29").At(9, 0)) // the fifth working day that there was
		c.sweep()
		require.Equal(t, 1, told())
		c.keeps()
	})

	t.Run("AReminderOfADateThatWasClosedIsOverWithIt", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 0) // due on 1 December: reminders on 26 November and on the day
		c.clock.set(d("2026-11-26").At(9, 0))
		require.NotEmpty(t, to(c.send(), officerPhone))
		c.clock.set(d("2026-11-30").At(9, 0))
		_, err := c.app.CloseOffice(c.ctx(), c.admin, flood(c, "2026-12-01", "2026-12-02"))
		require.NoError(t, err)
		require.Equal(t, d("2026-12-01"), c.dues(made.Recipient)["receipt 1"], "the officer was told that day")
		c.clock.set(d("2026-12-01").At(9, 0))
		require.Equal(t, 1, c.claim().Expired)
		c.clock.set(d("2026-12-03").At(9, 0))
		sent := to(c.send(), officerPhone)
		require.Contains(t, sent[0].Text, "逾期")
		for _, out := range sent {
			require.NotContains(t, out.Text, "12月1日")
		}
		c.keeps()
	})

	t.Run("RefusesWhatMakesNoSense", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for name, change := range map[string]func(*carelog.Closure){
			"from":   func(x *carelog.Closure) { x.From = d("2026-11-23") },
			"until":  func(x *carelog.Closure) { x.Until = d("2026-11-29") },
			"name":   func(x *carelog.Closure) { x.Name = " " },
			"reason": func(x *carelog.Closure) { x.Reason = "tired" },
		} {
			closure := flood(c, "2026-11-30", "2026-12-01")
			change(&closure)
			_, err := c.app.CloseOffice(c.ctx(), c.admin, closure)
			var refused *carelog.Error
			require.ErrorAs(t, err, &refused, name)
			require.Equal(t, name, refused.Fields[0].Field)
		}
		_, err := c.app.CloseOffice(c.ctx(), c.boss, flood(c, "2026-11-30", "2026-12-01"))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Zero(t, c.count("SELECT count(*) FROM office_closures"))
	})
}
