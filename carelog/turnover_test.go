package carelog_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestTurnover(t *testing.T) {
	t.Parallel()

	t.Run("AnElectionReplacesAContactEverywhereInOneAct", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		backup := c.addContact("钱某", "+8615400000103")
		var made []carelog.Enrolled
		for i := range 3 {
			made = append(made, c.enrolWith(fmt.Sprint("A-", i), c.contact, backup))
		}
		behind := c.enrolWith("B-1", backup, c.contact)
		requests := to(c.send(), contactPhone)
		require.Len(t, requests, 3)
		code := codeIn(t, requests[0].Text)

		heir := c.addContact("孙某", newPhone)
		done, err := c.app.ReplaceContact(c.ctx(), c.officer, c.contact, heir, "换届选举")
		require.NoError(t, err)
		require.Equal(t, carelog.Replacement{Plans: 4}, done)
		require.Zero(t, c.count("SELECT count(*) FROM care_plans WHERE $1 IN (primary_contact_id, backup_contact_id)", c.contact))
		require.Equal(t, 3, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id = $1 AND backup_contact_id = $2", heir, backup))
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id = $1 AND backup_contact_id = $2", backup, heir))
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id = $1 AND state = 'open'", c.contact))
		require.Equal(t, 1, c.count("SELECT count(*) FROM village_contacts WHERE state = 'resigned'"))
		for _, m := range append(made, behind) {
			require.Contains(t, c.kinds(m.Recipient), "contact_replaced")
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'contact_replaced' AND detail = '4 plans'"))

		c.reply(contactPhone, code+" 1") // from somebody who is no contact any more
		require.Equal(t, 1, c.tasks("triage"))
		require.Len(t, to(c.send(), newPhone), 3)
		c.clock.set(calendar.New(2026, time.November, 26).At(9, 30))
		require.Empty(t, to(c.send(), contactPhone))
		_, err = c.app.ReplaceContact(c.ctx(), c.officer, c.contact, heir, "再来一次")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.app.ReplaceContact(c.ctx(), c.officer, heir, heir, "")
		require.ElementsMatch(t, []string{"new_contact_id", "reason"}, fields(t, err))
		c.keeps()
	})

	t.Run("AnUnverifiedHeirsHouseholdsAreAskedByPhone", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		heir := c.addUnverified("孙某", newPhone)
		_, err := c.app.ReplaceContact(c.ctx(), c.officer, c.contact, heir, "换届选举")
		require.NoError(t, err)
		require.Equal(t, 1, c.tasks("contact_missing"))
		c.checkNumbers()
		texts := to(c.send(), newPhone)
		require.Len(t, texts, 1)
		require.NotContains(t, texts[0].Text, "看望")
		c.keeps()
	})

	t.Run("AConflictIsNotTheHeirsButTheirOwnKeepsThePlaceEmpty", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		heir := c.addContact("孙某", newPhone)
		free, kin := c.enrol("A-1", 176), c.enrol("A-2", 176)
		require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Contact: heir, Recipient: kin.Recipient, Kind: "creditor", Reason: "借过钱"}))
		done, err := c.app.ReplaceContact(c.ctx(), c.officer, c.contact, heir, "换届选举")
		require.NoError(t, err)
		require.Equal(t, carelog.Replacement{Plans: 1, Without: 1}, done)
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE id = $1 AND primary_contact_id IS NULL", kin.Plan))
		require.Equal(t, 1, c.tasks("contact_conflict"))
		require.Positive(t, c.requests(free, heir))
		require.Zero(t, c.requests(kin, heir))
		c.keeps()
	})
}

func TestConflicts(t *testing.T) {
	t.Parallel()

	t.Run("KinOfTheOffenderIsNeverAsked", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		flag := carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "kin_of_offender", Reason: "加害人的叔叔"}
		require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, flag))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.FlagConflict(c.ctx(), c.officer, flag)))
		require.Contains(t, c.kinds(made.Recipient), "conflict_flagged")
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id IS NULL"))
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id IS NOT NULL AND state = 'open'"))
		require.Equal(t, 1, c.tasks("contact_missing"))
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		require.Equal(t, 1, c.tasks("triage"))
		for day := 25; day <= 30; day++ {
			c.clock.set(calendar.New(2026, time.November, day).At(9, 30))
			c.plan()
			require.Empty(t, to(c.send(), contactPhone))
		}
		_, err := c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: c.contact, Reason: "只有他"})
		require.Equal(t, []string{"primary_contact_id"}, fields(t, err))
		c.keeps()

		noted, err := c.app.Conflicts(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Len(t, noted, 1)
		require.Equal(t, "kin_of_offender", noted[0].Kind)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.EndConflict(c.ctx(), c.officer, c.contact, made.Recipient, "弄错了")))
		require.NoError(t, c.app.EndConflict(c.ctx(), c.boss, c.contact, made.Recipient, "弄错了"))
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.EndConflict(c.ctx(), c.boss, c.contact, made.Recipient, "弄错了")))
		_, err = c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: c.contact, Reason: "查清了"})
		require.NoError(t, err)
	})

	t.Run("TheBackupIsAskedInstead", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		backup := c.addContact("钱某", newPhone)
		made := c.enrolWith("A-1", c.contact, backup)
		require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "creditor", Reason: "借过钱"}))
		claimed := c.send()
		require.Empty(t, to(claimed, contactPhone))
		require.Len(t, to(claimed, newPhone), 1)
		c.keeps()
	})

	// Past every verb: planning leaves the contact out, and a text that is planned already is cancelled when it is claimed.
	t.Run("WhateverWasPlannedIsLookedAtAgain", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.exec("INSERT INTO contact_conflicts (contact_id, recipient_id, kind, at) VALUES ($1, $2, 'other', $3)", c.contact, made.Recipient, tuesday)
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, 1, c.tasks("contact_conflict"))
		require.Positive(t, c.plan())
		require.Zero(t, c.requests(made, c.contact))
		require.Equal(t, 1, c.tasks("contact_missing"))
		e, err := c.app.ExplainSilence(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "a conflict of interest is noted for the contact: the village is asked by phone")
		c.keeps()
	})
}

func TestBarredTopics(t *testing.T) {
	t.Parallel()
	withFlag := func(c *county, externalID string) carelog.Enrolled {
		e := c.enrolment(externalID, 176)
		e.Household = []carelog.Member{{Relation: "母亲", Name: "马某", Flags: []carelog.Flag{"severe_disability"}}}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(c.t, err)
		return made
	}

	t.Run("TakeTheContactOffWhoIsNamedAlready", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		barred, free := withFlag(c, "A-1"), c.enrol("A-2", 176)
		off, err := c.app.BarTopics(c.ctx(), c.officer, c.contact, []carelog.Flag{"severe_disability"})
		require.NoError(t, err)
		require.Equal(t, 1, off)
		require.Zero(t, c.requests(barred, c.contact))
		require.Positive(t, c.requests(free, c.contact))
		require.Contains(t, c.kinds(barred.Recipient), "contact_topic_barred")
		_, err = c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: barred.Plan, Primary: c.contact, Reason: "只有他"})
		require.Equal(t, []string{"primary_contact_id"}, fields(t, err))
		e := c.enrolment("A-3", 176)
		e.Flags = []carelog.Flag{"severe_disability"}
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.Equal(t, []string{"primary_contact_id"}, fields(t, err))
		_, err = c.app.BarTopics(c.ctx(), c.officer, c.contact, []carelog.Flag{"weather"})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		_, err = c.app.BarTopics(c.ctx(), c.officer, c.contact, nil)
		require.NoError(t, err)
		c.keeps()
	})

	t.Run("BlockWhatWasPlannedPastEveryVerb", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := withFlag(c, "A-1")
		c.exec("UPDATE village_contacts SET barred_topics = '{severe_disability}'")
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, 1, c.tasks("contact_conflict"))
		require.Positive(t, c.plan())
		require.Zero(t, c.requests(made, c.contact))
		c.keeps()
	})
}

func TestNumberRights(t *testing.T) {
	t.Parallel()
	c, made, stranger := withSister(t)
	ctx := c.ctx()
	for name, err := range map[string]error{
		"verify":    c.app.VerifyNumber(ctx, stranger, c.contact, "called"),
		"change":    c.app.ChangePhone(ctx, stranger, c.contact, newPhone),
		"allow":     c.app.AllowTexts(ctx, stranger, c.contact, "asked_by_phone"),
		"topics":    second(c.app.BarTopics(ctx, stranger, c.contact, nil)),
		"replace":   second(c.app.ReplaceContact(ctx, stranger, c.contact, carelog.ContactID{1}, "x")),
		"flag":      c.app.FlagConflict(ctx, stranger, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "other", Reason: "x"}),
		"end":       c.app.EndConflict(ctx, stranger, c.contact, made.Recipient, "x"),
		"conflicts": second(c.app.Conflicts(ctx, stranger, made.Recipient)),
	} {
		require.Equal(t, carelog.NotFound, carelog.KindOf(err), "%s: %v", name, err)
	}
	for name, err := range map[string]error{ // an administrator keeps contacts, and knows no household
		"verify": c.app.VerifyNumber(ctx, c.admin, c.contact, "called"),
		"allow":  c.app.AllowTexts(ctx, c.admin, c.contact, "asked_by_phone"),
		"flag":   c.app.FlagConflict(ctx, c.admin, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "other", Reason: "x"}),
	} {
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "%s: %v", name, err)
	}
	require.NoError(t, c.app.ChangePhone(ctx, c.admin, c.contact, newPhone))
}

// What happens to a number leaves no number anywhere in the clear.
func TestNumberPrivacy(t *testing.T) {
	t.Parallel()
	c, made, _ := asked(t)
	require.NoError(t, c.app.ChangePhone(c.ctx(), keyed(c.officer, "k1", "h1"), c.contact, newPhone))
	c.checkNumbers()
	c.send()
	c.reply(newPhone, "1")
	c.reply(contactPhone, "TD")
	require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "other", Reason: "与加害人同族"}))
	for _, table := range c.tables() {
		for _, column := range c.names(`SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '` + table + `'
			AND data_type IN ('text', 'bytea', 'jsonb')`) {
			for _, value := range c.values(table, column) {
				for _, secret := range []string{"15400000111", "15400000101", "同族"} {
					require.False(t, bytes.Contains(value, []byte(secret)), "%s.%s", table, column)
				}
			}
		}
	}
	c.keeps()
}
