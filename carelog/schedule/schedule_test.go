package schedule

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog/calendar"
)

var cal = calendar.Official()

func date(t require.TestingT, text string) calendar.Date {
	d, err := calendar.Parse(text)
	require.NoError(t, err)
	return d
}

// brief writes an occurrence as "due step", enough to compare a schedule.
func brief(list []Occurrence) []string {
	var lines []string
	for _, o := range list {
		lines = append(lines, o.Due.String()+" "+o.Step)
	}
	return lines
}

func anyDay(from calendar.Date, days int) *rapid.Generator[calendar.Date] {
	return rapid.Custom(func(t *rapid.T) calendar.Date {
		return from.AddDays(rapid.IntRange(0, days).Draw(t, "days"))
	})
}

var anyTemplate = rapid.SampledFrom([]Template{General(), Key()})

var anyAnchors = rapid.Custom(func(t *rapid.T) Anchors {
	a := Anchors{Start: anyDay(calendar.New(2024, time.January, 1), 1500).Draw(t, "start")}
	if rapid.Bool().Draw(t, "paid") {
		a.Payment = a.Start.AddDays(rapid.IntRange(-400, 60).Draw(t, "payment"))
	}
	return a
})

func TestGeneralSchedule(t *testing.T) {
	t.Parallel()
	a := Anchors{Payment: date(t, "2026-06-20"), Start: date(t, "2026-06-22")}

	t.Run("CoversAYearAndItsTail", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{
			"2026-06-29 receipt",         // +7 is Saturday 27 June
			"2026-07-06 baseline",        // start +14
			"2026-07-20 month-1",         // +30
			"2026-09-18 month-3",         // +90
			"2026-12-17 month-6-phone",   // +180, one occasion with the next
			"2026-12-17 month-6-village", //
			"2027-03-17 month-9",         // +270
			"2027-06-21 year-1",          // +365 is a Sunday
			"2027-09-20 quarterly-phone", // +455 is a Saturday
			"2027-12-17 quarterly-phone",
			"2028-03-16 quarterly-phone",
			"2028-06-14 quarterly-phone",
			"2028-06-19 yearly-home",
		}, brief(Occurrences(General(), a, a.Payment, date(t, "2028-06-30"), cal)))
	})
	t.Run("OpensAndClosesAroundTheDueDate", func(t *testing.T) {
		t.Parallel()
		visit := Occurrences(General(), a, date(t, "2026-09-18"), date(t, "2026-09-18"), cal)[0]
		require.Equal(t, Window{Opens: date(t, "2026-09-08"), Due: date(t, "2026-09-18"), Closes: date(t, "2026-10-09")}, visit.Window)
		require.True(t, visit.Scored)
		require.Equal(t, Home, visit.Kind)
	})
	t.Run("CountsFromTheStartWhileThePaymentIsUnknown", func(t *testing.T) {
		t.Parallel()
		unpaid := Anchors{Start: date(t, "2026-06-22")}
		require.Equal(t, "2026-06-29 receipt", brief(Occurrences(General(), unpaid, unpaid.Start, date(t, "2026-07-01"), cal))[0])
	})
	t.Run("HasNothingBeforeAStart", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, Occurrences(General(), Anchors{}, date(t, "2026-01-01"), date(t, "2030-01-01"), cal))
		require.Zero(t, Next(General(), Anchors{}, date(t, "2026-01-01"), cal))
	})
}

func TestKeySchedule(t *testing.T) {
	t.Parallel()
	a := Anchors{Payment: date(t, "2026-03-02"), Start: date(t, "2026-03-02")}
	list := Occurrences(Key(), a, a.Start, date(t, "2026-09-30"), cal)
	require.Equal(t, []string{
		"2026-03-09 receipt",
		"2026-03-16 baseline",
		"2026-04-01 monthly-phone",
		"2026-05-06 monthly-village", // +60 is 1 May
		"2026-06-01 monthly-phone",   // +90 is a Sunday
		"2026-06-01 quarterly-home",
		"2026-06-30 monthly-village",
		"2026-07-30 monthly-phone",
		"2026-08-31 monthly-village", // +180 is a Saturday
		"2026-08-31 quarterly-home",
		"2026-09-28 monthly-phone",
	}, brief(list))
	require.Equal(t, []int{1, 1, 1, 1, 2, 1, 2, 3, 3, 2, 4}, numbers(list))
	for _, o := range list {
		require.Equal(t, o.Kind == Village, o.AsksVillage)
	}
}

func numbers(list []Occurrence) []int {
	var all []int
	for _, o := range list {
		all = append(all, o.N)
	}
	return all
}

func TestRolling(t *testing.T) {
	t.Parallel()
	holiday := date(t, "2026-10-03")

	t.Run("GoesForwardWithGrace", func(t *testing.T) {
		t.Parallel()
		w := Step{GraceWorkdays: 1, LeadDays: 3}.window(holiday, cal)
		require.Equal(t, Window{Opens: date(t, "2026-10-05"), Due: date(t, "2026-10-08"), Closes: date(t, "2026-10-09")}, w)
	})
	t.Run("GoesBackWithoutGrace", func(t *testing.T) {
		t.Parallel()
		w := Step{LeadDays: 3}.window(holiday, cal)
		require.Equal(t, Window{Opens: date(t, "2026-09-27"), Due: date(t, "2026-09-30"), Closes: date(t, "2026-09-30")}, w)
	})
}

func TestStanding(t *testing.T) {
	t.Parallel()
	// Due on the Friday before National Day week's make-up: 18 September 2026.
	w := Window{Opens: date(t, "2026-09-08"), Due: date(t, "2026-09-18"), Closes: date(t, "2026-10-09")}
	for _, v := range []struct {
		today string
		want  Standing
	}{
		{"2026-09-07", Upcoming},
		{"2026-09-08", Due},
		{"2026-09-18", Due},
		{"2026-09-19", Due}, // a Saturday
		{"2026-09-20", Overdue},
		{"2026-10-09", Overdue},
		{"2026-10-10", Missed},
	} {
		require.Equal(t, v.want, w.StandingOn(date(t, v.today), cal), v.today)
		require.NotEmpty(t, v.want.Chinese())
	}
	require.Empty(t, Standing("?").Chinese())
}

func TestScheduleProperties(t *testing.T) {
	t.Parallel()

	t.Run("DuesAreWorkdaysInTheirWindows", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			tpl, a := anyTemplate.Draw(t, "template"), anyAnchors.Draw(t, "anchors")
			from := anyDay(a.Start, 4000).Draw(t, "from")
			list := Occurrences(tpl, a, from, from.AddDays(200), cal)
			require.True(t, slices.IsSortedFunc(list, earlier))
			for _, o := range list {
				require.True(t, cal.IsWorkday(o.Due))
				require.False(t, o.Due.Before(from))
				require.False(t, o.Due.Before(o.Opens))
				require.False(t, o.Due.After(o.Closes))
				require.False(t, o.Due.Before(o.Nominal), "grace is never 0 here")
				require.Equal(t, Due, o.StandingOn(o.Due, cal))
			}
			require.Equal(t, list, Occurrences(tpl, a, from, from.AddDays(200), cal))
		})
	})
	t.Run("SomethingIsAlwaysAhead", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			tpl, a := anyTemplate.Draw(t, "template"), anyAnchors.Draw(t, "anchors")
			after := anyDay(a.Start, 30*366).Draw(t, "after")
			next := Next(tpl, a, after, cal)
			require.NotZero(t, next.N)
			require.True(t, next.Due.After(after))
			if after.Sub(a.Start) >= 365 && after.Sub(a.of(Payment)) >= 365 {
				require.LessOrEqual(t, next.Due.Sub(after), 100)
			}
			require.Equal(t, next, Occurrences(tpl, a, after.AddDays(1), next.Due, cal)[0], "nothing was skipped")
		})
	})
	t.Run("RangesJoinWithoutLossOrRepeat", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			tpl, a := anyTemplate.Draw(t, "template"), anyAnchors.Draw(t, "anchors")
			from := anyDay(a.Start.AddDays(-400), 4000).Draw(t, "from")
			mid := from.AddDays(rapid.IntRange(0, 400).Draw(t, "mid"))
			until := mid.AddDays(rapid.IntRange(0, 400).Draw(t, "until"))
			whole := Occurrences(tpl, a, from, until, cal)
			require.Equal(t, whole, append(Occurrences(tpl, a, from, mid, cal), Occurrences(tpl, a, mid.AddDays(1), until, cal)...))
		})
	})
	t.Run("MatchesAWalkFromTheFirst", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := Step{
				Key: "s", Anchor: Start,
				OffsetDays:    rapid.IntRange(0, 400).Draw(t, "offset"),
				EveryDays:     rapid.IntRange(1, 92).Draw(t, "every"),
				GraceWorkdays: rapid.IntRange(0, 3).Draw(t, "grace"),
			}
			a := anyAnchors.Draw(t, "anchors")
			from := anyDay(a.Start, 2000).Draw(t, "from")
			walked := s.occurrence(1, a, cal)
			for walked.Due.Before(from) {
				walked = s.occurrence(walked.N+1, a, cal)
			}
			got, found := s.firstFrom(from, a, cal)
			require.True(t, found)
			require.Equal(t, walked, got)
		})
	})
}

func BenchmarkNextAfterThirtyYears(b *testing.B) {
	a := Anchors{Payment: calendar.New(2026, time.June, 20), Start: calendar.New(2026, time.June, 22)}
	tpl, after := General(), calendar.New(2056, time.June, 20)
	for b.Loop() {
		Next(tpl, a, after, cal)
	}
}
