package carelog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// together is a county whose contact has requests for so many households due now.
func together(t *testing.T, n int) (*county, []carelog.Enrolled) {
	t.Helper()
	c := newCounty(t)
	c.exec("UPDATE offices SET together = true")
	var made []carelog.Enrolled
	for i := range n {
		e := c.enrolment(string(rune('A'+i))+"-1", 176)
		e.Alias = string(rune('1'+i)) + "\u7ec4\u8001\u9a6c\u5bb6"
		one, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		made = append(made, one)
	}
	return c, made
}

// withoutAlias enrols one more household, about which no text can go out: what
// would have been one text with it goes out alone.
func (c *county) withoutAlias() {
	c.t.Helper()
	e := c.enrolment("Z-1", 176)
	e.Alias = ""
	_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(c.t, err)
}

// wire claims what is due and gives the one text to the contact.
func (c *county) wire() carelog.Outgoing {
	c.t.Helper()
	claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
	require.NoError(c.t, err)
	texts := slices.DeleteFunc(to(claimed, contactPhone), func(o carelog.Outgoing) bool {
		return !strings.Contains(o.Text, "\u8bf7\u4e8e") && !strings.Contains(o.Text, "\u534f\u52a9\u770b\u671b")
	})
	require.Len(c.t, texts, 1)
	return texts[0]
}

func (c *county) riding(where string) int {
	c.t.Helper()
	return c.count("SELECT count(*) FROM messages WHERE purpose = 'village_request' AND " + where)
}

func TestBundles(t *testing.T) {
	t.Parallel()

	t.Run("ThreeHouseholdsOfOneContactAreOneTextWithACodeEach", func(t *testing.T) {
		t.Parallel()
		c, made := together(t, 3)
		out := c.wire()
		codes := c.names("SELECT code FROM asks WHERE contact_id IS NOT NULL ORDER BY id")
		require.Len(t, codes, 3)
		for i, code := range codes {
			require.Contains(t, out.Text, code)
			require.Contains(t, out.Text, string(rune('1'+i))+"\u7ec4\u8001\u9a6c\u5bb6")
		}
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{CarrierMessageID: "SM1", Delivery: "queued"})
		require.Equal(t, 3, c.riding("dispatch = 'accepted'"))
		for _, one := range made {
			require.Contains(t, c.kinds(one.Recipient), "message_accepted", "each history says it")
			for _, e := range c.history(one.Recipient) {
				require.NotContains(t, string(e.Details), "\u4efb\u52a1\u7801", "and none names the others")
			}
		}
		c.reply(contactPhone, codes[0]+" 1 "+codes[1]+" 2")
		require.Equal(t, "done", c.village(made[0].Recipient).State)
		require.Equal(t, "done", c.village(made[1].Recipient).State)
		require.Equal(t, "planned", c.village(made[2].Recipient).State, "an answer to one leaves the others open")
		c.keeps()
	})

	t.Run("CountsOnceInTheBudgetAndNamesFourAtMost", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 9)
		claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
		require.NoError(t, err)
		require.Len(t, to(claimed, contactPhone), 3, "three texts a day")
		require.Equal(t, 9, c.riding("dispatch = 'sending'"))
		require.Equal(t, 3, c.riding("dispatch = 'sending' AND rides_with IS NULL"))
	})

	t.Run("WhatCannotBeOneTextKeepsTheBudget", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 3)
		c.exec("UPDATE offices SET requests_a_day = 2")
		c.withoutAlias()
		require.Len(t, to(c.claim(), contactPhone), 2, "each of them counts by itself")
		require.Equal(t, 2, c.riding("dispatch = 'planned' AND not_before = '2026-11-25 09:00+08' AND reason = 'the number had 2 texts today'"))
	})

	t.Run("WhatCannotBeOneTextKeepsTheCarriersCap", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 2)
		c.exec("INSERT INTO carrier_caps VALUES ('twilio', '1 hour', 1)")
		c.withoutAlias()
		require.Len(t, to(c.claim(), contactPhone), 1)
	})

	t.Run("IsReportedAndFailsForEveryHousehold", func(t *testing.T) {
		t.Parallel()
		c, made := together(t, 2)
		out := c.wire()
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{CarrierMessageID: "SM1", Delivery: "queued"})
		c.report("SM1", out.ID.String(), "undelivered")
		c.apply()
		require.Equal(t, 2, c.riding("delivery = 'undelivered'"))
		require.Equal(t, 2, c.tasks("message_failed"), "a person's work each")
		for _, one := range made {
			require.Contains(t, c.kinds(one.Recipient), "message_undelivered")
		}
		c.keeps()
	})

	t.Run("WhoWaitsLongerAfterANoIsNotTakenForSentWithTheOther", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 2)
		first := c.wire()
		c.answered([]carelog.Outgoing{first}, carelog.Receipt{Class: carelog.Throttled})
		c.exec("UPDATE messages SET not_before = not_before + interval '1 hour' WHERE rides_with IS NOT NULL")
		c.later(10 * time.Minute)
		alone := c.wire()
		require.Equal(t, first.ID, alone.ID)
		c.answered([]carelog.Outgoing{alone}, carelog.Receipt{CarrierMessageID: "SM2", Delivery: "queued"})
		c.report("SM2", alone.ID.String(), "delivered")
		c.apply()
		require.Equal(t, 1, c.riding("dispatch = 'accepted'"))
		c.later(time.Hour)
		require.NotEqual(t, first.ID, c.wire().ID, "its turn comes")
		c.keeps()
	})

	t.Run("IsPutTogetherAnewAfterACertainNo", func(t *testing.T) {
		t.Parallel()
		c, made := together(t, 3)
		out := c.wire()
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Throttled, Code: "20429"})
		require.Equal(t, 3, c.riding("dispatch = 'planned' AND tries = 1"))
		c.reply(contactPhone, c.names("SELECT code FROM asks WHERE contact_id IS NOT NULL ORDER BY id LIMIT 1")[0]+" 1")
		require.Equal(t, "done", c.village(made[0].Recipient).State)
		c.later(2 * time.Minute)
		again := c.wire()
		require.Equal(t, 2, strings.Count(again.Text, "\u7ec4\u8001\u9a6c\u5bb6"), "who has answered meanwhile is left out")
		c.keeps()
	})

	t.Run("IsAskedAboutOnceAndAdoptedForAll", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 2)
		c.wire()
		c.later(carelog.SettlingTime + time.Minute)
		stuck, err := c.work.StuckMessages(c.ctx(), carelog.Stuck{}, 10)
		require.NoError(t, err)
		var ours []carelog.Stuck
		for _, s := range stuck {
			if s.To == contactPhone {
				ours = append(ours, s)
			}
		}
		require.Len(t, ours, 1)
		require.NoError(t, c.work.SettleMessage(c.ctx(), ours[0], carelog.Found, carelog.Candidate{CarrierMessageID: "SM9", Delivery: "sent"}))
		require.Equal(t, 2, c.riding("dispatch = 'accepted'"))
	})

	t.Run("WhatNobodyKnowsBecomesWorkForEachHousehold", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 2)
		out := c.wire()
		require.NoError(t, c.work.SettleMessage(c.ctx(), carelog.Stuck{Outgoing: out}, carelog.CannotKnow))
		require.Equal(t, 2, c.riding("dispatch = 'unknown'"))
		require.Equal(t, 2, c.tasks("message_unknown"))
	})

	t.Run("ABarredHouseholdIsNotInIt", func(t *testing.T) {
		t.Parallel()
		c, made := together(t, 3)
		_, err := c.app.BarVillage(c.ctx(), c.officer, made[1].Plan, "safety", "\u4e0d\u5b9c\u7ecf\u6751\u91cc")
		require.NoError(t, err)
		require.NotContains(t, c.wire().Text, "2\u7ec4\u8001\u9a6c\u5bb6")
	})

	t.Run("TwoContactsOnOnePhoneGetTheirOwn", func(t *testing.T) {
		t.Parallel()
		c, _ := together(t, 1)
		twin := c.addContact("\u94b1\u67d0", contactPhone)
		e := c.enrolment("Z-1", 176)
		e.Primary = twin
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
		require.NoError(t, err)
		require.Len(t, to(claimed, contactPhone), 2)
	})
}
