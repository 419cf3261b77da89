package condition

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog/calendar"
)

func scored(t require.TestingT, text string) *Assessment {
	return &Assessment{Scores: points(t, text)}
}

// fired lists the hits as "R1 red".
func fired(in Input) []string {
	lines := []string{}
	for _, hit := range Evaluate(in) {
		lines = append(lines, hit.Rule+" "+string(hit.Level))
	}
	return lines
}

func TestScoreRules(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		older, previous, current, baseline string
		want                               []string
	}{
		"A_CrisisIsRed":                     {previous: "3333333333", current: "3033333333", want: []string{"R1 red", "R3 red"}},
		"B_SteepFallIsAmber":                {previous: "4444444444", current: "4244444444", want: []string{"R4 amber"}},
		"C_BroadFallIsAmber":                {previous: "3333333333", current: "2223333333", want: []string{"R5 amber"}},
		"D_IncompleteComparesNothing":       {previous: "4444444444", current: "22NNNN2222", want: []string{}},
		"D_IncompleteStillShowsACrisis":     {previous: "4444444444", current: "20NNNN2222", want: []string{"R1 red"}},
		"E_NotApplicableIsNoFall":           {previous: "3333333333", current: "33333X3333", want: []string{}},
		"G_SecondFallInARowIsAmber":         {older: "3333333333", previous: "3333332333", current: "3333331333", want: []string{"R6 amber"}},
		"G_FirstFallIsNot":                  {older: "3333333333", previous: "3333333333", current: "3333332333", want: []string{}},
		"G_FallsOfTwoDomainsAreNot":         {older: "3333333333", previous: "3333333233", current: "3333332233", want: []string{}},
		"SteepFallToSevereIsRed":            {previous: "3333333333", current: "3133333333", want: []string{"R3 red"}},
		"BroadFallToALowIndexIsRed":         {previous: "2222111111", current: "1112111111", want: []string{"R5 red", "R13 amber"}},
		"IndexFallAgainstPrevious":          {previous: "4444444444", current: "3333444444", want: []string{"R5 amber", "R7 amber"}},
		"IndexFallAgainstBaseline":          {baseline: "4444444444", previous: "3333344444", current: "3333334444", want: []string{"R7 amber"}},
		"NoPreviousStillShowsACrisis":       {current: "0333333333", want: []string{"R1 red"}},
		"IncompletePreviousIsNotComparable": {previous: "NNNNNN4444", current: "2222222222", want: []string{}},
		"NothingChangedIsGreen":             {older: "2222222222", previous: "2222222222", current: "2222222222", baseline: "2222222222", want: []string{}},
		"GettingBetterIsGreen":              {older: "1111111111", previous: "2222222222", current: "3333333333", baseline: "1111111111", want: []string{}},
		"SteepFallsSplitByWhereTheyEnd":     {previous: "4444444444", current: "1244444444", want: []string{"R3 red", "R4 amber", "R7 amber"}},
		"NotObservedBeforeIsNoFall":         {previous: "3N33333333", current: "3133333333", want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in Input
			for text, side := range map[*string]**Assessment{&v.older: &in.Older, &v.previous: &in.Previous, &v.current: &in.Current, &v.baseline: &in.Baseline} {
				if *text != "" {
					*side = scored(t, *text)
				}
			}
			require.Equal(t, v.want, fired(in))
		})
	}

	t.Run("ExplainsWhichDomainsAndHowFar", func(t *testing.T) {
		t.Parallel()
		hits := Evaluate(Input{Previous: scored(t, "4444444444"), Current: scored(t, "3333444444")})
		require.Equal(t, Hit{
			Rule: "R5", Version: 1, Level: Amber, Within: Clock{Workdays: 3},
			Domains: []Domain{BasicNeeds, Income, Housing, Health}, Index: &Fall{Was: 100, Is: 90},
			Inputs: Input{Previous: scored(t, "4444444444"), Current: scored(t, "3333444444")},
		}, hits[0])
		require.Equal(t, "三个以上领域变差", hits[0].Title())
		require.Empty(t, Hit{Rule: "R99"}.Title())
		hits[1].Inputs = Input{}
		text, err := json.Marshal(hits[1])
		require.NoError(t, err)
		require.JSONEq(t, `{"rule":"R7","version":2,"level":"amber","within":{"workdays":5},"index":{"was":100,"is":90},"inputs":{}}`, string(text))
	})
	t.Run("NeverHidesACrisis", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			current, previous := Assessment{Scores: anyScores.Draw(t, "current")}, Assessment{Scores: anyScores.Draw(t, "previous")}
			hits := Evaluate(Input{Current: &current, Previous: &previous, Baseline: &previous})
			crisis := false
			for _, s := range current.Scores {
				crisis = crisis || s == Crisis
			}
			if crisis {
				require.Equal(t, Red, Highest(hits))
			}
			for _, hit := range hits {
				require.Equal(t, hit.Level == Red, hit.Within.Hours > 0, "red clocks run in hours")
				require.NotEqual(t, hit.Within.Hours > 0, hit.Within.Workdays > 0, hit.Rule)
				require.NotEmpty(t, hit.Title())
			}
		})
	})
}

func TestFlags(t *testing.T) {
	t.Parallel()
	hits := Evaluate(Input{Flags: []Flag{Violence, ChildHarm}})
	require.Len(t, hits, 1)
	require.Equal(t, Hit{
		Rule: "R2", Version: 1, Level: Red, Within: Clock{Hours: 2},
		Flags: []Flag{ChildHarm, Violence}, MustReport: true, Inputs: Input{Flags: []Flag{ChildHarm, Violence}},
	}, hits[0])
	require.False(t, Evaluate(Input{Flags: []Flag{FundSeizure}})[0].MustReport)
}

func TestSignals(t *testing.T) {
	t.Parallel()
	at := calendar.New(2026, 11, 24).At(9, 0)
	day := 24 * time.Hour
	signal := func(kind SignalKind, after time.Duration) Signal { return Signal{Kind: kind, At: at.Add(after)} }

	for name, v := range map[string]struct {
		signals  []Signal
		highRisk bool
		want     []string
	}{
		"DifficultyIsAmber":       {signals: []Signal{signal(VillageDifficulty, 0)}, want: []string{"R8 amber"}},
		"FineIsGreen":             {signals: []Signal{signal(VillageFine, 0)}, want: []string{}},
		"NotSeenOnceIsGreen":      {signals: []Signal{signal(VillageNotSeen, 0)}, want: []string{}},
		"NotSeenAgainTooSoon":     {signals: []Signal{signal(VillageNotSeen, 0), signal(VillageNotSeen, day-time.Second)}, want: []string{}},
		"NotSeenTwiceIsAmber":     {signals: []Signal{signal(VillageNotSeen, day), signal(VillageNotSeen, 0)}, want: []string{"R9 amber"}},
		"NotSeenTwiceAtHighRisk":  {signals: []Signal{signal(VillageNotSeen, 0), signal(VillageNotSeen, day)}, highRisk: true, want: []string{"R9 red"}},
		"SeenBetweenStartsAgain":  {signals: []Signal{signal(VillageNotSeen, 0), signal(VillageFine, day), signal(VillageNotSeen, 2*day)}, want: []string{}},
		"CallsFailedOnThreeDays":  {signals: []Signal{signal(PhoneNotReached, 6*day), signal(PhoneNotReached, 0), signal(PhoneNotReached, 2*day)}, want: []string{"R9 amber"}},
		"CallsFailedOnTwoDays":    {signals: []Signal{signal(PhoneNotReached, 0), signal(PhoneNotReached, time.Hour), signal(PhoneNotReached, day)}, want: []string{}},
		"CallsFailedTooFarApart":  {signals: []Signal{signal(PhoneNotReached, 0), signal(PhoneNotReached, 3*day), signal(PhoneNotReached, 7*day)}, want: []string{}},
		"VillageSawThemMeanwhile": {signals: []Signal{signal(PhoneNotReached, 0), signal(PhoneNotReached, day), signal(VillageFine, 30*time.Hour), signal(PhoneNotReached, 2*day)}, want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, v.want, fired(Input{Signals: v.signals, HighRisk: v.highRisk}))
		})
	}
}

func TestClockEnds(t *testing.T) {
	t.Parallel()
	cal := calendar.Official()
	eve := calendar.New(2026, 9, 30).At(15, 0)
	require.Equal(t, eve.Add(24*time.Hour), Clock{Hours: 24}.Ends(eve, cal), "real hours, into the holiday")
	require.Equal(t, "2026-10-10", calendar.Of(Clock{Workdays: 3}.Ends(eve, cal).Add(-time.Second)).String())
	require.Equal(t, calendar.New(2026, 10, 9).At(0, 0), Clock{Workdays: 1}.Ends(eve, cal))
}

func TestHighest(t *testing.T) {
	t.Parallel()
	require.Equal(t, Green, Highest(nil))
	require.Equal(t, Notice, Highest([]Hit{{Level: Notice}}))
	require.Equal(t, Red, Highest([]Hit{{Level: Amber}, {Level: Red}, {Level: Notice}}))
}
