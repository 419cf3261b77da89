package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestSignOff(t *testing.T) {
	t.Parallel()

	t.Run("TakesASupervisorWhoWasNotThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		both := c.addUser(c.office, "sun", "", carelog.Officer, carelog.Supervisor)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "baseline")
		done, err := c.app.RecordCheckIn(c.ctx(), both, check.ID, reachedAll(3))
		require.NoError(t, err)
		waiting, err := c.app.VisitsToSign(c.ctx(), c.boss, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		require.Equal(t, done.Record, waiting[0].Record)
		require.Equal(t, "马某某", waiting[0].MaskedName)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SignOff(c.ctx(), both, done.Record, "")), "not the recorder")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SignOff(c.ctx(), c.officer, done.Record, "")), "not an officer")
		require.NoError(t, c.app.SignOff(c.ctx(), c.boss, done.Record, "已与村里核对"))
		require.Contains(t, string(c.lastEntry(made.Recipient, "visit_signed_off").Details), "已与村里核对")
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.SignOff(c.ctx(), c.boss, done.Record, "")))
		waiting, err = c.app.VisitsToSign(c.ctx(), c.boss, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, waiting)
		c.keeps()
	})
	t.Run("IsRefusedToWhoeverMadeTheVisit", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		r := reachedAll(3)
		r.Officers = []string{"li", "zhao"}
		done := c.record(c.step(c.enrol("A-1", 3).Recipient, "baseline").ID, r)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SignOff(c.ctx(), c.boss, done.Record, "")))
	})
	t.Run("IsAskedForAgainAfterACorrection", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		done := c.record(c.step(c.enrol("A-1", 3).Recipient, "baseline").ID, reachedAll(3))
		require.NoError(t, c.app.SignOff(c.ctx(), c.boss, done.Record, ""))
		again, err := c.app.CorrectRecord(c.ctx(), c.officer, done.Record, reachedAll(2), "x")
		require.NoError(t, err)
		waiting, err := c.app.VisitsToSign(c.ctx(), c.boss, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		require.Equal(t, again.Record, waiting[0].Record)
	})
	t.Run("ShowsNoVisitsOfAnotherOffice", func(t *testing.T) {
		t.Parallel()
		c, made, _ := withSister(t)
		c.record(c.step(made.Recipient, "baseline").ID, reachedAll(3))
		theirs := c.addUser(c.addOffice("370399", "外县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		waiting, err := c.app.VisitsToSign(c.ctx(), theirs, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, waiting)
	})
}
