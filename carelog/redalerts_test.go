package carelog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// woken is a staffed county where urgent words came from the village at that hour.
func woken(t *testing.T, c *county, when time.Time) carelog.Enrolled {
	t.Helper()
	made := c.enrol("A-1", 176)
	c.send()
	c.clock.set(when)
	c.urgent()
	return made
}

func (c *county) alert() carelog.Alert {
	c.t.Helper()
	found, err := c.app.Alerts(c.ctx(), c.boss, carelog.AlertFilter{Page: carelog.Page{Limit: 10}})
	require.NoError(c.t, err)
	require.Len(c.t, found, 1)
	return found[0]
}

func TestRedAlerts(t *testing.T) {
	t.Parallel()
	night := at(2026, time.November, 26, 3, 0)

	t.Run("AtThreeInTheMorningWhoeverIsOnDutyIsToldBesideTheOfficer", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		duty := c.addUser(c.office, "zheng", dutyPhone, carelog.Officer)
		_, err := c.app.SetDuty(c.ctx(), c.boss, carelog.Duty{Office: c.office, User: duty.User, From: night.Add(-8 * time.Hour), Until: night.Add(5 * time.Hour)})
		require.NoError(t, err)
		roster, err := c.app.Duties(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, "zheng某", roster[0].UserName)
		woken(t, c, night)
		claimed := c.send()
		require.Len(t, red(claimed, officerPhone), 1)
		require.Len(t, to(claimed, dutyPhone), 1)
		require.Empty(t, to(claimed, bossPhone), "the head sleeps while somebody is on duty")
	})

	t.Run("WithoutARosterTheHeadIsToldAtNight", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		woken(t, c, night)
		claimed := c.send()
		require.Len(t, red(claimed, officerPhone), 1)
		require.Len(t, to(claimed, bossPhone), 1)
	})

	t.Run("ByDayOnlyTheOfficerIsTold", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		woken(t, c, at(2026, time.November, 26, 10, 0))
		claimed := c.send()
		require.Len(t, red(claimed, officerPhone), 1)
		require.Empty(t, supervised(claimed))
	})

	t.Run("TheNewestEntryOfTheRosterHolds", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		first := c.addUser(c.office, "zheng", dutyPhone, carelog.Officer)
		second := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		for _, user := range []carelog.UserID{first.User, second.User} {
			_, err := c.app.SetDuty(c.ctx(), c.boss, carelog.Duty{Office: c.office, User: user, From: night.Add(-8 * time.Hour), Until: night.Add(5 * time.Hour)})
			require.NoError(t, err)
			c.later(time.Second)
		}
		woken(t, c, night)
		require.Equal(t, []string{wangPhone}, supervised(c.send()))
	})

	t.Run("HoursRunThroughTheNightUntilTheHeadAndTheDeputyHear", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		woken(t, c, at(2026, time.November, 26, 19, 0)) // to act by 21:00
		c.send()
		c.acknowledge()
		c.clock.set(at(2026, time.November, 27, 0, 59))
		require.Empty(t, c.sweep().Send)
		c.clock.set(at(2026, time.November, 27, 1, 0)) // 4 hours past
		require.Equal(t, []string{bossPhone}, supervised(c.sweep()))
		c.acknowledgeAs(c.boss)
		c.clock.set(at(2026, time.November, 27, 20, 59))
		require.Empty(t, supervised(c.sweep()))
		c.clock.set(at(2026, time.November, 27, 21, 0)) // a day past
		require.Equal(t, []string{deputyPhone}, supervised(c.sweep()))
	})

	t.Run("IsToldAgainUntilSomebodyAcknowledgesByName", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		woken(t, c, at(2026, time.November, 26, 10, 0))
		c.send()
		c.clock.set(at(2026, time.November, 26, 11, 59))
		require.Empty(t, red(c.sweep(), officerPhone))
		c.clock.set(at(2026, time.November, 26, 12, 0))
		require.Len(t, red(c.sweep(), officerPhone), 1)
		c.acknowledge()
		c.clock.set(at(2026, time.November, 26, 14, 0))
		require.Empty(t, red(c.sweep(), officerPhone))
		found := c.alert()
		require.Equal(t, "acknowledged", found.State)
		require.Equal(t, "li某", found.AcknowledgedName)
		require.True(t, found.Late, "the time to act goes on")
		require.Equal(t, "officer", found.Rung)
		c.keeps()
	})

	t.Run("IsPutOffOnlyWithAReasonAndForFourHours", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := woken(t, c, at(2026, time.November, 26, 10, 0))
		c.send()
		id := c.alert().ID
		now := c.clock.now()
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.Snooze(c.ctx(), c.officer, id, now.Add(time.Hour), " ")))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.Snooze(c.ctx(), c.officer, id, now.Add(4*time.Hour+time.Minute), "在路上")))
		require.NoError(t, c.app.Snooze(c.ctx(), c.officer, id, now.Add(4*time.Hour), "在去村里的路上"))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.Snooze(c.ctx(), c.officer, id, now.Add(4*time.Hour), "再等等")), "a second time is a supervisor's")
		c.clock.set(now.Add(3 * time.Hour))
		require.Empty(t, red(c.sweep(), officerPhone))
		c.clock.set(now.Add(4 * time.Hour))
		require.Len(t, red(c.sweep(), officerPhone), 1)
		require.Contains(t, c.kinds(made.Recipient), "alert_snoozed")
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE why LIKE '%村%'"), "the reason stands sealed in the history")
	})

	t.Run("EndsByADeedAndNotByAnOfficersWord", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := woken(t, c, at(2026, time.November, 26, 10, 0))
		id := c.alert().ID
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.CloseAlert(c.ctx(), c.officer, id, "resolved", "没事")))
		c.later(time.Minute)
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "已通话,平安"})
		require.NoError(t, err)
		require.NoError(t, c.app.CloseAlert(c.ctx(), c.officer, id, "resolved", "已通话,平安"))
		require.Zero(t, c.count("SELECT count(*) FROM escalations WHERE state = 'running' AND alert_id = $1", id))
		require.Zero(t, c.tasks("urgent_reply"), "its work ends with it")
		require.Empty(t, red(c.send(), officerPhone), "nobody is told of what is settled")
		c.clock.set(at(2026, time.November, 30, 10, 0))
		c.sweep()
		require.Zero(t, c.notices("zhao"))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.CloseAlert(c.ctx(), c.officer, id, "resolved", "已通话")))
		c.keeps()
	})

	t.Run("ATaskIsNoBackDoorToADeed", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := woken(t, c, at(2026, time.November, 26, 10, 0))
		tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 100})
		require.NoError(t, err)
		n := slices.IndexFunc(tasks, func(t carelog.Task) bool { return t.Kind == "urgent_reply" })
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.ResolveTask(c.ctx(), c.officer, tasks[n].ID, "没事")))
		require.Equal(t, "open", c.alert().State)
		c.later(time.Minute)
		_, err = c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "已通话,平安"})
		require.NoError(t, err)
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.officer, tasks[n].ID, "已通话,平安"))
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE state <> 'closed'"))
		c.keeps()
	})

	t.Run("WhatRaisedItIsNotTheDeed", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		c.visit(made.Recipient, "month-3", "3033333333")
		found, err := c.app.Alerts(c.ctx(), c.officer, carelog.AlertFilter{Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		n := slices.IndexFunc(found, func(a carelog.Alert) bool { return a.Level == "red" })
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.CloseAlert(c.ctx(), c.officer, found[n].ID, "resolved", "没事")))
	})

	t.Run("ASupervisorMayCloseItAsFalseWithAReason", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		woken(t, c, at(2026, time.November, 26, 10, 0))
		require.NoError(t, c.app.CloseAlert(c.ctx(), c.boss, c.alert().ID, "false", "核实为误发"))
		closed, err := c.app.Alerts(c.ctx(), c.boss, carelog.AlertFilter{State: "closed", Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Equal(t, "false", closed[0].Outcome)
	})

	t.Run("IsNobodyElsesToAnswerFor", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		other := c.addUser(c.office, "wang", wangPhone, carelog.Officer)
		woken(t, c, at(2026, time.November, 26, 10, 0))
		id := c.alert().ID
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.Acknowledge(c.ctx(), other, id)))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.CloseAlert(c.ctx(), other, id, "false", "误报")))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.Acknowledge(c.ctx(), c.admin, id)))
	})
}

func (c *county) acknowledge() { c.acknowledgeAs(c.officer) }

func (c *county) acknowledgeAs(by carelog.Actor) {
	c.t.Helper()
	require.NoError(c.t, c.app.Acknowledge(c.ctx(), by, c.alert().ID))
}

// red are the texts of a claim to a number that say something is red.
func red(claimed carelog.Claimed, phone string) []carelog.Outgoing {
	return slices.DeleteFunc(to(claimed, phone), func(out carelog.Outgoing) bool { return !strings.Contains(out.Text, "红色") })
}
