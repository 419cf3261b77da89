package carelog_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestSending(t *testing.T) {
	t.Parallel()

	t.Run("SundayNightSendsNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 176)
		c.clock.set(calendar.New(2026, time.November, 29).At(23, 30))
		require.Empty(t, c.claim().Send)
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE dispatch IN ('sending', 'accepted')"))
	})

	t.Run("DefersOutsideTheWindowWithAReason", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.clock.set(calendar.New(2026, time.November, 24).At(12, 30)) // noon: officers and villages both rest
		claimed := c.claim()
		require.Empty(t, claimed.Send)
		require.Positive(t, claimed.Deferred)
		noon := c.clock.now()
		for _, m := range c.messages(made.Recipient) {
			require.Equal(t, "planned", m.Dispatch)
			require.True(t, m.NotBefore.After(noon))
		}
		require.Equal(t, claimed.Deferred, c.count("SELECT count(*) FROM messages WHERE reason LIKE 'outside %hours%'"))
		c.clock.set(calendar.New(2026, time.November, 24).At(14, 30))
		require.Len(t, to(c.send(), contactPhone), 1)
		c.keeps()
	})

	t.Run("OptedOutContactBecomesTheOfficersWork", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.exec("UPDATE numbers SET opted_out_at = $1", tuesday)
		require.Empty(t, to(c.send(), contactPhone))
		require.Positive(t, c.tasks("contact_opted_out"))
		require.Positive(t, c.plan())
		require.Equal(t, 1, c.tasks("contact_missing"))
		check := c.village(made.Recipient)
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'planned'", check.ID))
		c.clock.set(calendar.New(2026, time.November, 25).At(8, 30))
		require.NotEmpty(t, to(c.send(), officerPhone))
		c.keeps()
	})

	t.Run("BackupContactTakesOver", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		const backupPhone = "+8615400000103"
		e := c.enrolment("A-1", 176)
		e.Backup = c.addContact("钱某", backupPhone)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		first := to(c.claim(), contactPhone)
		require.Len(t, first, 1)
		c.answered(first, carelog.Receipt{Class: carelog.Unreachable, Code: "21614"})
		require.Equal(t, 1, c.tasks("message_failed"))
		require.Positive(t, c.plan())
		claimed := c.send()
		require.Len(t, to(claimed, backupPhone), 1)
		require.Empty(t, to(claimed, contactPhone))
		c.keeps()
	})

	t.Run("ThreeRequestsANumberADay", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for _, id := range []string{"A-1", "A-2", "A-3", "A-4", "A-5"} {
			c.enrol(id, 176)
		}
		claimed := c.send()
		require.Len(t, to(claimed, contactPhone), 3)
		require.Equal(t, 2, claimed.Deferred)
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE reason = 'the number had 3 texts today' AND not_before = $1",
			calendar.New(2026, time.November, 25).At(9, 0)))
		c.clock.set(calendar.New(2026, time.November, 25).At(9, 0))
		require.Len(t, to(c.send(), contactPhone), 2)
		c.keeps()
	})

	t.Run("EightRequestsANumberInSevenDays", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		sent := 0
		for day := range 4 { // Tuesday to Friday
			c.clock.set(calendar.Of(tuesday).AddDays(day).At(9, 0))
			for n := range 3 {
				c.enrol(fmt.Sprint("A-", day, n), 176)
			}
			sent += len(to(c.send(), contactPhone))
		}
		require.Equal(t, 8, sent)
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE reason = 'the number had 8 texts in seven days' AND not_before = $1", calendar.New(2026, time.November, 30).At(9, 0)))
	})

	t.Run("WhatIsOnItsWayCountsInTheBudget", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for _, id := range []string{"A-1", "A-2", "A-3"} {
			c.enrol(id, 176)
		}
		require.Len(t, to(c.claim(), contactPhone), 3) // the carrier has not answered yet
		c.enrol("A-4", 176)
		require.Empty(t, to(c.claim(), contactPhone))
	})

	t.Run("PeopleWhoShareAPhoneShareItsBudget", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		other := c.addContact("钱某", contactPhone)
		for i, id := range []string{"A-1", "A-2", "A-3", "A-4"} {
			e := c.enrolment(id, 176)
			if i >= 2 {
				e.Primary = other
			}
			_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.NoError(t, err)
		}
		require.Len(t, to(c.send(), contactPhone), 3)
	})

	t.Run("ClosedAndPausedPlansSendNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		paused, closed := c.enrol("A-1", 176), c.enrol("A-2", 176)
		_, err := c.app.PausePlan(c.ctx(), c.officer, paused.Plan, calendar.New(2026, time.December, 24), "在外地治病")
		require.NoError(t, err)
		c.closed(closed)
		require.Zero(t, c.claim().Looked())
		require.Zero(t, c.plan())
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND dispatch = 'cancelled' AND dispatch_reason = 'the plan was paused'", paused.Recipient))
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND dispatch = 'cancelled' AND dispatch_reason = 'the plan was closed'", closed.Recipient))
		c.keeps()
	})

	t.Run("ALateTextExpiresAndSaysSo", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.clock.set(calendar.New(2026, time.December, 4).At(10, 0)) // ten days nobody swept
		claimed := c.send()
		require.Positive(t, claimed.Expired)
		require.Empty(t, to(claimed, contactPhone))
		require.Equal(t, claimed.Expired, c.count("SELECT count(*) FROM messages WHERE dispatch = 'expired' AND dispatch_reason LIKE 'its time had passed: the deadline was 2026-%'"))
		require.Contains(t, c.kinds(made.Recipient), "message_expired")
		c.keeps()
	})

	t.Run("AMovedCheckInDropsTheOldTextsAndPlansNewOnes", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		check := c.village(made.Recipient)
		due := calendar.New(2026, time.December, 15)
		moved, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, due, "村干部外出")
		require.NoError(t, err)
		require.Equal(t, due, moved.Due)
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'planned' AND not_before < $2", check.ID, calendar.New(2026, time.December, 8).At(9, 0)))
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'planned'", check.ID))
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'cancelled' AND dispatch_reason = 'the check-in was moved'", check.ID))
		require.Empty(t, to(c.send(), contactPhone))
		require.Contains(t, c.kinds(made.Recipient), "check_in_rescheduled")
		c.keeps()
	})

	t.Run("AnOfficerWhoLeftIsNotPlannedForEverAgain", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 3)
		c.exec("UPDATE users SET state = 'left' WHERE login = 'li'")
		c.clock.set(calendar.New(2026, time.November, 26).At(8, 30))
		for range 4 {
			c.claim()
			c.plan()
		}
		require.LessOrEqual(t, c.tasks("contact_unreachable"), 2, "the same text is planned and dropped again and again")
	})
}

// P3: two drains of one line at once share nothing, and each text goes out once.
func TestClaimsShareNothing(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	const people = 12
	for i := range people {
		phone := contactPhone[:len(contactPhone)-2] + string(rune('3'+i/10)) + string(rune('0'+i%10))
		e := c.enrolment("A-"+phone, 176)
		e.Primary = c.addContact("赵某", phone)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
	}
	var mu sync.Mutex
	times := map[carelog.MessageID]int{}
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for {
				claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 3)
				if err != nil || claimed.Looked() == 0 {
					return
				}
				mu.Lock()
				for _, out := range claimed.Send {
					times[out.ID]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	c.send() // what locked rows hid from the last look
	require.GreaterOrEqual(t, len(times), people)
	for _, n := range times {
		require.Equal(t, 1, n)
	}
	require.Zero(t, c.count(`SELECT count(*) FROM (SELECT a.ask_id, a.round FROM message_asks a JOIN messages m ON m.id = a.message_id
		WHERE m.dispatch IN ('sending', 'accepted') GROUP BY 1, 2 HAVING count(*) > 1) twice`))
}
