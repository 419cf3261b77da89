package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// onTheWire is a county with one village request the carrier was just handed.
func onTheWire(t *testing.T) (*county, carelog.Enrolled, carelog.Outgoing) {
	t.Helper()
	c := newCounty(t)
	made := c.enrol("A-1", 176)
	claimed := c.claim()
	require.Len(t, claimed.Send, 1)
	return c, made, claimed.Send[0]
}

// later moves the clock on.
func (c *county) later(d time.Duration) { c.clock.set(c.clock.now().Add(d)) }

func TestReceipts(t *testing.T) {
	t.Parallel()

	t.Run("TakenIsAcceptedAndInTheHistory", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		state, reason := c.dispatch(out.ID)
		require.Equal(t, "accepted", state)
		require.Equal(t, "taken by the carrier", reason)
		require.Contains(t, c.kinds(made.Recipient), "message_accepted")
		c.keeps()
	})

	t.Run("ThrottledIsTriedWithBackOffUntilItsDeadlineAndThenAPersonDoesIt", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		var deadline time.Time
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT deadline FROM messages WHERE id = $1", out.ID).Scan(&deadline))
		throttled := func() string {
			c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Throttled, Code: "20429"})
			state, _ := c.dispatch(out.ID)
			return state
		}
		var waited time.Duration
		for try := 1; try <= 7; try++ { // an outage of an hour fails nobody's text
			require.Equal(t, try, out.Try)
			require.Equal(t, "planned", throttled())
			var notBefore time.Time
			require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT not_before FROM messages WHERE id = $1", out.ID).Scan(&notBefore))
			wait := notBefore.Sub(c.clock.now())
			require.GreaterOrEqual(t, wait, waited)
			require.LessOrEqual(t, wait, 15*time.Minute)
			waited = wait
			require.Empty(t, c.claim().Send) // not before it is time
			c.later(wait)
			claimed := c.claim()
			require.Len(t, claimed.Send, 1)
			out = claimed.Send[0]
		}
		c.clock.set(deadline.Add(-time.Minute))
		require.Equal(t, "failed", throttled())
		_, reason := c.dispatch(out.ID)
		require.Equal(t, "the carrier said throttled 20429", reason)
		require.Equal(t, 1, c.tasks("message_failed"))
		require.Contains(t, c.kinds(made.Recipient), "message_failed")
		c.keeps()
	})

	t.Run("TheCarriersOwnWaitIsKept", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Throttled, RetryAfter: 20 * time.Minute})
		c.later(19 * time.Minute)
		require.Empty(t, c.claim().Send)
		c.later(time.Minute)
		require.Len(t, c.claim().Send, 1)
	})

	t.Run("RefusedFailsAtOnceAndBecomesATask", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Refused, Code: "30007"})
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "failed", state)
		require.Equal(t, 1, c.tasks("message_failed"))
		c.keeps()
	})

	for class, column := range map[carelog.Class]string{carelog.OptedOut: "opted_out_at", carelog.Unreachable: "unreachable_at"} {
		t.Run("LearnsAboutTheNumber/"+string(class), func(t *testing.T) {
			t.Parallel()
			c, made, out := onTheWire(t)
			c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: class, Code: "21610"})
			require.Equal(t, 1, c.count("SELECT count(*) FROM numbers WHERE "+column+" IS NOT NULL"))
			require.Equal(t, 1, c.tasks("message_failed"))
			require.Positive(t, c.plan())
			check := c.village(made.Recipient)
			require.Positive(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'planned'", check.ID))
			require.Zero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'village_request' AND dispatch = 'planned'", check.ID))
			c.keeps()
		})
	}

	t.Run("ARowThatIsNoLongerSendingIsLeftAlone", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		before := c.count("SELECT count(*) FROM history")
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Refused})
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "accepted", state)
		require.Equal(t, before, c.count("SELECT count(*) FROM history"))
		require.Zero(t, c.tasks("message_failed"))
	})
}

func TestDoubt(t *testing.T) {
	t.Parallel()

	// inDoubt is a county whose request timed out at the carrier, past the settling time.
	inDoubt := func(t *testing.T) (*county, carelog.Enrolled, carelog.Stuck) {
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Ambiguous})
		state, _ := c.dispatch(out.ID)
		require.Equal(t, "sending", state)
		require.Empty(t, c.claim().Send, "what may have been sent is not sent again")
		stuck, err := c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 10)
		require.NoError(t, err)
		require.Empty(t, stuck, "too early to ask")
		c.later(carelog.SettlingTime + carelog.ListLag)
		stuck, err = c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 10)
		require.NoError(t, err)
		require.Len(t, stuck, 1)
		require.Equal(t, out.Text, stuck[0].Text)
		require.Equal(t, out.To, stuck[0].To)
		return c, made, stuck[0]
	}

	t.Run("FoundIsAdopted", func(t *testing.T) {
		t.Parallel()
		c, _, stuck := inDoubt(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.Found, carelog.Candidate{CarrierMessageID: "SM-found", Delivery: "sent"}))
		state, _ := c.dispatch(stuck.ID)
		require.Equal(t, "accepted", state)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE carrier_message_id = 'SM-found' AND delivery = 'sent'"))
		c.keeps()
	})

	t.Run("NotThereIsSentAgainAtMostFiveTimes", func(t *testing.T) {
		t.Parallel()
		c, _, stuck := inDoubt(t)
		for range 4 {
			require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.NotThere))
			state, _ := c.dispatch(stuck.ID)
			require.Equal(t, "planned", state)
			c.later(10 * time.Minute)
			require.Len(t, c.claim().Send, 1)
			c.later(carelog.SettlingTime + carelog.ListLag)
			found, err := c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 10)
			require.NoError(t, err)
			require.Len(t, found, 1)
			stuck = found[0]
		}
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.NotThere))
		state, _ := c.dispatch(stuck.ID)
		require.Contains(t, []string{"failed", "unknown"}, state)
		c.keeps()
	})

	t.Run("CannotKnowIsATaskForAPerson", func(t *testing.T) {
		t.Parallel()
		c, made, stuck := inDoubt(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.CannotKnow))
		state, reason := c.dispatch(stuck.ID)
		require.Equal(t, "unknown", state)
		require.NotEmpty(t, reason)
		require.Equal(t, 1, c.tasks("message_unknown"))
		require.Contains(t, c.kinds(made.Recipient), "message_unknown")
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.CannotKnow)) // settled: nothing more
		require.Equal(t, 1, c.tasks("message_unknown"))
		c.keeps()
	})

	t.Run("NoRepeatAfterUnknown", func(t *testing.T) {
		t.Parallel()
		c, _, stuck := inDoubt(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.CannotKnow))
		c.clock.set(calendar.New(2026, time.November, 26).At(9, 0)) // the repeat would go now
		require.Empty(t, to(c.send(), contactPhone), "a person asks by phone; the contact may have the text already")
		c.keeps()
	})

	t.Run("AReportOnATextPlannedAgainKeepsItFromGoingTwice", func(t *testing.T) {
		t.Parallel()
		c, _, stuck := inDoubt(t)
		require.NoError(t, c.work.SettleMessage(c.ctx(), stuck, carelog.NotThere))
		c.report("SM-late", stuck.ID.String(), "delivered")
		c.apply()
		c.later(10 * time.Minute)
		require.Empty(t, to(c.claim(), contactPhone), "the carrier has delivered it: it was sent after all")
		state, _ := c.dispatch(stuck.ID)
		require.Equal(t, "accepted", state)
		c.keeps()
	})
}
