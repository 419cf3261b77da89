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

func step(t Template, key string) Step {
	return t.Steps[slices.IndexFunc(t.Steps, func(s Step) bool { return s.Key == key })]
}

func anyDay(from calendar.Date, days int) *rapid.Generator[calendar.Date] {
	return rapid.Custom(func(t *rapid.T) calendar.Date {
		return from.AddDays(rapid.IntRange(0, days).Draw(t, "days"))
	})
}

var anyTemplate = rapid.SampledFrom(Seeds())

var anyAnchors = rapid.Custom(func(t *rapid.T) Anchors {
	a := Anchors{Start: anyDay(calendar.New(2024, time.January, 1), 1500).Draw(t, "start")}
	if rapid.Bool().Draw(t, "paid") {
		a.Payment = a.Start.AddDays(rapid.IntRange(-400, 60).Draw(t, "payment"))
	}
	if rapid.Bool().Draw(t, "born") {
		a.Birth = a.Start.AddDays(-rapid.IntRange(0, 20*366).Draw(t, "age"))
	}
	if a.HasHarvest = rapid.Bool().Draw(t, "farms"); a.HasHarvest && rapid.Bool().Draw(t, "own harvest") {
		a.Harvest = 601
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
			"2027-01-29 spring-festival", // the eve is 5 February
			"2027-03-17 month-9",         // +270
			"2027-06-21 year-1",          // +365 is a Sunday
			"2027-09-20 quarterly-phone", // +455 is a Saturday
			"2027-12-17 quarterly-phone",
			"2028-01-18 spring-festival",
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

	t.Run("HasOneOfficersContactAMonth", func(t *testing.T) {
		t.Parallel()
		list := Occurrences(Key(), a, a.Start, date(t, "2026-12-31"), cal)
		require.Equal(t, []string{
			"2026-03-09 receipt",
			"2026-03-16 baseline",
			"2026-04-01 monthly-phone-1",
			"2026-05-06 monthly-village", // +60 is 1 May
			"2026-06-01 quarterly-home",  // +90 is a Sunday
			"2026-06-30 monthly-village",
			"2026-07-30 monthly-phone-5",
			"2026-08-31 monthly-village", // +180 is a Saturday
			"2026-08-31 quarterly-home",
			"2026-09-28 monthly-phone-1",
			"2026-10-28 monthly-village",
			"2026-11-27 quarterly-home",
			"2026-12-28 monthly-village", // +300 is a Sunday
		}, brief(list))
		require.Equal(t, []int{1, 1, 1, 1, 1, 2, 1, 3, 2, 2, 4, 3, 5}, numbers(list))
		for _, o := range list {
			require.Equal(t, o.Kind == Village, o.AsksVillage)
		}
	})
	t.Run("NeverPhonesOnTheDayOfAHomeVisit", func(t *testing.T) {
		t.Parallel()
		seen := map[calendar.Date]Kind{}
		for _, o := range Occurrences(Key(), a, date(t, "2026-03-20"), date(t, "2031-03-20"), cal) {
			if step(Key(), o.Step).Anchor != Payment || o.Kind == Village {
				continue
			}
			require.Empty(t, seen[o.Nominal], "%s %s", o.Nominal, o.Step)
			seen[o.Nominal] = o.Kind
		}
		require.Len(t, seen, 41, "twenty home visits, and twenty-one phone calls between them")
	})
}

func numbers(list []Occurrence) []int {
	var all []int
	for _, o := range list {
		all = append(all, o.N)
	}
	return all
}

func TestChildSchedule(t *testing.T) {
	t.Parallel()
	a := Anchors{Payment: date(t, "2026-06-22"), Start: date(t, "2026-06-22"), Birth: date(t, "2010-01-20")}
	seasonal := func(a Anchors, from, until string) []string {
		var own []string
		for _, o := range Occurrences(Child(), a, date(t, from), date(t, until), cal) {
			if step(Child(), o.Step).Anchor.Yearly() {
				own = append(own, o.Due.String()+" "+o.Step)
			}
		}
		return own
	}

	t.Run("FollowsTheSchoolYearUntilEighteen", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{
			"2026-09-01 school-autumn",
			"2027-01-29 spring-festival",
			"2027-02-22 school-spring", // sixteen days after the eve is a Sunday
			"2027-06-01 childrens-day",
			"2027-09-01 school-autumn",
			"2028-01-18 spring-festival", // the eighteenth birthday is on the 20th
			"2029-02-05 spring-festival",
		}, seasonal(a, "2026-06-22", "2029-12-31"))
	})
	t.Run("GoesOnWhereTheBirthIsUnknown", func(t *testing.T) {
		t.Parallel()
		a := a
		a.Birth = calendar.Date{}
		require.Contains(t, seasonal(a, "2029-01-01", "2029-12-31"), "2029-09-03 school-autumn")
	})
	t.Run("AsksAboutTheHarvestWhereThereIsOne", func(t *testing.T) {
		t.Parallel()
		a := a
		require.NotContains(t, seasonal(a, "2026-06-22", "2027-12-31"), "2026-10-15 harvest")
		a.HasHarvest = true
		require.Contains(t, seasonal(a, "2026-06-22", "2027-12-31"), "2026-10-15 harvest")
		a.Harvest = 601
		require.Contains(t, seasonal(a, "2026-06-22", "2027-12-31"), "2027-06-01 harvest")
		require.NotContains(t, seasonal(a, "2026-06-22", "2027-12-31"), "2026-06-01 harvest", "before the start")
	})
	t.Run("HasABirthdayStepOnlyWithABirthday", func(t *testing.T) {
		t.Parallel()
		s := Template{Steps: []Step{{Key: "birthday", Kind: Phone, Anchor: Birthday, GraceWorkdays: 5, Policy: Fixed}}}
		require.Equal(t, []string{"2027-01-20 birthday", "2028-01-20 birthday"}, brief(Occurrences(s, a, a.Start, date(t, "2028-12-31"), cal)))
		a := a
		a.Birth = date(t, "2016-02-29")
		require.Equal(t, []string{"2027-03-01 birthday", "2028-02-29 birthday"}, brief(Occurrences(s, a, a.Start, date(t, "2028-12-31"), cal)), "28 February 2027 is a Sunday")
		a.Birth = calendar.Date{}
		require.Empty(t, Occurrences(s, a, a.Start, date(t, "2030-12-31"), cal))
	})
}

func TestBeforeSpringFestival(t *testing.T) {
	t.Parallel()
	a := Anchors{Start: date(t, "2024-01-02")}
	for year := 2025; year <= 2100; year++ {
		eve, _ := calendar.SpringFestivalEve(year)
		for _, tpl := range Seeds()[2:] {
			o, found := At(tpl, a, "spring-festival", year, cal)
			require.True(t, found)
			require.True(t, cal.IsWorkday(o.Due))
			require.True(t, o.Due.Before(eve))
			require.LessOrEqual(t, cal.WorkdaysBetween(o.Due, eve.AddDays(-1))+1, 15)
			require.True(t, o.Closes.Before(eve))
			require.False(t, o.Opens.Before(cal.AddWorkdays(eve, -15)))
		}
	}
	_, found := At(General(), a, "spring-festival", 2101, cal)
	require.False(t, found, "nobody knows the moon so far ahead")
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	a := Anchors{Start: date(t, "2026-03-02")}
	home := Step{Key: "home", Kind: Home, Anchor: Start, OffsetDays: 90, EveryDays: 90, LeadDays: 10, GraceWorkdays: 5}
	with := func(p Policy, gap int) Template {
		s := home
		s.Policy, s.GapDays = p, gap
		return Template{Steps: []Step{s}}
	}
	// The first visit, due on 1 June, was made late on 15 July; the second of the grid is due on 31 August.
	late := a
	late.Visits = map[string]Visit{"home": {N: 1, On: date(t, "2026-07-15")}}
	late.LastOf = map[Kind]calendar.Date{Home: date(t, "2026-07-15")}
	year := func(tpl Template, a Anchors) []string {
		var dues []string
		for _, o := range Occurrences(tpl, a, date(t, "2026-06-02"), date(t, "2027-03-31"), cal) {
			dues = append(dues, o.Due.String())
		}
		return dues
	}

	t.Run("FixedKeepsTheGrid", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"2026-08-31", "2026-11-27", "2027-02-25"}, year(with(Fixed, 0), late))
	})
	t.Run("RollingCountsFromTheVisit", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"2026-10-13", "2027-01-11"}, year(with(Rolling, 0), late))
	})
	t.Run("MinGapMovesOnlyWhatIsTooNear", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"2026-09-14", "2026-11-27", "2027-02-25"}, year(with(MinGap, 60), late), "13 September is a Sunday")
		require.Equal(t, year(with(Fixed, 0), late), year(with(MinGap, 30), late))
	})
	t.Run("MinGapHeedsAnotherVisitOfItsKind", func(t *testing.T) {
		t.Parallel()
		other := a
		other.LastOf = map[Kind]calendar.Date{Home: date(t, "2026-08-20")}
		require.Equal(t, "2026-10-19", year(with(MinGap, 60), other)[0])
		other.LastOf = map[Kind]calendar.Date{Phone: date(t, "2026-08-20")}
		require.Equal(t, "2026-08-31", year(with(MinGap, 60), other)[0])
	})
	t.Run("AVisitInsideTheWindowSatisfies", func(t *testing.T) {
		t.Parallel()
		o, _ := At(with(Rolling, 0), a, "home", 1, cal)
		require.True(t, o.Holds(o.Opens))
		require.True(t, o.Holds(o.Closes.AddDays(40)), "late, but done")
		early := a
		early.Visits = map[string]Visit{"home": {N: 1, On: o.Opens}}
		require.Equal(t, "2026-08-20", Next(with(Rolling, 0), early, o.Opens, cal).Due.String(), "ninety days after 22 May")
		require.Equal(t, "2026-08-31", Next(with(Fixed, 0), early, o.Opens, cal).Due.String(), "the first is not asked for again")
	})
	t.Run("AVisitBeforeTheWindowSatisfiesNothing", func(t *testing.T) {
		t.Parallel()
		o, _ := At(with(Rolling, 0), a, "home", 1, cal)
		require.False(t, o.Holds(o.Opens.AddDays(-1)))
		early := a
		early.Visits = map[string]Visit{"home": {N: 0, On: o.Opens.AddDays(-1)}}
		require.Equal(t, date(t, "2026-06-01"), Next(with(Fixed, 0), early, early.Start, cal).Due)
		next := Next(with(Rolling, 0), early, early.Start, cal)
		require.Equal(t, 1, next.N)
		require.Equal(t, date(t, "2026-08-19"), next.Due, "ninety days after 21 May")
	})
}

func TestTierOverlay(t *testing.T) {
	t.Parallel()
	friday := date(t, "2026-11-27")
	a := Anchors{Start: date(t, "2026-03-02"), Tier: friday}

	t.Run("RedAsksForAContactOnARestDayToo", func(t *testing.T) {
		t.Parallel()
		list := Occurrences(Template{}.With(Overlay(Red, General())), a, friday, friday.AddDays(60), cal)
		require.Equal(t, "2026-11-28 tier-red-contact", brief(list)[0])
		require.NotEmpty(t, list[0].Exception)
		require.Equal(t, []string{"2026-12-04 tier-red-village", "2026-12-11 tier-red-village"}, brief(list)[1:3])
		require.Contains(t, brief(list), "2026-12-28 tier-red-home") // thirty days after is a Sunday
	})
	t.Run("AmberAddsTheMonthlyContactToG", func(t *testing.T) {
		t.Parallel()
		list := Occurrences(Template{}.With(Overlay(Amber, General())), a, friday, friday.AddDays(100), cal)
		require.Equal(t, []string{"2026-12-04 tier-amber-phone", "2027-01-04 tier-amber-village", "2027-02-02 tier-amber-phone", "2027-03-04 tier-amber-village"}, brief(list))
	})
	t.Run("NothingIsAskedForTwice", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, Overlay(Amber, Key()))
		require.Empty(t, Overlay(Amber, High()))
		require.Len(t, Overlay(Red, High()), 1)
		require.Empty(t, Overlay("green", General()))
	})
	t.Run("EachRiseHasItsOwnNumbers", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			second := a
			second.Tier = a.Tier.AddDays(rapid.IntRange(1, 2000).Draw(t, "later"))
			tpl := Template{}.With(Overlay(Red, General()))
			taken := map[[2]any]bool{}
			for _, o := range Occurrences(tpl, a, a.Tier, second.Tier, cal) {
				taken[[2]any{o.Step, o.N}] = true
			}
			for _, o := range Occurrences(tpl, second, second.Tier.AddDays(1), second.Tier.AddDays(200), cal) {
				require.False(t, taken[[2]any{o.Step, o.N}], "%s %d", o.Step, o.N)
			}
		})
	})
	t.Run("CountsFromOneForPeople", func(t *testing.T) {
		t.Parallel()
		tpl := General().With(Overlay(Red, General()))
		for _, want := range []struct {
			step string
			days []int
		}{{"tier-red-village", []int{1, 2, 3}}, {"spring-festival", []int{1, 2}}, {"quarterly-phone", []int{1, 2}}} {
			var got []int
			for _, o := range Occurrences(tpl, a, a.Start, friday.AddDays(800), cal) {
				if o.Step == want.step && len(got) < len(want.days) {
					got = append(got, Ordinal(tpl, a, o.Step, o.N, cal))
				}
			}
			require.Equal(t, want.days, got, want.step)
		}
	})
	t.Run("IsValidBesideEveryTemplate", func(t *testing.T) {
		t.Parallel()
		for _, tpl := range Seeds() {
			for _, s := range Overlay(Red, tpl) {
				for _, f := range s.faults() {
					require.Contains(t, []string{"key", "anchor"}, f.field, f.chinese) // both are the overlay's alone
				}
			}
		}
	})
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
				require.Equal(t, cal.IsWorkday(o.Due), o.Exception == "", "%s %s", o.Due, o.Step)
				require.False(t, o.Due.Before(from))
				require.False(t, o.Due.Before(o.Opens))
				require.False(t, o.Due.After(o.Closes))
				if step(tpl, o.Step).Anchor != SpringFestival {
					require.False(t, o.Due.Before(o.Nominal), "grace is never 0 here")
				}
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
	t.Run("VisitsNeverReorderOrDoubleADate", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := Step{
				Key: "s", Kind: Home, Anchor: Start, OffsetDays: rapid.IntRange(0, 100).Draw(t, "offset"),
				EveryDays: rapid.IntRange(7, 92).Draw(t, "every"), GraceWorkdays: 5,
				Policy: rapid.SampledFrom([]Policy{Fixed, Rolling, MinGap}).Draw(t, "policy"),
			}
			if s.Policy == MinGap {
				s.GapDays = rapid.IntRange(1, s.EveryDays/2).Draw(t, "gap")
			}
			a := anyAnchors.Draw(t, "anchors")
			on := anyDay(a.Start, 1500).Draw(t, "visit")
			a.Visits = map[string]Visit{"s": {N: rapid.IntRange(0, max(0, on.Sub(a.Start.AddDays(s.OffsetDays))/s.EveryDays+1)).Draw(t, "n"), On: on}}
			a.LastOf = map[Kind]calendar.Date{Home: on}
			tpl := Template{Steps: []Step{s}}
			list := Occurrences(tpl, a, on.AddDays(1), on.AddDays(800), cal)
			require.NotEmpty(t, list)
			for i, o := range list {
				require.Greater(t, o.N, a.Visits["s"].N, "satisfied already")
				at, found := At(tpl, a, "s", o.N, cal)
				require.True(t, found)
				require.Equal(t, o, at)
				if s.Policy == MinGap {
					require.False(t, o.Due.Before(on.AddDays(s.GapDays)))
				}
				if i > 0 {
					require.Equal(t, list[i-1].N+1, o.N)
					require.False(t, o.Due.Before(list[i-1].Due))
					require.True(t, o.Nominal.After(list[i-1].Nominal) || s.EveryDays < 20, "two of one date")
				}
			}
		})
	})
	t.Run("MatchesAWalkFromTheFirst", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := Step{
				Key: "s", Anchor: Start, Policy: Fixed,
				OffsetDays:    rapid.IntRange(0, 400).Draw(t, "offset"),
				EveryDays:     rapid.IntRange(1, 92).Draw(t, "every"),
				GraceWorkdays: rapid.IntRange(0, 3).Draw(t, "grace"),
			}
			a := anyAnchors.Draw(t, "anchors")
			from := anyDay(a.Start, 2000).Draw(t, "from")
			g, _ := s.grid(a)
			walked := s.occurrence(g, 1, a, cal)
			for walked.Due.Before(from) {
				walked = s.occurrence(g, walked.N+1, a, cal)
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
