package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

const otherPhone = "+8615400000121"

// twoPhones is a household whose contact was asked on their first phone, and has a
// second one that is verified.
func twoPhones(t *testing.T) (c *county, made carelog.Enrolled, code string, second carelog.ContactID) {
	t.Helper()
	c, made, code = asked(t)
	second, err := c.app.AddPhone(c.ctx(), c.officer, c.contact, otherPhone, true)
	require.NoError(t, err)
	return c, made, code, second
}

func TestTwoPhonesOfOnePerson(t *testing.T) {
	t.Parallel()

	t.Run("AnswerLikeOne", func(t *testing.T) {
		t.Parallel()
		for _, words := range []string{" 1", "1"} {
			c, made, code, _ := twoPhones(t)
			if words == " 1" {
				words = code + words
			}
			c.reply(otherPhone, words)
			require.Equal(t, "done", c.village(made.Recipient).State, words)
			require.Zero(t, c.tasks("triage"))
			claimed := c.send()
			require.Len(t, to(claimed, otherPhone), 1, "the phone that wrote is answered")
			require.Empty(t, to(claimed, contactPhone))
			c.keeps()
		}
	})

	t.Run("OnlyTheFirstIsTexted", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.NoError(t, second(c.app.AddPhone(c.ctx(), c.officer, c.contact, otherPhone, true)))
		c.enrol("A-1", 176)
		claimed := c.send()
		require.Len(t, to(claimed, contactPhone), 1)
		require.Empty(t, to(claimed, otherPhone))
	})

	t.Run("AStopOfTheFirstTextsTheSecondFromTheNextDay", func(t *testing.T) {
		t.Parallel()
		c, made, _, phone := twoPhones(t)
		c.reply(contactPhone, "TD")
		c.plan()
		require.Empty(t, to(c.send(), otherPhone), "the same was said today already")
		require.Equal(t, 1, c.requests(made, phone))
		require.Zero(t, c.tasks("contact_missing"))
		c.clock.set(tuesday.Add(48 * time.Hour))
		claimed := c.send()
		require.Len(t, to(claimed, otherPhone), 1)
		require.Empty(t, to(claimed, contactPhone))
		c.reply(otherPhone, "1")
		require.Equal(t, "done", c.village(made.Recipient).State)
		c.keeps()
	})

	t.Run("AStopOfTheSecondStopsNoOther", func(t *testing.T) {
		t.Parallel()
		c, made, code, _ := twoPhones(t)
		c.reply(otherPhone, "TD")
		phones, err := c.app.Phones(c.ctx(), c.officer, c.contact)
		require.NoError(t, err)
		require.Len(t, phones, 2)
		require.False(t, phones[0].OptedOut)
		require.True(t, phones[1].OptedOut)
		require.Equal(t, 1, c.count("SELECT count(*) FROM asks WHERE contact_id IS NOT NULL AND state = 'open'"))
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "done", c.village(made.Recipient).State)
		c.keeps()
	})

	t.Run("ADeadFirstIsTextedOnTheSecondAtOnce", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		phone, err := c.app.AddPhone(c.ctx(), c.officer, c.contact, otherPhone, true)
		require.NoError(t, err)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Class: carelog.Unreachable, Code: "21614"})
		c.plan()
		require.Equal(t, 2, c.requests(made, phone))
		require.Len(t, to(c.send(), otherPhone), 1)
		require.Equal(t, 1, c.tasks("message_failed"), "the officer is told all the same")
		c.reply(otherPhone, "1")
		require.Equal(t, "done", c.village(made.Recipient).State, "a digit alone answers what this phone was asked")
		c.keeps()
	})

	t.Run("AnUnverifiedSecondConfirmsFirst", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		phone, err := c.app.AddPhone(c.ctx(), c.officer, c.contact, otherPhone, false)
		require.NoError(t, err)
		c.reply(otherPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State, "whoever it is")
		c.reply(contactPhone, "TD")
		c.plan()
		require.Equal(t, 1, c.tasks("contact_missing"))
		c.checkNumbers()
		require.Len(t, to(c.send(), otherPhone), 1)
		c.reply(otherPhone, "1")
		require.Equal(t, "verified", c.numberState(phone))
		require.Positive(t, c.plan())
		require.Equal(t, 1, c.requests(made, phone))
		c.keeps()
	})

	t.Run("LeaveTheHouseholdTogether", func(t *testing.T) {
		t.Parallel()
		c, made, _, phone := twoPhones(t)
		c.reply(contactPhone, "TD")
		c.plan()
		require.Equal(t, 1, c.requests(made, phone))
		require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "creditor", Reason: "借过钱"}))
		require.Zero(t, c.requests(made, phone))
		heir := c.addContact("孙某", newPhone)
		require.NoError(t, second(c.app.ReplaceContact(c.ctx(), c.officer, c.contact, heir, "换届选举")))
		require.Equal(t, 2, c.count("SELECT count(*) FROM village_contacts WHERE state = 'resigned'"))
		c.reply(otherPhone, "1")
		require.Equal(t, 1, c.tasks("triage"), "nobody's phone any more")
		c.keeps()
	})

	t.Run("IsRemovedAndBelievedNoMore", func(t *testing.T) {
		t.Parallel()
		c, made, code, phone := twoPhones(t)
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.AddPhone(c.ctx(), c.officer, c.contact, newPhone, true))))
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.AddPhone(c.ctx(), c.officer, c.contact, contactPhone, true))))
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.RemovePhone(c.ctx(), c.officer, c.contact, c.contact)))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(second(c.app.AddPhone(c.ctx(), c.admin, c.contact, newPhone, true))))
		require.NoError(t, c.app.RemovePhone(c.ctx(), c.officer, c.contact, phone))
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.RemovePhone(c.ctx(), c.officer, c.contact, phone)))
		require.Equal(t, "quarantined", c.numberState(phone))
		c.reply(otherPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		contacts, err := c.app.Contacts(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, contacts, 1, "a person stands in the list once")
		c.keeps()
	})
}
