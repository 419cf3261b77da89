package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestAppointments(t *testing.T) {
	t.Parallel()
	agree := func(c *county, id carelog.CheckInID, on calendar.Date, at, why string) (carelog.CheckIn, error) {
		return c.app.AgreeAppointment(c.ctx(), c.officer, id, carelog.Appointment{On: on, At: at, Reason: why})
	}

	t.Run("AreKeptWhateverIsRecalculated", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 85)
		check := c.step(made.Recipient, "month-3")
		day := calendar.New(2026, time.November, 27)
		got, err := agree(c, check.ID, day, "14:30", "")
		require.NoError(t, err)
		require.True(t, got.Appointed.Equal(day.At(14, 30)))
		require.Equal(t, day, got.Due)
		require.Equal(t, check.Opens, got.Opens)
		require.Equal(t, check.Closes, got.Closes)
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE id = $1 AND fixed", check.ID))
		require.Contains(t, c.kinds(made.Recipient), "appointment_agreed")
		_, err = agree(c, check.ID, day.AddDays(3), "10:00", "")
		require.Equal(t, []string{"reason"}, fields(t, err), "what is agreed moves only with a reason")
		_, err = agree(c, check.ID, day.AddDays(3), "10:00", "家里有事")
		require.NoError(t, err)
		require.Contains(t, string(c.lastEntry(made.Recipient, "appointment_moved").Details), "家里有事")
		c.keeps()
	})
	t.Run("OnASundayNeedAReasonAndAreDueOnMonday", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 85).Recipient, "month-3")
		sunday := calendar.New(2026, time.November, 29)
		_, err := agree(c, check.ID, sunday, "10:00", "")
		require.Equal(t, []string{"reason"}, fields(t, err))
		got, err := agree(c, check.ID, sunday, "10:00", "平日都在外打工")
		require.NoError(t, err)
		require.Equal(t, sunday.AddDays(1), got.Due)
		require.True(t, got.Appointed.Equal(sunday.At(10, 0)))
		c.keeps()
	})
	t.Run("OutsideTheWindowNeedAReason", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 85).Recipient, "month-3")
		late := calendar.Official().RollForward(check.Closes.AddDays(5))
		_, err := agree(c, check.ID, late, "10:00", "")
		require.Equal(t, []string{"reason"}, fields(t, err))
		got, err := agree(c, check.ID, late, "10:00", "住院到月底")
		require.NoError(t, err)
		require.True(t, got.Closes.After(late))
		c.keeps()
	})
	t.Run("AreNeverInThePast", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 85).Recipient, "month-3")
		_, err := agree(c, check.ID, calendar.New(2026, time.November, 23), "10:00", "x")
		require.Equal(t, []string{"on"}, fields(t, err))
		_, err = agree(c, check.ID, calendar.New(2026, time.November, 24), "08:30", "x")
		require.Equal(t, []string{"at"}, fields(t, err))
		_, err = agree(c, check.ID, calendar.New(2026, time.November, 25), "half past", "x")
		require.Equal(t, []string{"at"}, fields(t, err))
	})
	t.Run("EndWhenTheCheckInIsMoved", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		check := c.step(c.enrol("A-1", 85).Recipient, "month-3")
		_, err := agree(c, check.ID, calendar.New(2026, time.November, 27), "10:00", "")
		require.NoError(t, err)
		moved, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, calendar.New(2026, time.December, 1), "家里没人")
		require.NoError(t, err)
		require.Nil(t, moved.Appointed)
	})
}
