package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// manyDue has so many texts due at once, each to a household of its own.
func manyDue(t *testing.T, n int) *county {
	t.Helper()
	c := newCounty(t)
	for i := range n {
		c.enrol(string(rune('A'+i))+"-1", 176)
	}
	c.exec(`UPDATE messages SET dispatch = 'cancelled', dispatch_reason = 'of no matter here', dispatched_at = created_at
		WHERE id NOT IN (SELECT DISTINCT ON (recipient_id) id FROM messages WHERE user_id IS NOT NULL ORDER BY recipient_id, id)`)
	c.exec("UPDATE messages SET not_before = $1 WHERE dispatch = 'planned'", c.clock.now())
	c.exec("UPDATE offices SET texts_a_day = 50")
	return c
}

func (c *county) pace(perSecond int) {
	c.t.Helper()
	require.NoError(c.t, c.app.SetPace(c.ctx(), c.admin, c.line, perSecond, 5))
}

func (c *county) claimed() int {
	c.t.Helper()
	done, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
	require.NoError(c.t, err)
	return len(done.Send)
}

func TestPacing(t *testing.T) {
	t.Parallel()

	t.Run("TwoProcessesShareOneRate", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 9)
		c.pace(2)
		first := c.claimed()
		require.Equal(t, 4, first+c.claimed(), "two seconds' worth")
		c.later(time.Second)
		require.Equal(t, 2, c.claimed())
		c.later(250 * time.Millisecond)
		require.Zero(t, c.claimed())
		c.later(time.Hour)
		require.LessOrEqual(t, c.claimed(), 4, "what was not used does not pile up")
	})

	t.Run("A429SlowsTheLineForEverybodyAndItSpeedsUpAgain", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 4)
		c.pace(10)
		done, err := c.work.ClaimMessages(c.ctx(), c.line, 1)
		require.NoError(t, err)
		receipt := carelog.Receipt{Outgoing: done.Send[0], Class: carelog.Throttled, Code: "20429"}
		require.NoError(t, c.work.RecordReceipts(c.ctx(), []carelog.Receipt{receipt}))
		require.Zero(t, c.claimed(), "not at once")
		now := func() float64 {
			lines, err := c.app.Paces(c.ctx(), c.boss)
			require.NoError(t, err)
			return lines[0].Now
		}
		require.InDelta(t, 5, now(), 1e-9)
		c.later(time.Second)
		require.Equal(t, 3, c.claimed(), "5 would be allowed")
		c.later(2 * time.Minute)
		require.InDelta(t, 7, now(), 1e-9)
		c.later(time.Hour)
		require.InDelta(t, 10, now(), 1e-9)
	})

	t.Run("RedGoesFirstAndADigestLast", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 4)
		ids := c.names("SELECT id::text FROM messages WHERE dispatch = 'planned' ORDER BY id")
		c.exec("UPDATE messages SET priority = CASE id::text WHEN $1 THEN 4 WHEN $2 THEN 1 WHEN $3 THEN 2 ELSE 3 END WHERE dispatch = 'planned'", ids[0], ids[2], ids[3])
		c.pace(1)
		var order []string
		for range 4 {
			c.later(time.Second)
			done, err := c.work.ClaimMessages(c.ctx(), c.line, 1)
			require.NoError(t, err)
			order = append(order, done.Send[0].ID.String())
		}
		require.Equal(t, []string{ids[2], ids[3], ids[1], ids[0]}, order)
	})

	t.Run("OnlyAnAdministratorOfTheOfficeSetsIt", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SetPace(c.ctx(), c.boss, c.line, 5, 5)))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SetPace(c.ctx(), c.admin, c.line, 0, 5)))
	})
}

func TestTexting(t *testing.T) {
	t.Parallel()
	set := func(c *county, by carelog.Actor, change func(*carelog.Texting)) error {
		is, err := c.app.TextingOf(c.ctx(), c.boss, c.office)
		require.NoError(c.t, err)
		change(&is)
		return c.app.SetTexting(c.ctx(), by, is, "\u8bd5\u4e00\u8bd5")
	}
	mode := func(mode string) func(*carelog.Texting) { return func(t *carelog.Texting) { t.Mode = mode } }

	t.Run("ASwitchedOffOfficeSendsNothingAndSaysSo", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 2)
		require.NoError(t, set(c, c.boss, mode("off")))
		done, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
		require.NoError(t, err)
		require.Empty(t, done.Send)
		require.Equal(t, 2, done.Deferred)
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND reason = 'texting is switched off for this office'"))
		require.NoError(t, set(c, c.boss, mode("on")))
		c.later(20 * time.Minute)
		require.Equal(t, 2, c.claimed())
		c.keeps()
	})

	t.Run("APilotTextsOnlyItsNumbersAndHandsTheRestToPeople", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 176)
		require.NoError(t, set(c, c.admin, mode("pilot")))
		require.NoError(t, c.app.AllowNumber(c.ctx(), c.admin, c.office, officerPhone, true))
		done := c.send()
		require.Empty(t, to(done, contactPhone))
		require.NotZero(t, c.tasks("message_failed"), "the village is asked by a person")
		require.NoError(t, c.app.AllowNumber(c.ctx(), c.admin, c.office, contactPhone, true))
		c.enrol("A-2", 176)
		require.Len(t, to(c.send(), contactPhone), 1)
		require.Zero(t, c.count("SELECT count(*) FROM pilot_numbers WHERE ending LIKE '%15400%'"), "only the last four digits are readable")
		c.keeps()
	})

	t.Run("ASupervisorOnlySwitchesItOffAndOn", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(set(c, c.boss, mode("pilot"))))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(set(c, c.boss, func(t *carelog.Texting) { t.RequestsADay = 5 })))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(set(c, c.officer, mode("off"))))
		require.Equal(t, carelog.Invalid, carelog.KindOf(set(c, c.admin, func(t *carelog.Texting) { t.RequestsADay = 0 })))
	})

	t.Run("TheQuotaIsToldBeforeItIsSpentAndHoldsNothingBack", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 5)
		require.NoError(t, set(c, c.admin, func(t *carelog.Texting) { t.SegmentsAMonth = 5 }))
		sendSome := func(n int) {
			done, err := c.work.ClaimMessages(c.ctx(), c.line, n)
			require.NoError(t, err)
			var receipts []carelog.Receipt
			for _, o := range done.Send {
				receipts = append(receipts, carelog.Receipt{Outgoing: o, CarrierMessageID: "SM" + o.ID.String()})
			}
			require.Len(t, receipts, n)
			require.NoError(t, c.work.RecordReceipts(c.ctx(), receipts))
		}
		sendSome(3)
		require.Zero(t, c.tasks("text_quota"))
		sendSome(1)
		require.Equal(t, 1, c.tasks("text_quota"))
		sendSome(1)
		require.Equal(t, 2, c.tasks("text_quota"))
		used, err := c.app.TextingOf(c.ctx(), c.boss, c.office)
		require.NoError(t, err)
		require.Equal(t, []int{5, 5, 25}, []int{used.Messages, used.Segments, int(used.Fen)})
	})

	t.Run("ABudgetOfTheOfficeIsKept", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.NoError(t, set(c, c.admin, func(t *carelog.Texting) { t.RequestsADay = 1 }))
		c.enrol("A-1", 176)
		c.enrol("A-2", 176)
		require.Len(t, to(c.send(), contactPhone), 1)
	})

	t.Run("TheCarriersCapIsKept", func(t *testing.T) {
		t.Parallel()
		c := manyDue(t, 3)
		c.exec("INSERT INTO carrier_caps VALUES ('twilio', '1 hour', 2)")
		require.Equal(t, 2, c.claimed())
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE reason LIKE 'the carrier lets no more%'"))
		c.later(2 * time.Hour)
		require.Equal(t, 1, c.claimed())
	})

	t.Run("ATestGoesToOnesOwnPhoneAtAnyHour", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.clock.set(at(2026, time.November, 28, 3, 0)) // a Saturday night
		for range 5 {
			_, err := c.app.SendTest(c.ctx(), c.officer)
			require.NoError(t, err)
		}
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.SendTest(c.ctx(), c.officer))))
		require.Len(t, to(c.send(), officerPhone), 5)
	})
}
