package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// figureOf is the headline number of that key.
func figureOf(t *testing.T, s carelog.Statistics, key string) carelog.Figure {
	t.Helper()
	for _, f := range s.Figures {
		if f.Key == key {
			return f
		}
	}
	require.Fail(t, "no figure "+key)
	return carelog.Figure{}
}

func tableOf(t *testing.T, s carelog.Statistics, key string) carelog.StatisticsTable {
	t.Helper()
	for _, table := range s.Tables {
		if table.Key == key {
			return table
		}
	}
	require.Fail(t, "no table "+key)
	return carelog.StatisticsTable{}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	award := func(id, origin, stage string, fen int64, paid calendar.Date) carelog.RecipientID {
		e := c.enrolment(id, 3)
		e.Award = carelog.Award{TotalFen: fen, PaidOn: paid, Origin: origin, Department: "刑事检察部门", CaseStage: stage}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		return made.Recipient
	}
	today := calendar.Of(tuesday)
	a := award("A-1", "ex_officio", "审查逮捕", 1150000, today)
	b := award("A-2", "ex_officio", "审查起诉", 500000, today.AddMonths(-12).AddDays(1))
	award("A-3", "application", "审查起诉", 500000, calendar.New(2026, time.June, 1))
	award("B-1", "ex_officio", "审查起诉", 1020000, today.AddMonths(-12))
	award("B-2", "ex_officio", "审查起诉", 900000, calendar.New(2024, time.March, 1))
	_, err := c.app.JoinHousehold(c.ctx(), c.officer, []carelog.RecipientID{a, b}, "母子")
	require.NoError(t, err)
	read := func(by carelog.Actor, f carelog.StatisticsFilter) carelog.Statistics {
		s, err := c.app.Statistics(c.ctx(), by, f)
		require.NoError(t, err)
		return s
	}

	t.Run("CountsTheTwelveMonthsUpToTodayEachInItsUnit", func(t *testing.T) {
		s := read(c.boss, carelog.StatisticsFilter{})
		require.Equal(t, "2025-11-25", s.From.String())
		require.Equal(t, "2024-11-25", s.PriorFrom.String())
		awards := figureOf(t, s, "awards")
		require.Equal(t, []int64{3, 1, 2}, []int64{awards.Value, awards.Prior, awards.Change})
		require.Equal(t, carelog.UnitAward, awards.Unit)
		require.EqualValues(t, 3, figureOf(t, s, "recipients").Value)
		require.EqualValues(t, 2, figureOf(t, s, "households").Value, "mother and child are one")
		require.Equal(t, carelog.UnitHousehold, figureOf(t, s, "households").Unit)
		officio := figureOf(t, s, "ex_officio")
		require.EqualValues(t, 2, officio.Value)
		require.EqualValues(t, 3, *officio.Of)
	})

	t.Run("SaysTheChangeAgainstTheSameDaysAYearBefore", func(t *testing.T) {
		paid := figureOf(t, read(c.boss, carelog.StatisticsFilter{}), "paid")
		require.EqualValues(t, 2150000, paid.Value)
		require.EqualValues(t, 1020000, paid.Prior)
		require.EqualValues(t, 1130000, paid.Change)
		require.EqualValues(t, 1108, *paid.ChangePermille)
		fell := figureOf(t, read(c.boss, carelog.StatisticsFilter{From: today.AddDays(-1), Until: today.AddDays(-1)}), "paid")
		require.Nil(t, fell.ChangePermille, "nothing the year before: no share of it")
	})

	t.Run("DividesAndAddsUp", func(t *testing.T) {
		s := read(c.boss, carelog.StatisticsFilter{})
		origin := tableOf(t, s, "origin")
		require.True(t, origin.AddsUp)
		require.EqualValues(t, 3, origin.Of)
		require.Equal(t, []carelog.StatisticsRow{{Key: "ex_officio", Count: 2, Prior: 1, Fen: 1650000}, {Key: "application", Count: 1, Fen: 500000}}, origin.Rows)
		town := tableOf(t, s, "township")
		require.Equal(t, carelog.UnitHousehold, town.Unit)
		require.EqualValues(t, 2, town.Of)
		require.EqualValues(t, 3, tableOf(t, s, "template").Rows[0].Count)
	})

	t.Run("CountsNothingOfASisterOffice", func(t *testing.T) {
		other := c.addUser(c.addOffice("370324", "邻县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		require.Zero(t, figureOf(t, read(other, carelog.StatisticsFilter{}), "awards").Value)
		_, err := c.app.Statistics(c.ctx(), other, carelog.StatisticsFilter{Office: c.office})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.Statistics(c.ctx(), c.admin, carelog.StatisticsFilter{})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("ACaseOf81PeopleIsOneCaseAnd81Persons", func(t *testing.T) {
		k := newClues(t)
		k.opened(func(c *carelog.Clue) {
			c.FromDepartment, c.FromPartner, c.Persons = carelog.DepartmentID{}, k.veterans, 81
		})
		k.opened(nil)
		s, err := k.app.Statistics(k.ctx(), k.boss, carelog.StatisticsFilter{})
		require.NoError(t, err)
		require.EqualValues(t, []int64{2, 82, 2, 1, 0}, []int64{
			figureOf(t, s, "cases").Value, figureOf(t, s, "persons_in_cases").Value, figureOf(t, s, "clues").Value, figureOf(t, s, "clues_from_partners").Value, figureOf(t, s, "awards").Value,
		})
		require.Contains(t, tableOf(t, s, "case_source").Rows, carelog.StatisticsRow{Key: "县退役军人事务局", Count: 1, Persons: 81})
		require.Contains(t, tableOf(t, s, "clue_source").Rows, carelog.StatisticsRow{Key: "第一检察部", Count: 1})
	})

	t.Run("RefusesAPeriodUpsideDownOrTooLong", func(t *testing.T) {
		_, err := c.app.Statistics(c.ctx(), c.boss, carelog.StatisticsFilter{From: today, Until: today.AddDays(-1)})
		require.ErrorContains(t, err, "until")
		_, err = c.app.Statistics(c.ctx(), c.boss, carelog.StatisticsFilter{From: today.AddYears(-6), Until: today})
		require.ErrorContains(t, err, "from")
	})
}
