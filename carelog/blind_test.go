package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/condition"
)

// blindCheckIn gives a home check-in that nobody was texted about an id that is
// chosen for a second scoring, and lets its window open.
func blindCheckIn(c *county, made carelog.Enrolled) carelog.CheckInID {
	c.t.Helper()
	check := c.step(made.Recipient, "month-3")
	chosen := check.ID
	for n := byte(0); !carelog.BlindChosen(chosen); n++ {
		chosen[14] = n
		if n == 255 {
			chosen[13]++
		}
	}
	c.exec("UPDATE check_ins SET id = $2 WHERE id = $1", check.ID, chosen)
	c.clock.set(check.Due.At(9, 0))
	return chosen
}

func TestBlindScores(t *testing.T) {
	t.Parallel()

	t.Run("AreAskedOfOneVisitInTwenty", func(t *testing.T) {
		t.Parallel()
		chosen := 0
		var id carelog.CheckInID
		for n := range 10000 {
			id[0], id[1], id[7] = byte(n), byte(n>>8), 0x70
			if carelog.BlindChosen(id) {
				chosen++
			}
		}
		require.InDelta(t, 500, chosen, 70)
	})
	t.Run("AreGivenByASecondOfficerWhoHasNotSeenTheFirst", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		second := c.addUser(c.office, "wu", "", carelog.Officer)
		made := c.enrol("A-1", 40)
		id := blindCheckIn(c, made)
		r := reachedAll(3)
		r.Scores = r.Scores.With(condition.Health, condition.ScoreOf(0))
		r.Note = "院墙塌了一段"
		r.Evidence = map[condition.Domain]carelog.Evidence{condition.Housing: {Kind: "observed"}}
		c.record(id, r)
		require.Equal(t, 1, c.tasks("blind_scoring"))

		history, err := c.app.History(c.ctx(), second, made.Recipient, 0, 50)
		require.NoError(t, err)
		told := ""
		for _, e := range history.Entries {
			if e.Kind == "check_in_recorded" {
				told = string(e.Details)
			}
		}
		require.Contains(t, told, "院墙塌了一段")
		require.NotContains(t, told, "scores")
		require.NotContains(t, told, "index")
		read, err := c.app.Records(c.ctx(), second, id)
		require.NoError(t, err)
		require.True(t, read[0].Withheld)
		require.Zero(t, read[0].Scores.Scored())
		require.Equal(t, "院墙塌了一段", read[0].Note)
		assessed, err := c.app.Assessments(c.ctx(), second, made.Recipient)
		require.NoError(t, err)
		require.Zero(t, assessed[0].Scores.Scored())
		require.Zero(t, assessed[0].Index)

		judged, err := c.app.Judgements(c.ctx(), second, made.Recipient)
		require.NoError(t, err)
		require.Empty(t, judged.Judgements, "what was found would tell the scores")
		judged, err = c.app.Judgements(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.NotEmpty(t, judged.Judgements)

		_, err = c.app.ScoreBlind(c.ctx(), c.officer, id, all(3))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "never whoever recorded it")
		agreed, err := c.app.ScoreBlind(c.ctx(), second, id, all(2).With(condition.Housing, condition.ScoreOf(1)).With(condition.Health, condition.ScoreOf(0)))
		require.NoError(t, err)
		require.Equal(t, 10, agreed.Compared)
		require.Equal(t, 9, agreed.Agreed)
		require.Equal(t, []condition.Domain{condition.Housing}, agreed.Diverged)
		require.Zero(t, c.tasks("blind_scoring"))
		require.Equal(t, 1, c.tasks("scores_diverge"))
		_, err = c.app.ScoreBlind(c.ctx(), second, id, all(3))
		require.Equal(t, carelog.Conflict, carelog.KindOf(err), "once")
		read, err = c.app.Records(c.ctx(), second, id)
		require.NoError(t, err)
		require.Equal(t, 10, read[0].Scores.Scored(), "shown once theirs are in")
		require.Equal(t, 68, read[0].Index, "the first scores stay")
		c.keeps()
	})
	t.Run("AreGivenByASupervisorWhereThereIsOneOfficer", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		id := blindCheckIn(c, c.enrol("A-1", 40))
		c.record(id, reachedAll(3))
		agreed, err := c.app.ScoreBlind(c.ctx(), c.boss, id, all(3))
		require.NoError(t, err)
		require.Empty(t, agreed.Diverged)
		require.Zero(t, c.tasks("scores_diverge"))
	})
	t.Run("AreAskedOnceHoweverOftenItIsCorrected", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		id := blindCheckIn(c, c.enrol("A-1", 40))
		first := c.record(id, reachedAll(3))
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, reachedAll(1), "看错了")
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM blind_scorings"))
		agreed, err := c.app.ScoreBlind(c.ctx(), c.boss, id, all(1))
		require.NoError(t, err)
		require.Empty(t, agreed.Diverged, "compared with the version that stands")
	})
}
