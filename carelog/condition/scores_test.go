package condition

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog/calendar"
)

// points builds scores from "3333333333": a digit, N or X for D1 to D10.
func points(t require.TestingT, text string) Scores {
	require.Len(t, text, domainCount)
	var s Scores
	for i := range s {
		score, err := ParseScore(text[i : i+1])
		require.NoError(t, err)
		s[i] = score
	}
	return s
}

var anyScores = rapid.Custom(func(t *rapid.T) Scores {
	var s Scores
	for i := range s {
		s[i] = Score(rapid.IntRange(int(NotApplicable), int(Secure)).Draw(t, "score"))
	}
	return s
})

func TestScale(t *testing.T) {
	t.Parallel()
	require.Len(t, Domains(), domainCount)
	for i, entry := range Scale() {
		require.Equal(t, domains[i], entry.Domain)
		require.NotEmpty(t, entry.Domain.Chinese())
		require.NotEmpty(t, entry.Domain.English())
		require.Equal(t, entry.Domain == Housing || entry.Domain == Care, entry.HomeOnly)
		for step := range ladderSteps {
			require.NotEmpty(t, entry.LadderChinese[step])
			require.NotEmpty(t, entry.LadderEnglish[step])
		}
	}
	require.Equal(t, "D1", BasicNeeds.Code())
	require.Equal(t, "D10", Support.Code())
	require.Empty(t, Domain("money").Code())
	require.Empty(t, Domain("money").Chinese())
}

func TestScore(t *testing.T) {
	t.Parallel()

	t.Run("ReadsItsOwnText", func(t *testing.T) {
		t.Parallel()
		for s := NotApplicable; s <= Secure; s++ {
			back, err := ParseScore(s.String())
			require.NoError(t, err)
			require.Equal(t, s, back)
			require.NotEmpty(t, s.Chinese())
		}
	})
	t.Run("CountsPointsFromZero", func(t *testing.T) {
		t.Parallel()
		for want := range ladderSteps {
			got, scored := ScoreOf(want).Points()
			require.True(t, scored)
			require.Equal(t, want, got)
		}
		_, scored := NotObserved.Points()
		require.False(t, scored)
		require.Equal(t, NotObserved, ScoreOf(5))
		require.Equal(t, NotObserved, ScoreOf(-1))
	})
	t.Run("RefusesOtherText", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "5", "-1", "33", "good"} {
			_, err := ParseScore(text)
			require.Error(t, err, text)
		}
	})
}

func TestScores(t *testing.T) {
	t.Parallel()

	t.Run("StartWithNothingObserved", func(t *testing.T) {
		t.Parallel()
		var s Scores
		require.Equal(t, Domains(), s.Missing())
		index, complete := s.Index()
		require.Zero(t, index)
		require.False(t, complete)
	})
	t.Run("SurviveJSON", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			in := anyScores.Draw(t, "scores")
			text, err := json.Marshal(in)
			require.NoError(t, err)
			var out Scores
			require.NoError(t, json.Unmarshal(text, &out))
			require.Equal(t, in, out)
		})
		var s Scores
		require.NoError(t, json.Unmarshal([]byte(`{"health":"2","children":"X"}`), &s))
		require.Equal(t, Strained, s.Of(Health))
		require.Equal(t, NotApplicable, s.Of(Children))
		require.Error(t, json.Unmarshal([]byte(`{"health":"7"}`), &s))
		require.Error(t, json.Unmarshal([]byte(`[1]`), &s))
	})
	t.Run("ReportEveryProblemByField", func(t *testing.T) {
		t.Parallel()
		s, problems := Parse(map[string]string{"health": " 3 ", "children": "x", "money": "1", "safety": "9", "care": ""})
		require.Equal(t, Scores{}.With(Health, Stable).With(Children, NotApplicable), s)
		var fields []string
		for _, p := range problems {
			require.NotEmpty(t, p.Text)
			fields = append(fields, p.Field)
		}
		require.Equal(t, []string{"care", "money", "safety"}, fields)
	})
	t.Run("IgnoreUnknownDomains", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, Scores{}, Scores{}.With("money", Crisis))
		require.Equal(t, NotObserved, Scores{}.Of("money"))
	})
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		scores   string
		index    int
		complete bool
	}{
		"IsThreeQuartersForStable":     {"3333333333", 75, true},
		"RoundsHalfUp":                 {"2223333333", 68, true}, // 67.5
		"NeedsSevenScored":             {"33NNNN3333", 75, false},
		"NeedsBasicNeeds":              {"N333333333", 75, false},
		"NeedsWellbeing":               {"333333N333", 75, false},
		"SkipsWhatDoesNotApply":        {"33333X3333", 75, true},
		"CountsXAsNotScored":           {"3333NX3N3N", 75, false},
		"IsCompleteWithSeven":          {"44NNN44444", 100, true},
		"ShowsTheBottom":               {"0000000000", 0, true},
		"AveragesOverWhatWasScored":    {"4X4N4N4444", 100, true},
		"DoesNotLeaveACrisisOutOfView": {"0444444444", 90, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index, complete := points(t, v.scores).Index()
			require.Equal(t, v.index, index)
			require.Equal(t, v.complete, complete)
		})
	}

	t.Run("StaysWithinZeroAndHundred", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := anyScores.Draw(t, "scores")
			index, complete := s.Index()
			require.True(t, index >= 0 && index <= 100)
			require.Equal(t, complete, s.Scored() >= 7 && s.Of(BasicNeeds) >= Crisis && s.Of(Wellbeing) >= Crisis)
		})
	})
	t.Run("NeverDropsWhenADomainRises", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := anyScores.Draw(t, "scores")
			d := rapid.SampledFrom(domains[:]).Draw(t, "domain")
			was, scored := s.Of(d).Points()
			if !scored || was == topScore {
				return
			}
			before, _ := s.Index()
			after, _ := s.With(d, ScoreOf(was+1)).Index()
			require.GreaterOrEqual(t, after, before)
		})
	})
}

func TestMissingLeavesOutWhatDoesNotApply(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Domain{Income}, points(t, "3N333X3333").Missing())
}

func TestCarryForward(t *testing.T) {
	t.Parallel()
	visit := calendar.New(2026, 5, 28)
	home := Assessment{On: visit, Scores: points(t, "3313333333")}

	t.Run("LetsNoCallRaiseHousing", func(t *testing.T) { // vector (f)
		t.Parallel()
		call := Assessment{On: visit.AddDays(StaleAfterDays), Scores: points(t, "3333433333")}
		counts, carried := CarryForward(ByPhone, call, &home)
		require.Equal(t, points(t, "3313333333"), counts.Scores)
		require.Equal(t, []Carried{
			{Domain: Housing, Score: Severe, From: visit},
			{Domain: Care, Score: Stable, From: visit},
		}, carried)
	})
	t.Run("StopsCountingWhatIsStale", func(t *testing.T) {
		t.Parallel()
		call := Assessment{On: visit.AddDays(StaleAfterDays + 1), Scores: points(t, "33N3N33333")}
		counts, carried := CarryForward(ByPhone, call, &home)
		require.Equal(t, call, counts)
		require.True(t, carried[0].Stale)
		require.Equal(t, Severe, carried[0].Score)
	})
	t.Run("CarriesNothingBeforeAHomeVisit", func(t *testing.T) {
		t.Parallel()
		counts, carried := CarryForward(ByPhone, Assessment{On: visit, Scores: points(t, "3333333333")}, nil)
		require.Equal(t, points(t, "33N3N33333"), counts.Scores)
		require.Empty(t, carried)
	})
	t.Run("TakesAHomeVisitAsItIs", func(t *testing.T) {
		t.Parallel()
		seen := Assessment{On: visit, Scores: points(t, "33N3333333")}
		counts, carried := CarryForward(ByHome, seen, &home)
		require.Equal(t, seen, counts)
		require.Empty(t, carried)
	})
	t.Run("ScoresNothingFromAVillageReply", func(t *testing.T) {
		t.Parallel()
		counts, carried := CarryForward(ByVillage, home, &home)
		require.Equal(t, Assessment{On: visit}, counts)
		require.Empty(t, carried)
	})
}
