package carelog_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// What went wrong in other systems of this kind, each named after what goes right here.
func TestWhatWentWrongElsewhere(t *testing.T) {
	t.Parallel()
	thursday := calendar.New(2026, time.November, 26).At(8, 30) // the receipt call is due soon: its officer is reminded

	t.Run("ThreeDueTasksOfOneOfficerAllGoOut", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for i := range 3 {
			c.enrol(fmt.Sprint("A-", i), 3)
		}
		c.clock.set(thursday)
		c.plan()
		require.NotEmpty(t, to(c.send(), officerPhone))
		require.Equal(t, 3, c.count("SELECT count(DISTINCT recipient_id) FROM messages WHERE purpose = 'officer_reminder' AND dispatch = 'accepted'"))
	})

	t.Run("ALeaverFirstInTheListStopsNobody", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		const wangPhone = "+8615400000204"
		c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		c.enrol("A-1", 3)
		e := c.enrolment("A-2", 3)
		e.Officer = "wang"
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		c.exec("UPDATE users SET state = 'left' WHERE login = 'li'")
		c.clock.set(thursday)
		c.plan()
		claimed := c.send()
		require.Empty(t, to(claimed, officerPhone))
		require.Len(t, to(claimed, wangPhone), 1)
	})

	t.Run("AFailingCarrierLeavesTheRequestUnsaid", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Temporary})
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "planned", state)
		require.NotContains(t, c.kinds(made.Recipient), "message_accepted")
		c.later(time.Minute)
		require.Len(t, to(c.send(), contactPhone), 1, "it is said when the carrier takes it")
		require.Contains(t, c.kinds(made.Recipient), "message_accepted")
	})

	t.Run("AFailedReminderIsNotSentDaily", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Refused})
		check := c.village(made.Recipient)
		tried := 1
		for day := range 20 {
			c.clock.set(calendar.Of(tuesday).AddDays(day).At(15, 0))
			c.plan()
			for _, again := range to(c.claim(), contactPhone) {
				tried++
				c.answered([]carelog.Outgoing{again}, carelog.Receipt{Class: carelog.Refused})
			}
		}
		require.LessOrEqual(t, tried, 2, "the request and its one repeat")
		require.Equal(t, tried, c.count("SELECT count(*) FROM tasks WHERE kind = 'message_failed' AND check_in_id = $1", check.ID))
		require.LessOrEqual(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'village_request'", check.ID), 2)
	})

	t.Run("AThreeDayOutageIsCaughtUp", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 176)
		c.enrol("A-2", 3)
		c.clock.set(calendar.Of(tuesday).AddDays(3).At(9, 0)) // no sweep ran since Tuesday
		require.NoError(t, c.markOverdue())
		c.plan()
		claimed := c.send()
		require.Len(t, to(claimed, contactPhone), 1, "the request and its repeat are one")
		require.NotEmpty(t, to(claimed, officerPhone))
		require.Zero(t, c.count(`SELECT count(*) FROM (SELECT check_in_id FROM messages WHERE purpose = 'officer_reminder' AND dispatch = 'accepted'
			GROUP BY check_in_id HAVING count(*) > 1) twice`))
		c.later(time.Minute)
		require.Empty(t, c.send().Send, "once")
		c.keeps()
	})

	t.Run("ARestartBetweenDuplicatesChangesNothing", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		in := carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO-1", From: contactPhone, To: lineNumber, Text: code + " 1"}
		report := carelog.Report{Carrier: "twilio", CarrierMessageID: "SM-1", Status: "sent", Delivery: "sent"}
		for _, log := range []*carelog.Log{c.app, c.another(), c.another()} {
			require.NoError(t, log.StoreReply(c.ctx(), in))
			require.NoError(t, log.StoreReport(c.ctx(), report))
			c.receive()
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM inbound_messages"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM delivery_reports"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM history WHERE kind = 'reply_received'"))
	})

	t.Run("ATenDayOutageLosesNoTextAndSaysWhyOneExpired", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176) // due on the 30th, its request planned for today
		c.clock.set(calendar.Of(tuesday).AddDays(10).At(9, 0))
		require.NoError(t, c.markOverdue())
		c.plan()
		require.Empty(t, to(c.send(), contactPhone), "a request for a day that has passed")
		require.Equal(t, "overdue", c.village(made.Recipient).State, "the work is not gone with its texts")
		expired := 0
		for _, m := range c.messages(made.Recipient) {
			if m.Purpose == "village_request" {
				require.Equal(t, "expired", m.Dispatch)
				require.Contains(t, m.DispatchReason, "its time had passed: the deadline was 2026-11-30")
				expired++
			}
		}
		require.Equal(t, 2, expired, "the request and its repeat")
		require.Contains(t, c.kinds(made.Recipient), "message_expired")
		c.sweep()
		require.Equal(t, schedule.Phone, c.village(made.Recipient).Kind, "the officer asks")
		c.keeps()
	})

	t.Run("FiftyEnrolmentsAtOnceAreFiftyFiles", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		var group sync.WaitGroup
		failed := make([]error, 50)
		for i := range failed {
			group.Go(func() { _, failed[i] = c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment(fmt.Sprint("A-", i), 176)) })
		}
		group.Wait()
		for _, err := range failed {
			require.NoError(t, err)
		}
		require.Equal(t, 50, c.count("SELECT count(DISTINCT external_id) FROM recipients"))
		require.Equal(t, 50, c.count("SELECT count(DISTINCT recipient_id) FROM care_plans WHERE state = 'active'"))
		c.keeps()
	})

	t.Run("ReopenedTwiceTheLastReopeningCounts", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		for year := range 2 {
			c.clock.set(tuesday.AddDate(year, 0, 0))
			c.closed(made)
			c.clock.set(tuesday.AddDate(year, 6, 0))
			require.NoError(t, second(c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "再次困难")))
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE id = $1 AND reopened_on = '2028-05-24'", made.Plan))
		_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
		require.Contains(t, unmet(t, err), "exit.last_two_visits", "what was well between the two proves nothing now")
	})

	t.Run("CodesDrawnAtOnceAreDistinct", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		const asks = 50
		for i := range asks {
			e := c.enrolment(fmt.Sprint("A-", i), 176)
			e.Primary = c.addContact("赵某", fmt.Sprintf("+8615400001%03d", i))
			_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.NoError(t, err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for n := 1; n > 0; {
					claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 3)
					if n = claimed.Looked(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		require.Equal(t, asks, c.count("SELECT count(DISTINCT code) FROM asks WHERE purpose = 'village_request'"))
		require.Equal(t, asks, c.count("SELECT count(*) FROM task_codes t JOIN asks a ON a.id = t.ask_id AND a.code = t.code WHERE a.purpose = 'village_request'"))
	})
}
