package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// all is the same score in every domain.
func all(points int) condition.Scores {
	var s condition.Scores
	for _, d := range condition.Domains() {
		s = s.With(d, condition.ScoreOf(points))
	}
	return s
}

// reachedAll is a home visit that scored every domain alike.
func reachedAll(points int) carelog.CheckInRecord {
	return carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: all(points)}
}

func (c *county) record(id carelog.CheckInID, r carelog.CheckInRecord) carelog.Recorded {
	c.t.Helper()
	done, err := c.app.RecordCheckIn(c.ctx(), c.officer, id, r)
	require.NoError(c.t, err)
	return done
}

func TestAttempts(t *testing.T) {
	t.Parallel()

	t.Run("EachOutcomeLeavesItOpenAndSetsItsWorkGoing", func(t *testing.T) {
		t.Parallel()
		for outcome, kind := range map[string]string{
			"no_answer": "", "away": "", "number_dead": "find_number", "suspected_fraud": "village_introduction", "in_custody": "custody_review",
		} {
			c := newCounty(t)
			made := c.enrol("A-1", 3)
			check := c.step(made.Recipient, "receipt")
			done := c.record(check.ID, carelog.CheckInRecord{Outcome: outcome})
			require.Equal(t, "planned", done.State, outcome)
			after := c.step(made.Recipient, "receipt")
			require.Equal(t, calendar.New(2026, time.November, 26), after.NextTryOn, outcome)
			if kind != "" {
				require.Equal(t, 1, c.tasks(kind), outcome)
				require.Equal(t, 1, c.count("SELECT count(*) FROM tasks"), outcome)
			}
			require.Contains(t, c.kinds(made.Recipient), "check_in_attempted")
			c.keeps()
		}
	})
	t.Run("RefusalMoveAndDeathSetTheirPathsGoing", func(t *testing.T) {
		t.Parallel()
		for _, outcome := range []string{"refused", "moved", "deceased"} {
			c := newCounty(t)
			made := c.enrol("A-1", 3)
			c.record(c.step(made.Recipient, "receipt").ID, carelog.CheckInRecord{Outcome: outcome})
			require.Positive(t, c.count("SELECT count(*) FROM tasks WHERE state = 'open'"), outcome)
			c.keeps()
		}
	})
	t.Run("ReachingThemEndsTheSearch", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		c.record(check.ID, carelog.CheckInRecord{Outcome: "number_dead"})
		c.record(check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.Zero(t, c.tasks("find_number"))
		c.keeps()
	})
	t.Run("RefusesANextTryThatIsPastAtRestOrFarOff", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 3).Recipient, "receipt")
		for _, day := range []calendar.Date{calendar.New(2026, 11, 23), calendar.New(2026, 11, 28), calendar.New(2027, 3, 1)} {
			_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "no_answer", NextTryOn: day})
			require.Equal(t, []string{"next_try_on"}, fields(t, err), day)
		}
	})
}

// full is a visit record with everything in it.
func full() carelog.CheckInRecord {
	r := reachedAll(3)
	r.OccurredAt, r.EndedAt = tuesday.Add(-2*time.Hour), tuesday.Add(-time.Hour)
	r.Officers, r.Place, r.Partner, r.Interpreter = []string{"li", "zhao"}, "home", "妇联 陈某", "方言协助"
	r.Flags = []condition.Flag{condition.FundSeizure}
	r.Evidence = map[condition.Domain]carelog.Evidence{condition.Housing: {Kind: "observed"}, condition.Income: {Kind: "told", Informant: "relative"}}
	r.Receipt, r.UseOfMoney = "full", "看病"
	r.Uses = []carelog.MoneyUse{{Category: "medical", AmountFen: 120000, Evidence: "document", BalanceFen: 380000, Concern: "由叔父代管"}}
	r.Changes, r.Income, r.Health, r.Mood, r.Legal = "添了孙子", "低保", "复查中", "睡不好", "执行未到位"
	r.Schooling = []carelog.ChildAtSchool{{Child: "长子", Text: "初二，常缺课"}}
	r.InPlace, r.Lapsed, r.Needs = "低保", "临时救助", "想找份活"
	r.Satisfaction, r.Confirmed = 4, "oral"
	r.Issues, r.NextVisit, r.TierProposal, r.Note = "核实代管", "提前一个月", "改为黄色", "家中有犬"
	return r
}

func TestVisitRecord(t *testing.T) {
	t.Parallel()

	t.Run("KeepsEverythingAndNothingOfItInClear", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "baseline")
		done := c.record(check.ID, full())
		require.Empty(t, done.Warnings)
		read, err := c.app.Records(c.ctx(), c.boss, check.ID)
		require.NoError(t, err)
		require.Len(t, read, 1)
		want, got := full(), read[0].CheckInRecord
		require.True(t, want.OccurredAt.Equal(got.OccurredAt) && want.EndedAt.Equal(got.EndedAt))
		got.OccurredAt, got.EndedAt = want.OccurredAt, want.EndedAt
		require.Equal(t, want, got)
		require.Equal(t, "waiting", read[0].SignOff)
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'records_read'"))
		entry := c.lastEntry(made.Recipient, "check_in_recorded")
		for _, word := range []string{"由叔父代管", "初二", "妇联 陈某", "想找份活", `"safeguarding":["fund_seizure"]`} {
			require.Contains(t, string(entry.Details), word)
		}
		var row string
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT r::text FROM check_in_records r WHERE id = $1", done.Record).Scan(&row))
		for _, secret := range []string{"叔父", "睡不好", "妇联", "缺课"} {
			require.NotContains(t, row, secret)
		}
	})
	t.Run("TellsEveryProblemAtOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 3).Recipient, "baseline")
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{
			Outcome: "reached", Informant: "cat", Place: "moon", Confirmed: "nod", Satisfaction: 6, Officers: []string{"li", "nobody"},
			OccurredAt: tuesday.Add(-time.Hour), EndedAt: tuesday.Add(-2 * time.Hour), Flags: []condition.Flag{"boredom"},
			Scores:    condition.Scores{}.With(condition.Income, condition.ScoreOf(2)),
			Evidence:  map[condition.Domain]carelog.Evidence{condition.Income: {Kind: "guess"}, condition.Care: {Kind: "told"}},
			Uses:      []carelog.MoneyUse{{Category: "medical"}, {Category: "gold", AmountFen: -1, Evidence: "guess"}},
			Schooling: []carelog.ChildAtSchool{{Child: "长子"}}, Legal: strings.Repeat("x", 8001),
		})
		require.ElementsMatch(t, []string{
			"informant", "place", "confirmed", "satisfaction", "officers[1]", "ended_at", "flags", "evidence.income.kind", "evidence.care",
			"uses[1].category", "uses[1].amount_fen", "uses[1].evidence", "schooling[0].text", "legal",
		}, fields(t, err))
	})
	t.Run("WarnsOfOneOfficerAlone", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		done := c.record(c.step(c.enrol("A-1", 3).Recipient, "baseline").ID, reachedAll(3))
		require.Equal(t, []string{"a home visit is customarily made by two officers"}, done.Warnings)
	})
	t.Run("ALateEntryIsFlaggedAndItsCrisisClockRunsFromTheEntry", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "baseline")
		c.clock.set(tuesday.AddDate(0, 0, 3))
		r := reachedAll(3)
		r.Scores = r.Scores.With(condition.Safety, condition.ScoreOf(0))
		r.OccurredAt = tuesday.Add(time.Hour)
		done := c.record(check.ID, r)
		require.True(t, done.Late)
		require.Contains(t, string(c.lastEntry(made.Recipient, "check_in_recorded").Details), `"late":true`)
		var actBy time.Time
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT act_by FROM alerts WHERE rule = 'R1'").Scan(&actBy))
		require.True(t, actBy.Equal(c.clock.now().Add(24*time.Hour)), actBy)
	})
	t.Run("ALongVisitIsLateOnlyADayAfterItsEnd", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 3).Recipient, "baseline")
		c.clock.set(tuesday.AddDate(0, 0, 1))
		r := reachedAll(3)
		r.OccurredAt, r.EndedAt = tuesday.Add(-2*time.Hour), tuesday.Add(time.Minute)
		require.False(t, c.record(check.ID, r).Late)
	})
	t.Run("ABaselineEnteredLateMakesWhatFollowedItCount", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 85)
		c.clock.set(tuesday.AddDate(0, 0, 5).Add(24 * time.Hour))
		r := reachedAll(3)
		r.AskedVillage = true
		require.False(t, c.record(c.step(made.Recipient, "month-3").ID, r).Counts)
		r.OccurredAt = tuesday.Add(time.Hour)
		c.record(c.step(made.Recipient, "baseline").ID, r)
		found, err := c.app.Assessments(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.True(t, found[0].Counts, "the later one counts now")
		require.False(t, found[1].Counts)
	})
}

func TestEarlyVisits(t *testing.T) {
	t.Parallel()

	t.Run("DoNotCompleteWhatOpensLater", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 60)
		check := c.step(made.Recipient, "month-3")
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, reachedAll(3))
		require.Equal(t, []string{"occurred_at"}, fields(t, err))
		done, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", reachedAll(3))
		require.NoError(t, err)
		require.True(t, done.CheckIn.IsZero())
		require.True(t, done.Assessed)
		require.Contains(t, c.kinds(made.Recipient), "visit_noted")
		require.Equal(t, "planned", c.step(made.Recipient, "month-3").State)
		alone, err := c.app.Visits(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Len(t, alone, 1)
		c.keeps()
	})
	t.Run("CompleteItInsideItsWindow", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 85)
		check := c.step(made.Recipient, "month-3")
		done, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", reachedAll(3))
		require.NoError(t, err)
		require.Equal(t, check.ID, done.CheckIn)
		require.Equal(t, "done", done.State)
		c.keeps()
	})
	t.Run("WithoutScoresStandAloneWhereScoresAreDue", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 85)
		done, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{Outcome: "reached", Informant: "self", Note: "送年货"})
		require.NoError(t, err)
		require.True(t, done.CheckIn.IsZero())
		require.Equal(t, "planned", c.step(made.Recipient, "month-3").State)
	})
	t.Run("OfAClosedPlanAreStillWrittenDown", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.exec("UPDATE care_plans SET state = 'closed', closed_by = $1", c.boss.User)
		_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", reachedAll(2))
		require.NoError(t, err)
	})
}

// lastEntry is the newest history entry of a kind.
func (c *county) lastEntry(id carelog.RecipientID, kind string) carelog.Entry {
	c.t.Helper()
	entries := c.history(id)
	for i := range entries {
		if e := entries[len(entries)-1-i]; e.Kind == kind {
			return e
		}
	}
	c.t.Fatalf("no entry %s", kind)
	return carelog.Entry{}
}
