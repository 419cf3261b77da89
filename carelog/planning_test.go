package carelog_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// scoresFor are scores a check-in of its kind may carry.
func scoresFor(check carelog.CheckIn) condition.Scores {
	scores := condition.Scores{}
	if !check.Scored {
		return scores
	}
	for i, d := range condition.Domains() {
		if check.Kind == schedule.Phone && (i == 2 || i == 4) {
			continue
		}
		scores = scores.With(d, condition.ScoreOf(3))
	}
	return scores
}

// mayBeTexted is what design.md allows: working days, never at noon or at night.
func mayBeTexted(purpose string, at time.Time) error {
	day := calendar.Of(at)
	minute := int(at.Sub(day.At(0, 0)) / time.Minute)
	spans := [][2]int{{8*60 + 30, 12 * 60}, {14 * 60, 20 * 60}}
	if purpose == "village_request" || purpose == "number_check" {
		spans = [][2]int{{9 * 60, 11*60 + 30}, {14*60 + 30, 18 * 60}}
	}
	if !calendar.Official().IsWorkday(day) {
		return fmt.Errorf("%s on %s, a rest day", purpose, day)
	}
	for _, span := range spans {
		if minute >= span[0] && minute < span[1] {
			return nil
		}
	}
	return fmt.Errorf("%s at %s", purpose, at.In(calendar.Shanghai()).Format("15:04"))
}

func TestPlanning(t *testing.T) {
	t.Parallel()

	t.Run("EveryTextIsPlannedInsideItsWindowWithAReason", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		start, n := calendar.New(2026, time.January, 1), 0
		rapid.Check(t, func(rt *rapid.T) {
			day := start.AddDays(rapid.IntRange(0, 364).Draw(rt, "day"))
			c.clock.set(day.At(0, 0).Add(time.Duration(rapid.IntRange(0, 24*60-1).Draw(rt, "minute")) * time.Minute))
			n++
			made := c.enrol(fmt.Sprint("A-", n), rapid.IntRange(0, 800).Draw(rt, "paid"))
			for _, m := range c.messages(made.Recipient) {
				require.NoError(rt, mayBeTexted(m.Purpose, m.NotBefore))
				require.NotEmpty(rt, m.Reason)
				require.False(rt, m.NotBefore.Before(c.clock.now()))
				require.False(rt, m.Deadline.Before(m.NotBefore))
			}
			require.Zero(rt, c.count("SELECT count(*) FROM ("+carelog.Forgotten+" AND p.id = $6) broken", []carelog.OfficeID{}, []calendar.Date{}, calendar.Official().RollBack(calendar.Of(c.clock.now())), c.clock.now(), calendar.Of(c.clock.now()), made.Plan))
		})
	})

	t.Run("OfficerThreeBeforeOnTheDayAndTwoAfter", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		cal := calendar.Official()
		want := map[time.Time]string{}
		for n, wording := range map[int]string{-3: "officer_due", 0: "officer_due", 2: "officer_overdue"} {
			at := cal.AddWorkdays(check.Due, n).At(8, 30)
			if at.Before(tuesday) {
				at = tuesday
			}
			want[at] = wording
		}
		got := map[time.Time]string{}
		for _, m := range c.messages(made.Recipient) {
			if m.CheckIn == check.ID {
				got[m.NotBefore.In(calendar.Shanghai())] = m.Wording
				require.Equal(t, c.officer.User, m.User)
			}
		}
		require.Equal(t, want, got)
	})

	t.Run("VillageFiveBeforeAndOneRepeat", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 160)
		check := c.village(made.Recipient)
		cal := calendar.Official()
		first := cal.AddWorkdays(check.Due, -5)
		var got []time.Time
		for _, m := range c.messages(made.Recipient) {
			if m.CheckIn == check.ID {
				require.Equal(t, "village_request", m.Purpose)
				require.Equal(t, c.contact, m.Contact)
				got = append(got, m.NotBefore.In(calendar.Shanghai()))
			}
		}
		slices.SortFunc(got, time.Time.Compare)
		require.Equal(t, []time.Time{first.At(9, 0), cal.AddWorkdays(first, 2).At(9, 0)}, got)
	})

	t.Run("OnlyStepsThatNameAContactAskOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 160)
		require.Zero(t, c.count(`SELECT count(*) FROM messages m JOIN check_ins c ON c.id = m.check_in_id
			WHERE m.contact_id IS NOT NULL AND NOT c.asks_village`))
	})

	t.Run("ATenDayOutageIsCaughtUpOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 3)
		c.clock.set(calendar.New(2026, time.December, 4).At(9, 0))
		require.NoError(t, c.markOverdue())
		c.plan()
		first := c.send()
		for range 3 {
			require.NoError(t, c.markOverdue())
			c.plan()
			require.Zero(t, c.claim().Looked())
		}
		require.Positive(t, first.Looked())
		c.keeps()
	})

	t.Run("ThirtyDaysOverdueTellTheOnlySupervisorOnceARung", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		for day := range 30 {
			c.clock.set(calendar.Of(tuesday).AddDays(day).At(9, 0))
			require.NoError(t, c.markOverdue())
			c.plan()
			c.send()
		}
		require.Equal(t, 1, c.escalations(check.ID))
		require.Equal(t, 3, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND wording = 'supervisor_overdue' AND dispatch = 'accepted'", check.ID))
		c.keeps()
	})

	t.Run("EverySupervisorIsTold", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.addUser(c.office, "wu", "+8615400000203", carelog.Supervisor)
		made := c.enrol("A-1", 3)
		c.clock.set(calendar.New(2026, time.December, 8).At(9, 0))
		require.NoError(t, c.markOverdue())
		check := c.checkIns(made.Recipient, "overdue")[0]
		require.Equal(t, 1, c.escalations(check.ID))
		require.Equal(t, 2, c.count("SELECT count(DISTINCT user_id) FROM messages WHERE check_in_id = $1 AND wording = 'supervisor_overdue'", check.ID))
	})
}
