package carelog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// alertOf is the newest alert of a rule.
func (c *county) alertOf(rule string) carelog.AlertID {
	c.t.Helper()
	found, err := c.app.Alerts(c.ctx(), c.boss, carelog.AlertFilter{Page: carelog.Page{Limit: 50}})
	require.NoError(c.t, err)
	for _, a := range found {
		if a.Rule == rule {
			return a.ID
		}
	}
	c.t.Fatal("no alert " + rule)
	return carelog.AlertID{}
}

func (c *county) happened(id carelog.RecipientID, kind string) carelog.EventID {
	c.t.Helper()
	made, err := c.app.ReportEvent(c.ctx(), c.officer, id, carelog.Event{Kind: kind, OccurredOn: calendar.Of(c.clock.now()), Source: "school"})
	require.NoError(c.t, err)
	return made
}

// TestNeglect tries what somebody does who wants a household off the list.
func TestNeglect(t *testing.T) {
	t.Parallel()

	t.Run("WhatRaisedARedAlertIsNoDeed", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		c.visit(made.Recipient, "month-3", "3033333333")
		c.happened(made.Recipient, "child_out_of_care")
		for _, rule := range []string{"R1", "R3", "R12"} {
			require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.CloseAlert(c.ctx(), c.officer, c.alertOf(rule), "resolved", "已处理")), rule)
		}
	})

	t.Run("ACallNobodyTookIsNoDeedAndAVisitIs", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := woken(t, c, at(2026, time.November, 26, 10, 0))
		c.later(time.Hour)
		id := c.alert().ID
		c.tried(made, "no_answer")
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.CloseAlert(c.ctx(), c.officer, id, "resolved", "已处理")))
		c.later(time.Hour)
		_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.NoError(t, err)
		if c.count("SELECT count(*) FROM alerts WHERE state <> 'closed'") > 0 {
			require.NoError(t, c.app.CloseAlert(c.ctx(), c.officer, id, "resolved", "已上门"))
		}
	})

	t.Run("WhatTurnedRedWhileThePlanWasClosedIsToldWhenItIsReopened", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		c.closed(made)
		c.happened(made.Recipient, "child_out_of_care")
		require.Equal(t, 1, c.tasks("care_again"))
		_, err := c.app.ReopenPlan(c.ctx(), c.officer, made.Plan, "孩子无人照料")
		require.NoError(t, err)
		require.Equal(t, "red", c.tier(made.Recipient))
		require.Equal(t, []string{"R12 red"}, c.alerts(made.Recipient, openAlert))
		require.Zero(t, c.tasks("care_again"))
		c.keeps()
	})

	t.Run("TheExitAsksForTwoWholeAssessmentsOneOfThemAtHome", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		c.exec("UPDATE care_plans SET started_on = started_on - 400 WHERE id = $1", made.Plan)
		c.visit(made.Recipient, "baseline", "3313313333")
		for range 2 {
			c.later(24 * time.Hour)
			_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "phone", carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(t, "3NNNNNNNNN")})
			require.NoError(t, err)
		}
		require.Contains(t, unmet(t, second(c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困"))), "exit.last_two_visits")
	})

	t.Run("NobodyReachedIsToldAgainAfterItWasClosedWithWords", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolAs("A-1", "K", 20)
		threeMisses := func() {
			for range 3 {
				calls := slices.DeleteFunc(c.checkIns(made.Recipient, "open"), func(check carelog.CheckIn) bool { return check.Kind != schedule.Phone })
				c.record(calls[0].ID, carelog.CheckInRecord{Outcome: "no_answer"})
				c.later(24 * time.Hour)
			}
		}
		threeMisses()
		require.Equal(t, []string{"R9 amber"}, c.alerts(made.Recipient, openAlert))
		require.NoError(t, c.app.CloseAlert(c.ctx(), c.officer, c.alertOf("R9"), "resolved", "打过电话"))
		c.later(time.Hour)
		threeMisses()
		require.Equal(t, []string{"R9 amber"}, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("WhoOffersAHouseholdToAnotherOfficeDoesNotTakeItForThem", func(t *testing.T) {
		t.Parallel()
		c := staffed(t)
		made := c.enrol("A-1", 74)
		var city carelog.OfficeID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT parent_id FROM offices WHERE id = $1", c.office).Scan(&city))
		c.addOffice("370324", "临朐县人民检察院", city)
		chief := c.addUser(city, "chief", "+8615400000777", carelog.Supervisor)
		act, err := c.app.TransferToOffice(c.ctx(), chief, made.Plan, "370324", "搬家")
		require.NoError(t, err)
		_, err = c.app.AcceptTransfer(c.ctx(), chief, act.ID, carelog.Acceptance{Officer: "chen", Village: carelog.VillageName{Township: "城关", Name: "东村"}})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("PlansAreNotTakenOverForSomebodyWhoHasLeft", func(t *testing.T) {
		t.Parallel()
		c, _, colleague, act := offered(t, 2)
		c.exec("UPDATE users SET state = 'left' WHERE id = $1", colleague.User)
		deputy := c.addUser(c.office, "sun", "+8615400000778", carelog.Supervisor)
		_, err := c.app.AcceptTransfer(c.ctx(), deputy, act.ID, carelog.Acceptance{})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
	})

	t.Run("NoPlanIsClosedOverARedAlert", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		c.visit(made.Recipient, "month-3", "3033333333")
		c.happened(made.Recipient, "moved")
		propose := func() error {
			return second(c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, carelog.ClosingProposal{Path: "moved_away", Reason: "外省已接收"}))
		}
		require.Equal(t, carelog.Conflict, carelog.KindOf(propose()))
		c.resolve("red_alert")
		require.NoError(t, propose())
	})

	t.Run("HelpThatDidNotHelpIsAskedForAgain", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3133333333")
		partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs", Contact: "周某", Phone: "15400000555"})
		require.NoError(t, err)
		r := c.sent(made, partner)
		_, err = c.app.DecideReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", NoEnd: true, Document: "民〔2026〕9号"})
		require.NoError(t, err)
		c.later(time.Hour)
		c.visit(made.Recipient, "month-3", "3133333333")
		require.NotContains(t, c.judged(made.Recipient), "R13 amber", "a grant has a quarter to show")
		c.later(100 * 24 * time.Hour)
		c.scored(made.Recipient, "31N3N33333")
		require.Contains(t, c.judged(made.Recipient), "R13 amber")
	})

	t.Run("ARedEventIsNotTakenBackByWhoReportedIt", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		id := c.happened(made.Recipient, "child_out_of_care")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.WithdrawEvent(c.ctx(), c.officer, id, "报错了")))
		require.NoError(t, c.app.WithdrawEvent(c.ctx(), c.boss, id, "已核实为误报"))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
	})
}
