package carelog_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog"
)

// report stores what a carrier says later, as the webhook does.
func (c *county) report(carrierID, messageID, delivery string) {
	c.t.Helper()
	require.NoError(c.t, c.app.StoreReport(c.ctx(), carelog.Report{
		Carrier: "twilio", CarrierMessageID: carrierID, MessageID: messageID, Status: delivery, Delivery: delivery,
	}))
}

// apply lets the sweep apply the stored reports.
func (c *county) apply() int {
	c.t.Helper()
	n, err := c.work.ApplyReports(c.ctx(), 100)
	require.NoError(c.t, err)
	return n
}

func (c *county) delivery(id carelog.MessageID) string {
	c.t.Helper()
	var state string
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT delivery FROM messages WHERE id = $1", id).Scan(&state))
	return state
}

func TestReports(t *testing.T) {
	t.Parallel()

	t.Run("AnyOrderAndAnyRepeatEndsInTheHighest", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		order := []string{"none", "queued", "sent", "failed", "undelivered", "delivered"}
		rapid.Check(t, func(rt *rapid.T) {
			c.exec("UPDATE messages SET delivery = 'queued' WHERE id = $1", out.ID)
			c.exec("TRUNCATE delivery_reports")
			highest := 1
			for _, rank := range rapid.SliceOfN(rapid.IntRange(1, 5), 1, 8).Draw(rt, "reports") {
				c.report("SM"+out.ID.String(), "", order[rank])
				highest = max(highest, rank)
				if rapid.Bool().Draw(rt, "apply now") {
					c.apply()
				}
			}
			c.apply()
			require.Equal(rt, order[highest], c.delivery(out.ID))
			require.Zero(rt, c.count("SELECT count(*) FROM delivery_reports WHERE applied_at IS NULL"))
		})
		c.keeps()
	})

	t.Run("AnUnknownIDWaitsTenMinutesAndIsSettled", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.report("SM-nobody", "", "delivered")
		require.Zero(t, c.apply())
		c.later(10 * time.Minute)
		require.Equal(t, 1, c.apply())
		require.Equal(t, 1, c.count("SELECT count(*) FROM delivery_reports WHERE reason = 'no message of ours has this id'"))
	})

	t.Run("AnUnknownStatusIsDataAndNoError", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		require.NoError(t, c.app.StoreReport(c.ctx(), carelog.Report{Carrier: "twilio", CarrierMessageID: "SM" + out.ID.String(), Status: "teleported"}))
		require.Equal(t, 1, c.apply())
		require.Equal(t, "queued", c.delivery(out.ID))
	})

	t.Run("AReportForAMessageStillSendingAdoptsIt", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.report("SM-early", out.ID.String(), "sent")
		require.Equal(t, 1, c.apply())
		state, reason := c.dispatch(out.ID)
		require.Equal(t, "accepted", state)
		require.Equal(t, "adopted: the carrier reported on it", reason)
		require.Equal(t, "sent", c.delivery(out.ID))
		require.Contains(t, c.kinds(made.Recipient), "message_accepted")
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"}) // the answer comes after all
		require.Equal(t, "sent", c.delivery(out.ID))
		c.keeps()
	})

	t.Run("AReportThatComesBeforeTheAnswerIsAppliedAfterIt", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.report("SM"+out.ID.String(), "", "delivered")
		require.Zero(t, c.apply())
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		require.Equal(t, 1, c.apply())
		require.Equal(t, "delivered", c.delivery(out.ID))
	})

	t.Run("ReportsThatWaitDoNotHoldUpTheOthers", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		for _, id := range []string{"SM-1", "SM-2", "SM-3"} {
			c.report(id, "", "delivered")
		}
		c.later(time.Second)
		c.report("SM"+out.ID.String(), "", "delivered")
		for range 3 {
			_, err := c.work.ApplyReports(c.ctx(), 2)
			require.NoError(t, err)
		}
		require.Equal(t, "delivered", c.delivery(out.ID))
	})

	t.Run("AnUndeliveredRequestGoesToAPersonAndToSomebodyElse", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		require.NoError(t, c.app.StoreReport(c.ctx(), carelog.Report{
			Carrier: "twilio", CarrierMessageID: "SM" + out.ID.String(), Status: "undelivered", Delivery: "undelivered", ErrorCode: "30005", Class: carelog.Unreachable,
		}))
		require.Equal(t, 1, c.apply())
		require.Equal(t, 1, c.tasks("message_failed"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM numbers WHERE unreachable_at IS NOT NULL"))
		require.Positive(t, c.plan())
		check := c.village(made.Recipient)
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'planned'", check.ID))
		require.Contains(t, c.kinds(made.Recipient), "message_undelivered")
		c.keeps()
	})

	// off reports that the phone of a text was off.
	off := func(c *county, out carelog.Outgoing, delivery string) {
		require.NoError(c.t, c.app.StoreReport(c.ctx(), carelog.Report{
			Carrier: "twilio", CarrierMessageID: "SM" + out.ID.String(), Status: delivery, Delivery: delivery, ErrorCode: "30003", Class: carelog.Temporary,
		}))
		c.apply()
	}

	t.Run("APhoneThatWasOffIsTextedOnceMoreThenAPersonAsks", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		first := carelog.Outgoing{}
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM messages WHERE purpose = 'village_request' AND dispatch = 'accepted'").Scan(&first.ID))
		off(c, first, "failed")
		off(c, first, "undelivered") // the same said twice
		require.Zero(t, c.tasks("message_failed"))
		c.later(119 * time.Minute)
		require.Empty(t, to(c.send(), contactPhone))
		c.later(4 * time.Hour) // 15:00: the two hours ended at 11:00
		again := to(c.send(), contactPhone)
		require.Len(t, again, 1)
		require.Equal(t, code, codeIn(t, again[0].Text))
		off(c, again[0], "undelivered")
		require.Equal(t, 1, c.tasks("message_failed"))
		c.later(2 * time.Hour)
		require.Empty(t, to(c.send(), contactPhone), "one more round, not two")
		c.keeps()
	})

	t.Run("AfterALateDeliveryItIsNotSaidOnceMore", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		off(c, out, "undelivered")
		c.report("SM"+out.ID.String(), "", "delivered")
		c.apply()
		c.later(2 * time.Hour)
		require.Empty(t, to(c.send(), contactPhone))
		c.keeps()
	})

	t.Run("ALateDeliveryEndsTheTaskOfATextThatFailed", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		c.report("SM"+out.ID.String(), "", "undelivered") // no code: a person looks
		c.apply()
		require.Equal(t, 1, c.tasks("message_failed"))
		c.report("SM"+out.ID.String(), "", "delivered")
		c.apply()
		require.Zero(t, c.tasks("message_failed"))
	})

	t.Run("EveryOrderEndsInTheHighestStateItHolds", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		dice := rand.New(rand.NewPCG(1, 2))
		for _, order := range orders([]string{"queued", "sent", "delivered", "undelivered", "failed"}) {
			c.exec("UPDATE messages SET delivery = 'none' WHERE id = $1", out.ID)
			c.exec("TRUNCATE delivery_reports")
			highest := "none"
			for i := range order {
				// What came before comes again, and only some of it is applied at once.
				for _, delivery := range []string{order[i], order[dice.IntN(i+1)]} {
					c.report("SM"+out.ID.String(), "", delivery)
				}
				highest = higherOf(highest, order[i])
				if dice.IntN(2) == 0 {
					c.apply()
					require.Equal(t, highest, c.delivery(out.ID), "%v up to %d", order, i)
				}
			}
			c.apply()
			require.Equal(t, "delivered", c.delivery(out.ID), order)
		}
	})

	t.Run("TheSameReportIsStoredOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for range 3 {
			c.report("SM-1", "", "sent")
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM delivery_reports"))
	})
}

// orders are all the orders of the words.
func orders(words []string) [][]string {
	if len(words) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i := range words {
		rest := slices.Delete(slices.Clone(words), i, i+1)
		for _, order := range orders(rest) {
			all = append(all, append([]string{words[i]}, order...))
		}
	}
	return all
}

// higherOf is the higher of two deliveries, by the order of design.md.
func higherOf(a, b string) string {
	rising := []string{"none", "queued", "sent", "failed", "undelivered", "delivered"}
	if slices.Index(rising, b) > slices.Index(rising, a) {
		return b
	}
	return a
}
