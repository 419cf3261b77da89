package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// leave records that somebody is away from the 24th on for so many days.
func (c *county) leave(by carelog.Actor, user, deputy carelog.UserID, days int) error {
	from := calendar.Of(tuesday)
	_, err := c.app.SetAbsence(c.ctx(), by, carelog.Absence{User: user, From: from, Until: from.AddDays(days - 1), Deputy: deputy})
	return err
}

func TestAbsences(t *testing.T) {
	t.Parallel()

	t.Run("WhatWasPlannedForTheOfficerGoesToTheDeputyOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		c.enrol("A-1", 3) // receipt due on 30 November: reminded on the 25th
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 5))
		c.clock.set(at(2026, time.November, 25, 8, 30))
		first := c.send()
		require.Empty(t, to(first, officerPhone))
		second := c.send()
		require.Empty(t, to(second, officerPhone))
		require.Len(t, append(to(first, wangPhone), to(second, wangPhone)...), 1)
		require.Empty(t, c.send().Send)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE user_id = $1 AND dispatch = 'cancelled' AND dispatch_reason = 'on leave until 2026-11-28: told the deputy'", c.officer.User))
		c.keeps()
		c.clock.set(at(2026, time.November, 30, 8, 30)) // back
		back := c.send()
		require.Len(t, to(back, officerPhone), 1)
		require.Empty(t, to(back, wangPhone))
		c.keeps()
	})

	t.Run("WhoeverStandsInAnswersForWhatTheOfficerWasToldBefore", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		c.enrol("A-1", 176)
		c.send()
		c.urgent()
		c.send() // the officer hears of it, then goes on leave
		alert := c.alert().ID
		require.Error(t, c.app.Acknowledge(c.ctx(), wang, alert), "a colleague who does not stand in")
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 5))
		require.NoError(t, c.app.Acknowledge(c.ctx(), wang, alert))
	})

	t.Run("TheDeputysDeputyHearsWhileBothAreAway", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		zheng := c.addUser(c.office, "zheng", dutyPhone, carelog.Officer)
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 10))
		require.NoError(t, c.leave(wang, wang.User, zheng.User, 10))
		c.enrol("A-1", 176)
		c.send()
		c.clock.set(at(2026, time.November, 25, 10, 0))
		c.urgent()
		require.Equal(t, []string{dutyPhone}, supervised(c.send()))
		require.Equal(t, "zheng某", c.alert().ResponsibleName)
	})

	t.Run("ARingOfDeputiesIsRefused", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		zheng := c.addUser(c.office, "zheng", dutyPhone, carelog.Officer)
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 10))
		require.NoError(t, c.leave(wang, wang.User, zheng.User, 5))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.leave(zheng, zheng.User, c.officer.User, 5)))
		from := calendar.Of(tuesday).AddDays(5) // wang is back by then
		_, err := c.app.SetAbsence(c.ctx(), zheng, carelog.Absence{User: zheng.User, From: from, Until: from.AddDays(3), Deputy: c.officer.User})
		require.NoError(t, err)
	})

	t.Run("ARingThatCameAboutAnywayEndsAtTheHead", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 10))
		c.exec(`INSERT INTO absences (id, office_id, user_id, deputy_id, from_on, until_on, recorded_at)
			SELECT gen_random_uuid(), office_id, deputy_id, user_id, from_on, until_on, recorded_at FROM absences`)
		c.enrol("A-1", 176)
		c.send()
		c.clock.set(at(2026, time.November, 25, 10, 0))
		c.urgent()
		require.Equal(t, []string{bossPhone}, supervised(c.send()))
	})

	t.Run("TheHeadOnLeaveHasTheirDeputyToldToo", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.addSupervisor(c.office, "qian", deputyPhone, "deputy")
		var qian carelog.UserID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM users WHERE login = 'qian'").Scan(&qian))
		c.receiptOnly()
		require.NoError(t, c.leave(c.boss, c.boss.User, qian, 30))
		c.clock.set(at(2026, time.December, 8, 9, 0))
		require.Equal(t, []string{deputyPhone}, supervised(c.sweep()))
	})

	t.Run("WhoCannotStandInIsRefused", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		elsewhere := c.addOffice("370321", "桓台县人民检察院", carelog.OfficeID{})
		stranger := c.addUser(elsewhere, "stranger", dutyPhone, carelog.Officer)
		for name, deputy := range map[string]carelog.UserID{"themself": c.officer.User, "no officer": c.boss.User, "of another office": stranger.User} {
			require.Equal(t, carelog.Invalid, carelog.KindOf(c.leave(c.officer, c.officer.User, deputy, 5)), name)
		}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.leave(wang, c.officer.User, wang.User, 5)), "a colleague sends nobody on leave")
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.leave(stranger, c.officer.User, wang.User, 5)))
		require.NoError(t, c.leave(c.admin, c.officer.User, wang.User, 5))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.leave(c.officer, c.officer.User, wang.User, 2)), "twice for the same days")
	})

	t.Run("BackEarlyIsBack", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		wang := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		c.enrol("A-1", 3)
		require.NoError(t, c.leave(c.officer, c.officer.User, wang.User, 5))
		found, err := c.app.Absences(c.ctx(), c.boss, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, "wang某", found[0].DeputyName)
		require.NoError(t, c.app.EndAbsence(c.ctx(), c.officer, found[0].ID))
		c.clock.set(at(2026, time.November, 25, 8, 30))
		require.Len(t, to(c.send(), officerPhone), 1)
	})
}
