package carelog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestDigests(t *testing.T) {
	t.Parallel()

	t.Run("BeyondSixTextsADayTheRestIsOneDigest", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for n := range 10 {
			c.enrol(fmt.Sprintf("A-%d", n), 3) // ten reminders at 08:30 on 25 November
		}
		c.clock.set(at(2026, time.November, 25, 8, 30))
		require.Len(t, to(c.send(), officerPhone), 6)
		c.clock.set(at(2026, time.November, 25, 8, 40))
		digest := to(c.send(), officerPhone)
		require.Len(t, digest, 1)
		require.Contains(t, digest[0].Text, "另有4件")
		require.Equal(t, 4, c.count("SELECT count(*) FROM message_asks WHERE message_id = $1", digest[0].ID))
		require.Equal(t, 4, c.count("SELECT count(*) FROM messages WHERE dispatch = 'cancelled' AND dispatch_reason LIKE 'told in the digest%'"))
		c.clock.set(at(2026, time.November, 25, 15, 0))
		require.Empty(t, c.send().Send)
		c.keeps()
	})

	t.Run("WhatIsSettledBeforeIsNotCounted", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for n := range 8 {
			c.enrol(fmt.Sprintf("A-%d", n), 3)
		}
		c.clock.set(at(2026, time.November, 25, 8, 30))
		c.send()
		folded := c.names("SELECT c.id::text FROM check_ins c JOIN messages m ON m.check_in_id = c.id WHERE m.dispatch_reason LIKE 'told in the digest%'")
		require.Len(t, folded, 2)
		for i, id := range folded {
			check, err := carelog.ParseID[struct{}](id)
			require.NoError(t, err)
			_, err = c.app.RecordCheckIn(c.ctx(), c.officer, carelog.CheckInID(check), carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full"})
			require.NoError(t, err)
			if i == 0 {
				require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'staff_digest' AND dispatch = 'planned'"))
			}
		}
		c.clock.set(at(2026, time.November, 25, 8, 40))
		require.Empty(t, c.send().Send)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'staff_digest' AND dispatch = 'cancelled' AND dispatch_reason = 'everything in the digest is settled'"))
	})

	t.Run("RedCountsInNoBudget", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.exec("UPDATE offices SET texts_a_day = 1")
		c.enrol("A-1", 176)
		c.enrol("A-2", 3)
		c.send()
		c.clock.set(at(2026, time.November, 25, 9, 0))
		c.send()
		c.urgent()
		red := to(c.send(), officerPhone)
		require.Len(t, red, 1)
		require.Contains(t, red[0].Text, "红色")
	})

	t.Run("APersonsOwnBudgetGoesBeforeTheOffices", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.NoError(t, c.app.SetTextBudget(c.ctx(), c.admin, c.officer.User, 2))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SetTextBudget(c.ctx(), c.officer, c.boss.User, 2)))
		for n := range 3 {
			c.enrol(fmt.Sprintf("A-%d", n), 3)
		}
		c.clock.set(at(2026, time.November, 25, 8, 30))
		require.Len(t, to(c.send(), officerPhone), 2)
	})

	t.Run("TheSecondDigestOfAHalfDayWaitsForTheNextOpening", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.exec("UPDATE offices SET texts_a_day = 1")
		for n := range 3 {
			c.enrol(fmt.Sprintf("A-%d", n), 3)
		}
		c.clock.set(at(2026, time.November, 25, 8, 30))
		c.send()
		c.clock.set(at(2026, time.November, 25, 8, 40))
		require.Len(t, to(c.send(), officerPhone), 1)
		c.exec("UPDATE messages SET not_before = $1 WHERE id = (SELECT id FROM messages WHERE dispatch = 'planned' AND purpose = 'officer_reminder' ORDER BY not_before, id LIMIT 1)", c.clock.now())
		c.send()
		c.later(time.Hour)
		require.Empty(t, to(c.send(), officerPhone))
		c.clock.set(at(2026, time.November, 25, 14, 0))
		require.Len(t, to(c.send(), officerPhone), 1)
	})

	t.Run("TheDigestOfSomebodyOnLeaveGoesToTheDeputy", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		for n := range 8 {
			c.enrol(fmt.Sprintf("A-%d", n), 3)
		}
		c.clock.set(at(2026, time.November, 25, 8, 30))
		c.send()
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 5))
		c.clock.set(at(2026, time.November, 25, 8, 40))
		require.Empty(t, to(c.send(), officerPhone))
		c.clock.set(at(2026, time.November, 25, 8, 50))
		digest := to(c.send(), wangPhone)
		require.Len(t, digest, 1)
		require.Contains(t, digest[0].Text, "另有2件")
		c.keeps()
	})

	t.Run("SupervisorsHearOfTheWeekOnItsFirstWorkingDayOnce", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		c.enrol("A-1", 3) // due on Monday, 30 November
		c.clock.set(at(2026, time.November, 30, 3, 0))
		planned, err := c.work.SendWeeklyDigests(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 3, planned)
		require.Empty(t, c.send().Send, "not at night")
		c.clock.set(at(2026, time.November, 30, 8, 30))
		planned, err = c.work.SendWeeklyDigests(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, planned)
		digest := to(c.send(), bossPhone)
		require.Len(t, digest, 1)
		require.True(t, strings.Contains(digest[0].Text, "到期1件,逾期0件"), digest[0].Text)
		c.keeps()
	})

	t.Run("TheWeekIsToldTheDeputyOnlyOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		qian := c.addSupervisor(c.office, "qian", deputyPhone, "deputy")
		require.NoError(t, c.leave(c.boss, c.boss.User, qian, 20))
		c.enrol("A-1", 3)
		c.clock.set(at(2026, time.November, 30, 8, 30))
		_, err := c.work.SendWeeklyDigests(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, []string{deputyPhone}, supervised(c.send()))
		require.Empty(t, supervised(c.send()))
		c.keeps()
	})

	t.Run("AWeekWithNothingIsNotTold", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.work.SendWeeklyDigests(c.ctx(), 100)
		require.NoError(t, err)
		require.Empty(t, c.send().Send)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'weekly_digest' AND dispatch_reason = 'nothing is due this week and nothing waits'"))
	})
}
