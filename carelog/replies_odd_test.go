package carelog_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestOddReplies(t *testing.T) {
	t.Parallel()

	t.Run("StopEndsTextsButForOneAnswer", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.reply(contactPhone, "退订")
		require.Equal(t, 1, c.count("SELECT count(*) FROM numbers WHERE opted_out_at IS NOT NULL"))
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id = $1 AND state = 'open'", c.contact))
		require.Contains(t, c.kinds(made.Recipient), "contact_opted_out")
		require.Equal(t, 1, c.tasks("contact_opted_out"))
		goodbye := to(c.send(), contactPhone)
		require.Len(t, goodbye, 1)
		require.Contains(t, goodbye[0].Text, "已停止")
		c.plan()
		for day := 25; day <= 30; day++ {
			c.clock.set(calendar.New(2026, time.November, day).At(9, 30))
			require.Empty(t, to(c.send(), contactPhone))
		}
		check := c.village(made.Recipient)
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'accepted'", check.ID))
		c.keeps()
	})

	t.Run("StopLeavesTheSupervisorsEscalationRunning", func(t *testing.T) {
		t.Parallel()
		c, made := overdueVillage(t)
		c.reply(contactPhone, "退订")
		require.Equal(t, 1, c.escalations(c.village(made.Recipient).ID))
		c.keeps()
	})

	t.Run("NotSeenLeavesTheSupervisorsEscalationRunning", func(t *testing.T) {
		t.Parallel()
		c, made := overdueVillage(t)
		c.reply(contactPhone, "3")
		require.Equal(t, 1, c.escalations(c.village(made.Recipient).ID))
	})

	t.Run("AnotherContactLeavesTheSupervisorsEscalationRunning", func(t *testing.T) {
		t.Parallel()
		c, made := overdueVillage(t)
		c.reply(contactPhone, "4")
		require.Equal(t, 1, c.escalations(c.village(made.Recipient).ID))
	})

	t.Run("StopOfASharedPhoneIsOfEverybodyOnIt", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.addContact("钱某", contactPhone)
		c.addContact("孙某", "+8615400000102")
		c.reply(contactPhone, "TD")
		require.Equal(t, 2, c.count("SELECT count(*) FROM village_contacts k JOIN numbers n ON n.phone_index = k.phone_index WHERE n.opted_out_at IS NOT NULL"))
		require.Len(t, to(c.send(), contactPhone), 1)
	})

	t.Run("AStopWordInsideASentenceIsNone", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "他家的医保退订了怎么办")
		require.Zero(t, c.count("SELECT count(*) FROM numbers WHERE opted_out_at IS NOT NULL"))
	})

	t.Run("StartMakesTheNumberTextableAgain", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "TD")
		c.send()
		c.later(time.Minute)
		c.reply(contactPhone, "恢复")
		require.Zero(t, c.count("SELECT count(*) FROM numbers WHERE opted_out_at IS NOT NULL"))
		require.Len(t, to(c.send(), contactPhone), 1)
		c.enrol("A-2", 176)
		require.Len(t, to(c.send(), contactPhone), 1)
	})

	t.Run("OnlyAnEmojiIsAnsweredAndTriaged", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, "👍🙏")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, "没看懂")
		require.Contains(t, answers[0].Text, code)
		tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Equal(t, "👍🙏", tasks[0].Said)
	})

	t.Run("TwoAutomaticAnswersADayAtMost", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		for range 5 {
			c.later(time.Minute)
			c.reply(contactPhone, code+" 1")
			c.send()
		}
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'accepted'"))
		require.Equal(t, 3, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'cancelled' AND dispatch_reason = 'no more than 2 automatic answers to a number a day'"))
		c.clock.set(calendar.New(2026, time.November, 25).At(9, 0))
		c.reply(contactPhone, code+" 1")
		require.Len(t, to(c.send(), contactPhone), 1)
		c.keeps()
	})

	t.Run("AnAnswerNobodyNeedsAnyMoreIsNoPersonsWork", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.clock.set(calendar.New(2026, time.November, 24).At(22, 0))
		c.reply(contactPhone, "👍")
		c.later(time.Minute)
		c.reply(contactPhone, code+" 1")
		c.clock.set(calendar.New(2026, time.November, 25).At(8, 30))
		c.send()
		require.Zero(t, c.tasks("message_failed"), "the request was answered meanwhile")
	})

	t.Run("AnAnswerInTheEveningWaitsUntilHalfPastEight", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.clock.set(calendar.New(2026, time.November, 27).At(22, 0)) // a Friday: answers go on any day
		c.reply(contactPhone, code+" 1")
		require.Empty(t, to(c.send(), contactPhone))
		c.clock.set(calendar.New(2026, time.November, 28).At(8, 29))
		require.Empty(t, to(c.send(), contactPhone))
		c.clock.set(calendar.New(2026, time.November, 28).At(8, 30))
		require.Len(t, to(c.send(), contactPhone), 1)
	})

	t.Run("TwoPeopleOnOnePhoneAreToldApartByTheirCodes", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-2", 176)
		e.Primary = c.addContact("钱某", contactPhone)
		first := c.enrol("A-1", 176)
		second, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		c.send()
		var code string
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT code FROM asks WHERE recipient_id = $1 AND code IS NOT NULL", second.Recipient).Scan(&code))
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "planned", c.village(first.Recipient).State)
		require.Equal(t, "done", c.village(second.Recipient).State)
		c.keeps()
	})

	t.Run("ARepeatedCarrierIDIsStoredOnce", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				err := c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO1", From: contactPhone, To: lineNumber, Text: code + " 1"})
				require.NoError(t, err)
			})
		}
		group.Wait()
		require.Equal(t, 1, c.count("SELECT count(*) FROM inbound_messages"))
		require.Len(t, c.queue.replies, 1)
		c.receive()
		require.Equal(t, 1, c.count("SELECT count(*) FROM history WHERE kind = 'reply_received' AND recipient_id = $1", made.Recipient))
	})

	t.Run("ReceivingTwiceChangesNothing", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO1", From: contactPhone, To: lineNumber, Text: code + " 2"}))
		id := c.queue.replies[0]
		c.receive()
		before := c.count("SELECT count(*) FROM history") + c.count("SELECT count(*) FROM messages") + c.count("SELECT count(*) FROM tasks")
		require.NoError(t, c.work.ReceiveReply(c.ctx(), id))
		require.Equal(t, before, c.count("SELECT count(*) FROM history")+c.count("SELECT count(*) FROM messages")+c.count("SELECT count(*) FROM tasks"))
	})
}

// overdueVillage is a county with an overdue village check-in whose supervisor
// will hear of it; the contact was asked.
func overdueVillage(t *testing.T) (*county, carelog.Enrolled) {
	t.Helper()
	c, made, _ := asked(t)
	c.clock.set(calendar.New(2026, time.December, 2).At(9, 30))
	_, err := c.work.MarkOverdue(c.ctx(), 100)
	require.NoError(t, err)
	check := c.village(made.Recipient)
	require.Equal(t, "overdue", check.State)
	require.Equal(t, 1, c.escalations(check.ID))
	return c, made
}

// escalations counts the escalations of a check-in that run.
func (c *county) escalations(id carelog.CheckInID) int {
	c.t.Helper()
	return c.count("SELECT count(*) FROM escalations WHERE check_in_id = $1 AND state = 'running'", id)
}
