package calendar

import (
	"testing"

	"github.com/6tail/lunar-go/HolidayUtil"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func day(t *testing.T, text string) Date {
	t.Helper()
	d, err := Parse(text)
	require.NoError(t, err)
	return d
}

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	cal := Official()

	t.Run("AddsWorkdays", func(t *testing.T) {
		t.Parallel()
		for _, v := range []struct {
			from string
			n    int
			want string
		}{
			{"2026-09-18", 10, "2026-10-09"},
			{"2026-02-13", 2, "2026-02-24"},
			{"2026-02-13", 10, "2026-03-05"},
			{"2026-04-30", 5, "2026-05-11"},
			{"2026-09-24", 2, "2026-09-29"},
			{"2025-09-26", 10, "2025-10-16"},
			{"2026-01-01", 1, "2026-01-04"},
			{"2025-01-24", 5, "2025-02-07"},
			{"2026-05-08", 2, "2026-05-11"},
		} {
			require.Equal(t, v.want, cal.AddWorkdays(day(t, v.from), v.n).String(), "%s %+d", v.from, v.n)
		}
	})
	t.Run("RollsBothWays", func(t *testing.T) {
		t.Parallel()
		for _, v := range []struct{ d, forward, back string }{
			{"2026-10-03", "2026-10-08", "2026-09-30"},
			{"2026-02-15", "2026-02-24", "2026-02-14"},
			{"2026-06-20", "2026-06-22", "2026-06-18"},
			{"2026-11-24", "2026-11-24", "2026-11-24"},
		} {
			require.Equal(t, v.forward, cal.RollForward(day(t, v.d)).String())
			require.Equal(t, v.back, cal.RollBack(day(t, v.d)).String())
		}
	})
	t.Run("Counts248WorkdaysAYear", func(t *testing.T) {
		t.Parallel()
		for _, year := range []int{2025, 2026} {
			require.Equal(t, 248, cal.WorkdaysBetween(New(year-1, 12, 31), New(year, 12, 31)))
		}
	})
	t.Run("AgreesWithAnIndependentTable", func(t *testing.T) {
		t.Parallel()
		for d := New(2025, 1, 1); d.Before(New(2027, 1, 1)); d = d.AddDays(1) {
			work := !isWeekend(d)
			if h := HolidayUtil.GetHolidayByYmd(d.Year(), int(d.Month()), d.Day()); h != nil {
				work = h.IsWork()
			}
			require.Equal(t, work, cal.IsWorkday(d), d)
		}
	})
}

func TestProvisionalYears(t *testing.T) {
	t.Parallel()
	cal := Official()

	t.Run("NamesTheDaysOfTheLaw", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{
			"2027-01-01", "2027-02-05", "2027-02-06", "2027-02-07", "2027-02-08", "2027-04-05", "2027-05-01", "2027-05-02",
			"2027-06-09", "2027-09-15", "2027-10-01", "2027-10-02", "2027-10-03",
			"2028-01-25", "2028-04-04", "2028-05-28",
		} {
			got := cal.Day(day(t, text))
			require.True(t, got.Off, text)
			require.False(t, got.Official, text)
			require.NotEqual(t, nameWeekend, got.Name, text)
			require.Equal(t, sourceLaw, got.Source)
		}
		require.Len(t, cal.Named(New(2027, 1, 1), New(2027, 12, 31)), 13)
		require.Equal(t, "国庆节、中秋节", cal.Day(New(2028, 10, 3)).Name)
		require.Equal(t, "除夕", cal.Day(New(2027, 2, 5)).Name)
	})
	t.Run("KnowsTheEve", func(t *testing.T) {
		t.Parallel()
		eve, known := SpringFestivalEve(2027)
		require.True(t, known)
		require.Equal(t, "2027-02-05", eve.String())
		_, known = SpringFestivalEve(2101)
		require.False(t, known)
	})
	t.Run("KnowsWeekendsOnlyFarAway", func(t *testing.T) {
		t.Parallel()
		require.True(t, cal.IsWorkday(New(2105, 10, 1)))
		require.False(t, cal.IsWorkday(New(2105, 10, 3)))
		require.False(t, cal.IsWorkday(New(1999, 5, 1)))
	})
}

func TestDayExplains(t *testing.T) {
	t.Parallel()
	cal := Official()
	require.Equal(t, Day{Date: New(2026, 2, 14), Name: "春节调休上班", Source: NoticeOf(2026), Official: true}, cal.Day(New(2026, 2, 14)))
	require.Equal(t, Day{Date: New(2026, 11, 24), Name: nameWorkday, Source: NoticeOf(2026), Official: true}, cal.Day(New(2026, 11, 24)))
	require.Equal(t, Day{Date: New(2026, 11, 22), Off: true, Name: nameWeekend, Source: NoticeOf(2026), Official: true}, cal.Day(New(2026, 11, 22)))
	require.Equal(t, Day{Date: New(2027, 3, 1), Name: nameWorkday, Source: sourceLaw}, cal.Day(New(2027, 3, 1)))
	require.True(t, cal.OfficialYear(2026))
	require.False(t, cal.OfficialYear(2027))
}

func TestOverlay(t *testing.T) {
	t.Parallel()

	t.Run("SettlesAYearByItsNationalDay", func(t *testing.T) {
		t.Parallel()
		cal := NewCalendar([]Day{
			{Date: New(2027, 2, 9), Off: true, Name: "春节", Official: true},
			{Date: New(2027, 2, 20), Name: "春节调休上班", Official: true},
			{Date: New(2027, 10, 1), Off: true, Name: "国庆节", Official: true},
		})
		require.True(t, cal.OfficialYear(2027))
		require.False(t, cal.IsWorkday(New(2027, 2, 9)))
		require.True(t, cal.IsWorkday(New(2027, 2, 20)), "a made-up Saturday")
		require.True(t, cal.IsWorkday(New(2027, 6, 9)), "the notice leaves it out, so the guess is dropped")
		require.True(t, cal.Day(New(2027, 6, 9)).Official)
		require.False(t, cal.Day(New(2028, 5, 28)).Official)
	})
	t.Run("LeavesTheYearProvisionalForAStrayDay", func(t *testing.T) {
		t.Parallel()
		cal := NewCalendar([]Day{{Date: New(2027, 12, 31), Off: true, Name: "元旦", Official: true}})
		require.False(t, cal.OfficialYear(2027))
		require.True(t, cal.Day(New(2027, 12, 31)).Official)
		require.False(t, cal.IsWorkday(New(2027, 6, 9)))
	})
	t.Run("ChangesNothingInTheOriginal", func(t *testing.T) {
		t.Parallel()
		local := Day{Date: New(2026, 11, 24), Off: true, Name: "停电"}
		cal := NewCalendar([]Day{local, {Name: "no date"}})
		require.Equal(t, local, cal.Day(local.Date))
		require.True(t, Official().IsWorkday(local.Date))
		require.Equal(t, []Date{local.Date}, Official().Changed(cal, New(2026, 1, 1), New(2027, 12, 31)))
	})
	t.Run("ReachesBeyondTheTable", func(t *testing.T) {
		t.Parallel()
		cal := NewCalendar([]Day{{Date: New(2105, 10, 1), Off: true}})
		require.False(t, cal.IsWorkday(New(2105, 10, 1)))
	})
	t.Run("RebuildsFromItsOwnNamedDays", func(t *testing.T) {
		t.Parallel()
		from, until := New(2008, 1, 1), New(2100, 12, 31)
		cal := NewCalendar(Official().Named(from, until))
		require.Empty(t, cal.Changed(Official(), from, until))
	})
}

func TestWorkdayProperties(t *testing.T) {
	t.Parallel()
	cal := Official()
	workday := rapid.Custom(func(t *rapid.T) Date { return cal.RollForward(anyDate().Draw(t, "any")) })

	t.Run("ReturnsToWhereItStarted", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			d := workday.Draw(t, "d")
			n := rapid.IntRange(-600, 600).Draw(t, "n")
			require.Equal(t, d, cal.AddWorkdays(cal.AddWorkdays(d, n), -n))
		})
	})
	t.Run("LandsOnAWorkdayAndCountsBack", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			d := anyDate().Draw(t, "d")
			n := rapid.IntRange(-300, 300).Filter(func(n int) bool { return n != 0 }).Draw(t, "n")
			landed := cal.AddWorkdays(d, n)
			require.True(t, cal.IsWorkday(landed))
			require.Equal(t, n, cal.WorkdaysBetween(d, landed))
		})
	})
	t.Run("NeverOvertakes", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			a := anyDate().Draw(t, "a")
			b := a.AddDays(rapid.IntRange(0, 40).Draw(t, "gap"))
			n := rapid.IntRange(-50, 50).Draw(t, "n")
			require.False(t, cal.AddWorkdays(b, n).Before(cal.AddWorkdays(a, n)))
			require.True(t, cal.AddWorkdays(a, n).Before(cal.AddWorkdays(a, n+1)))
			require.False(t, cal.RollForward(a).Before(a))
			require.False(t, cal.RollBack(a).After(a))
			require.Equal(t, cal.NextWorkday(a), cal.RollForward(a.AddDays(1)))
		})
	})
	t.Run("LeavesNoDateAlone", func(t *testing.T) {
		t.Parallel()
		require.False(t, cal.IsWorkday(Date{}))
		require.True(t, cal.AddWorkdays(Date{}, 5).IsZero())
		require.True(t, cal.RollForward(Date{}).IsZero())
		require.Zero(t, cal.WorkdaysBetween(Date{}, New(2026, 1, 1)))
	})
}

// Not parallel: allocations are counted for the whole process.
func TestAddWorkdaysAllocatesNothing(t *testing.T) {
	cal, from := Official(), New(2026, 11, 24)
	require.Zero(t, testing.AllocsPerRun(100, func() { cal.AddWorkdays(from, 250) }))
}

func BenchmarkAddWorkdaysOverAYear(b *testing.B) {
	cal, from := Official(), New(2026, 11, 24)
	for b.Loop() {
		cal.AddWorkdays(from, 250)
	}
}
