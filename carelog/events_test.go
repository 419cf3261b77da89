package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestEvents(t *testing.T) {
	t.Parallel()

	t.Run("StandInTheFileAndCanBeWithdrawn", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		id, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "hospital", OccurredOn: calendar.New(2026, 11, 22), Source: "village_contact", Note: "摔断了腿"})
		require.NoError(t, err)
		require.Contains(t, string(c.lastEntry(made.Recipient, "event_reported").Details), "摔断了腿")
		require.Zero(t, c.count("SELECT count(*) FROM events WHERE encode(sealed, 'escape') LIKE '%' || $1 || '%'", "摔断"))
		found, err := c.app.Events(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, "摔断了腿", found[0].Note)
		require.Nil(t, found[0].WithdrawnAt)
		other := c.addUser(c.office, "wu", "", carelog.Officer)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.WithdrawEvent(c.ctx(), other, id, "x")))
		require.Equal(t, []string{"reason"}, fields(t, c.app.WithdrawEvent(c.ctx(), c.officer, id, " ")))
		require.NoError(t, c.app.WithdrawEvent(c.ctx(), c.officer, id, "是邻居家的事"))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.WithdrawEvent(c.ctx(), c.officer, id, "x")))
		found, err = c.app.Events(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.NotNil(t, found[0].WithdrawnAt)
		c.keeps()
	})
	t.Run("OfDeathAndMoveSetTheirPathsGoing", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []string{"death", "moved"} {
			c := newCounty(t)
			made := c.enrol("A-1", 3)
			_, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: kind, OccurredOn: calendar.New(2026, 11, 22), Source: "relative"})
			require.NoError(t, err)
			require.Positive(t, c.count("SELECT count(*) FROM tasks WHERE state = 'open' AND recipient_id = $1", made.Recipient), kind)
			c.keeps()
		}
	})
	t.Run("AreRefusedWithEveryProblem", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		_, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "wedding", OccurredOn: calendar.New(2026, 11, 25), Source: "cat"})
		require.ElementsMatch(t, []string{"kind", "source", "occurred_on"}, fields(t, err))
	})
	t.Run("OfAnotherOfficesFileAreNotFound", func(t *testing.T) {
		t.Parallel()
		c, made, stranger := withSister(t)
		_, err := c.app.ReportEvent(c.ctx(), stranger, made.Recipient, carelog.Event{Kind: "hospital", OccurredOn: calendar.New(2026, 11, 22), Source: "self"})
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
	})
}
