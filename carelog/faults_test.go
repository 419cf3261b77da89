package carelog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// stuckOne is the one message whose outcome nobody knows once its process is gone.
func (c *county) stuckOne() carelog.Stuck {
	c.t.Helper()
	c.later(carelog.SettlingTime + carelog.ListLag)
	stuck, err := c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 50)
	require.NoError(c.t, err)
	require.Len(c.t, stuck, 1)
	return stuck[0]
}

// What crashes, frozen processes, outages and gaps in the staff do to the promises.
func TestFaults(t *testing.T) {
	t.Parallel()

	t.Run("AFrozenProcessThatWakesDoesNotUndoWhatAnotherSent", func(t *testing.T) {
		t.Parallel()
		c, _, frozen := onTheWire(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), c.stuckOne(), carelog.NotThere))
		c.later(time.Minute)
		another := c.claim().Send
		require.Len(t, another, 1)
		c.answered([]carelog.Outgoing{frozen}, carelog.Receipt{Class: carelog.Temporary}) // it wakes, its context over
		c.later(2 * time.Minute)
		require.Empty(t, c.claim().Send, "the other has it on the wire")
		c.answered(another, carelog.Receipt{Delivery: "queued"})
		state, _ := c.dispatch(frozen.ID)
		require.Equal(t, "accepted", state)
		c.later(10 * time.Minute)
		require.Empty(t, c.claim().Send, "said once")
	})

	t.Run("AfterAnOutageTheRequestAndItsRepeatDoNotGoOutTogether", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176) // the request is due today, the repeat on Thursday
		c.plan()
		c.clock.set(tuesday.AddDate(0, 0, 2)) // nobody sent anything for two days
		require.Len(t, to(c.send(), contactPhone), 1, "once")
		c.later(time.Hour)
		require.Empty(t, to(c.send(), contactPhone), "nor an hour later")
		check := c.village(made.Recipient)
		c.clock.set(calendar.Official().AddWorkdays(calendar.Of(tuesday), 4).At(9, 0))
		require.Len(t, to(c.send(), contactPhone), 1, "the repeat keeps its distance, and is not past %s", check.Due)
		c.keeps()
	})

	t.Run("ALateYesCountsThoughTheTextIsPlannedAgain", func(t *testing.T) {
		t.Parallel()
		c, _, frozen := onTheWire(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), c.stuckOne(), carelog.NotThere))
		state, _ := c.dispatch(frozen.ID)
		require.Equal(t, "planned", state)
		c.answered([]carelog.Outgoing{frozen}, carelog.Receipt{Delivery: "queued"})
		state, _ = c.dispatch(frozen.ID)
		require.Equal(t, "accepted", state)
		c.later(10 * time.Minute)
		require.Empty(t, c.claim().Send, "said once")
	})

	// twins is a text in doubt beside an earlier one with the same words to the same number.
	twins := func(t *testing.T) (c *county, earlier, doubted carelog.Outgoing) {
		t.Helper()
		c, _, code := asked(t)
		c.reply(contactPhone, code+" 1")
		first := c.send().Send
		require.Len(t, first, 1)
		c.reply(contactPhone, code+" 1")
		second := c.claim().Send
		require.Len(t, second, 1)
		require.Equal(t, first[0].Text, second[0].Text)
		c.answered(second, carelog.Receipt{Class: carelog.Ambiguous})
		return c, first[0], second[0]
	}

	t.Run("ATwinOfAnotherTextIsNotTakenForIt", func(t *testing.T) {
		t.Parallel()
		c, earlier, doubted := twins(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), c.stuckOne(), carelog.Found, carelog.Candidate{CarrierMessageID: "SM" + earlier.ID.String(), Delivery: "delivered"}))
		state, _ := c.dispatch(doubted.ID)
		require.Equal(t, "planned", state, "the carrier has the other one only")
	})

	t.Run("TheTwinThatIsNobodyElsesIsTaken", func(t *testing.T) {
		t.Parallel()
		c, earlier, doubted := twins(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), c.stuckOne(), carelog.Found,
			carelog.Candidate{CarrierMessageID: "SM" + earlier.ID.String(), Delivery: "delivered"}, carelog.Candidate{CarrierMessageID: "SM-ours", Delivery: "sent"}))
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE id = $1 AND carrier_message_id = 'SM-ours' AND dispatch = 'accepted'", doubted.ID))
	})

	t.Run("ATwinTheCarrierReportedOnAsAnothersIsNotTaken", func(t *testing.T) {
		t.Parallel()
		c, earlier, doubted := twins(t)
		c.report("SM-again", earlier.ID.String(), "sent")
		require.NoError(t, c.work.SettleMessage(c.ctx(), c.stuckOne(), carelog.Found, carelog.Candidate{CarrierMessageID: "SM-again", Delivery: "sent"}))
		state, _ := c.dispatch(doubted.ID)
		require.Equal(t, "planned", state)
	})

	t.Run("AnErasedFileHoldsUpNoOthersText", func(t *testing.T) {
		t.Parallel()
		for _, erase := range []string{"UPDATE recipients SET data_key = NULL WHERE id = $1", "UPDATE village_contacts SET data_key = NULL WHERE id <> $1"} {
			c := newCounty(t)
			gone := c.enrol("A-1", 176)
			other := c.addContact("钱某", newPhone)
			c.enrolWith("A-2", other, carelog.ContactID{})
			id := any(gone.Recipient)
			if strings.Contains(erase, "village_contacts") {
				id = other
			}
			c.exec(erase, id)
			require.Len(t, to(c.claim(), newPhone), 1)
			require.Positive(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'cancelled' AND dispatch_reason LIKE '%erased'"))
		}
	})

	t.Run("AListThatLagsIsAskedAgainBeforeATextGoesTwice", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.later(carelog.SettlingTime + time.Second)
		stuck, err := c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 10)
		require.NoError(t, err)
		require.Len(t, stuck, 1)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck[0], carelog.NotThere))
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "sending", state, "the list may not show it yet")
		c.later(carelog.ListLag)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck[0], carelog.Found, carelog.Candidate{CarrierMessageID: "SM-late", Delivery: "sent"}))
		state, _ = c.dispatch(out.ID)
		require.Equal(t, "accepted", state)
	})

	t.Run("AnOutageOfTwentyMinutesFailsNoText", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		tries := 1
		for began, on := c.clock.now(), []carelog.Outgoing{out}; c.clock.now().Sub(began) < 20*time.Minute; on = c.claim().Send {
			if len(on) > 0 {
				tries = on[0].Try
				c.answered(on, carelog.Receipt{Class: carelog.Temporary})
				state, _ := c.dispatch(out.ID)
				require.Equal(t, "planned", state)
			}
			c.later(30 * time.Second)
		}
		require.Greater(t, tries, 3)
		c.later(15 * time.Minute)
		require.Len(t, c.send().Send, 1, "the carrier is back")
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "accepted", state)
		require.Zero(t, c.tasks("message_failed"))
	})

	t.Run("AReplyWhoseJobWasLostIsLeftToAPerson", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "X1", From: contactPhone, To: lineNumber, Text: code + " 1"}))
		c.queue.replies = nil // given up after its tenth attempt
		found, err := c.work.RecoverReplies(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, found, "its job may still be at it")
		c.later(16 * time.Minute)
		found, err = c.work.RecoverReplies(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 1, found)
		require.Equal(t, 1, c.tasks("triage"))
		require.Zero(t, c.count("SELECT count(*) FROM inbound_messages WHERE state = 'stored'"))
		found, err = c.work.RecoverReplies(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, found)
	})

	t.Run("WithoutASupervisorATaskSaysSo", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 3)
		c.exec("DELETE FROM grants WHERE role = 'supervisor'")
		c.clock.set(tuesday.AddDate(0, 0, 8))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.tasks("supervisor_missing"))
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'supervisor_notice'"))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.tasks("supervisor_missing"))
	})

	t.Run("ANoticeNobodyGotInTimeBecomesATask", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 3)
		c.clock.set(tuesday.AddDate(0, 0, 15))
		require.NoError(t, c.markOverdue())
		c.clock.set(tuesday.AddDate(0, 0, 40)) // nothing was sent for a month
		c.claim()
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'supervisor_notice' AND dispatch = 'expired'"))
		require.Positive(t, c.tasks("message_failed"))
	})

	t.Run("NewTextsGoByTheNumberOfTheLastStart", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.later(time.Second)
		line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "twilio", "+8615400000888", carelog.OfficeID{})
		require.NoError(t, err)
		c.enrol("A-1", 176)
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE line_id = $1", line))
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE line_id <> $1", line))
	})

	t.Run("DrainsSideBySideKeepOneBudget", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for i := range 8 {
			c.enrol(fmt.Sprint("A-", i), 176)
		}
		drain := func() error { return second(c.work.ClaimMessages(c.ctx(), c.line, 2)) }
		one, other := c.lineUp("SELECT FROM lines WHERE id = $1 FOR UPDATE", c.line, drain, drain)
		require.NoError(t, one)
		require.NoError(t, other)
		require.Equal(t, 3, c.count("SELECT count(*) FROM messages WHERE dispatch = 'sending' AND purpose = 'village_request'"))
	})
}
