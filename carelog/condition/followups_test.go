package condition

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog/calendar"
)

func TestOverdueRule(t *testing.T) {
	t.Parallel()
	due, closes := calendar.New(2026, 11, 24), calendar.New(2026, 12, 8)
	late := []Overdue{{Due: due, Closes: closes}}
	require.Empty(t, fired(Input{On: closes, Overdue: late}), "the last day of grace")
	require.Equal(t, []string{"R10 notice"}, fired(Input{On: closes.AddDays(1), Overdue: late}))
	require.Equal(t, Green, Highest(nil))
	require.False(t, Evaluate(Input{On: closes.AddDays(1), Overdue: late})[0].RaisesTier())
}

func TestReferralRule(t *testing.T) {
	t.Parallel()
	on := calendar.New(2026, 11, 24)
	for name, v := range map[string]struct {
		referral Referral
		want     []string
	}{
		"AnswerDueToday":      {Referral{DueOn: on}, []string{}},
		"AnswerDueYesterday":  {Referral{DueOn: on.AddDays(-1)}, []string{"R11 amber"}},
		"LapsesInThirtyDays":  {Referral{ExpiresOn: on.AddDays(30)}, []string{"R11 amber"}},
		"LapsesLater":         {Referral{ExpiresOn: on.AddDays(31)}, []string{}},
		"LapsedAndNotRenewed": {Referral{ExpiresOn: on.AddDays(-3)}, []string{"R11 amber"}},
		"Answered":            {Referral{Measure: "dibao"}, []string{}},
	} {
		require.Equal(t, v.want, fired(Input{On: on, Referrals: []Referral{v.referral}}), name)
	}
}

func TestEventRule(t *testing.T) {
	t.Parallel()
	red := []EventKind{ChildOutOfCare, DeathOfCarer, OffenderContact}
	require.Len(t, EventKinds(), 13)
	for _, kind := range EventKinds() {
		hits := Evaluate(Input{Events: []Event{{Kind: kind}}})
		require.Len(t, hits, 1, kind)
		require.NotEmpty(t, kind.Chinese())
		if slices.Contains(red, kind) {
			require.Equal(t, Red, hits[0].Level, kind)
			require.Equal(t, Clock{Hours: 24}, hits[0].Within, kind)
			continue
		}
		require.Equal(t, Amber, hits[0].Level, kind)
		require.LessOrEqual(t, hits[0].Within.Workdays, 3, kind)
		require.Positive(t, hits[0].Within.Workdays, kind)
	}
	require.Equal(t, Red, Evaluate(Input{Events: []Event{{Kind: Moved}, {Kind: DeathOfCarer}}})[0].Level, "the most urgent counts")
	require.Empty(t, Evaluate(Input{Events: []Event{{Kind: "birthday"}}}))
}

func TestStuckRule(t *testing.T) {
	t.Parallel()
	once, twice := scored(t, "3331333333"), scored(t, "3331333333")
	require.Equal(t, []string{"R13 amber"}, fired(Input{Previous: once, Current: twice}))
	require.Equal(t, []string{"R13 amber"}, fired(Input{Previous: once, Current: twice, Helping: []Measure{"dibao"}}), "dibao touches no health")
	require.Empty(t, fired(Input{Previous: once, Current: twice, Helping: []Measure{"dibao", "medical_aid"}}))
	require.Empty(t, fired(Input{Previous: scored(t, "3333133333"), Current: twice, Baseline: nil, Helping: []Measure{"medical_aid", "volunteer"}})[1:], "another domain is not twice the same")
	housing := *scored(t, "3313333333")
	housing.Carried = []Domain{Housing}
	require.Empty(t, fired(Input{Previous: scored(t, "3313333333"), Current: &housing}), "a carried value was not scored twice")
	for _, m := range Measures() {
		require.NotEmpty(t, m.Touches(), m)
		require.NotEmpty(t, m.Chinese(), m)
		require.NotEmpty(t, m.English(), m)
	}
	require.Len(t, Measures(), 23)
}

func TestDivergenceRule(t *testing.T) {
	t.Parallel()
	on := calendar.New(2026, 11, 24)
	low := &Assessment{On: on, Scores: points(t, "3333133333")}
	says := func(kind SignalKind, days int) []Signal {
		return []Signal{{Kind: kind, At: on.AddDays(days).At(10, 0)}}
	}
	require.Equal(t, []string{"R14 notice"}, fired(Input{Current: low, Signals: says(VillageFine, -14)}))
	require.Equal(t, []string{"R14 notice"}, fired(Input{Current: low, Signals: says(VillageFine, 14)}))
	require.Empty(t, fired(Input{Current: low, Signals: says(VillageFine, -15)}))
	require.Empty(t, fired(Input{Current: low, Signals: says(VillageNotSeen, 0)}))
	require.Empty(t, fired(Input{Current: scored(t, "2222222222"), Signals: []Signal{{Kind: VillageFine}}}))
}

func TestCarriedCrisisIsOneHit(t *testing.T) {
	t.Parallel()
	home := Assessment{On: calendar.New(2026, 9, 1), Scores: points(t, "3303333333")}
	call, _ := CarryForward(ByPhone, Assessment{On: calendar.New(2026, 9, 20), Scores: points(t, "33N3N33333")}, &home)
	require.Equal(t, []string{"R1 red"}, fired(Input{Current: &home}))
	require.Empty(t, fired(Input{Previous: &home, Current: &call}), "nobody saw the roof again")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	march := &Assessment{On: calendar.New(2026, 3, 2), Scores: points(t, "3333333333")}
	june := &Assessment{On: calendar.New(2026, 6, 1), Scores: points(t, "3330333333")}
	hits := Evaluate(Input{Previous: march, Current: june})
	zh, en := Explain(hits[0])
	require.Equal(t, "2026-06-01评估\uff1a"+Health.Chinese()+"为0\uff0c评分处于危急\uff08规则R1\uff0c红色\uff0c24小时内处置\uff09", zh)
	require.Equal(t, "Assessment of 2026-06-01: "+Health.English()+" at 0, scored as a crisis (rule R1, red, act within 24 hours)", en)
	zh, en = Explain(hits[1])
	require.Contains(t, zh, "2026-03-02到2026-06-01\uff1a"+Health.Chinese()+"由3降到0")
	require.Contains(t, en, Health.English()+" fell from 3 to 0")
}

// anyInput draws what a household may look like, all at once.
var anyInput = rapid.Custom(func(t *rapid.T) Input {
	first := calendar.New(2026, 1, 5)
	assessment := func(name string, day int) *Assessment {
		if rapid.IntRange(0, 3).Draw(t, name+" is there") == 0 {
			return nil
		}
		return &Assessment{On: first.AddDays(day), Scores: anyScores.Draw(t, name)}
	}
	in := Input{
		On: first.AddDays(300), Baseline: assessment("baseline", 0), Older: assessment("older", 90), Previous: assessment("previous", 180), Current: assessment("current", 270),
		HighRisk: rapid.Bool().Draw(t, "high risk"),
		Helping:  rapid.SliceOfN(rapid.SampledFrom(Measures()), 0, 2).Draw(t, "helping"),
		Flags:    rapid.SliceOfNDistinct(rapid.SampledFrom([]Flag{ChildHarm, SelfHarm, Violence, FundSeizure, MissingPerson}), 0, 3, rapid.ID[Flag]).Draw(t, "flags"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "signals") {
		in.Signals = append(in.Signals, Signal{
			Kind: rapid.SampledFrom([]SignalKind{VillageFine, VillageDifficulty, VillageNotSeen, PhoneNotReached}).Draw(t, "kind"),
			At:   first.AddDays(rapid.IntRange(255, 300).Draw(t, "day")).At(rapid.IntRange(8, 19).Draw(t, "hour"), 0),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "overdue") {
		due := first.AddDays(rapid.IntRange(270, 300).Draw(t, "due"))
		in.Overdue = append(in.Overdue, Overdue{Due: due, Closes: due.AddDays(7)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "referrals") {
		in.Referrals = append(in.Referrals, Referral{Measure: "dibao", ExpiresOn: first.AddDays(rapid.IntRange(280, 400).Draw(t, "expires"))})
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		in.Events = append(in.Events, Event{Kind: rapid.SampledFrom(EventKinds()).Draw(t, "event"), On: first})
	}
	return in
})

func TestProperties(t *testing.T) {
	t.Parallel()
	levels := []Level{Green, Notice, Amber, Red}

	t.Run("AStoredHitIsFoundAgainInItsOwnInputs", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			for _, hit := range Evaluate(anyInput.Draw(t, "input")) {
				text, err := json.Marshal(hit)
				require.NoError(t, err)
				var stored Hit
				require.NoError(t, json.Unmarshal(text, &stored))
				again, found := stored.Again()
				require.True(t, found, hit.Rule)
				text2, err := json.Marshal(again)
				require.NoError(t, err)
				require.JSONEq(t, string(text), string(text2))
				stored.Version++
				_, found = stored.Again()
				require.False(t, found, "a version that is not known judges nothing")
			}
		})
	})
	t.Run("EveryHitExplainsItself", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			for _, hit := range Evaluate(anyInput.Draw(t, "input")) {
				zh, en := Explain(hit)
				for _, text := range []string{zh, en} {
					require.Contains(t, text, hit.Rule)
					require.NotContains(t, text, "%!")
				}
				require.NotContains(t, strings.ToLower(en), "\uff0c")
				for _, d := range hit.Domains {
					require.Contains(t, zh, d.Chinese())
					require.Contains(t, en, d.English())
				}
			}
		})
	})
	t.Run("TheOrderOfSignalsDoesNotMatter", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			in := anyInput.Draw(t, "input")
			want := Evaluate(in)
			in.Signals = rapid.Permutation(in.Signals).Draw(t, "signals")
			in.Flags = rapid.Permutation(in.Flags).Draw(t, "flags")
			require.Equal(t, want, Evaluate(in))
		})
	})
	t.Run("WorseScoresNeverLowerTheLevel", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			in := anyInput.Draw(t, "input")
			if in.Current == nil {
				return
			}
			was := Highest(Evaluate(in))
			worse := *in.Current
			i := rapid.IntRange(0, domainCount-1).Draw(t, "domain")
			if points, scored := worse.Scores[i].Points(); scored && points > 0 {
				worse.Scores[i] = ScoreOf(rapid.IntRange(0, points-1).Draw(t, "points"))
			}
			in.Current = &worse
			require.GreaterOrEqual(t, slices.Index(levels, Highest(Evaluate(in))), slices.Index(levels, was))
		})
	})
	t.Run("WhatIsNotObservedIsNoFall", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			previous := Assessment{Scores: anyScores.Draw(t, "scores")}
			current := previous
			for i := range domains {
				if rapid.Bool().Draw(t, "hidden") {
					current.Scores[i] = rapid.SampledFrom([]Score{NotObserved, NotApplicable}).Draw(t, "as")
				}
			}
			for _, hit := range Evaluate(Input{Current: &current, Previous: &previous, Older: &previous, Baseline: &previous}) {
				require.Contains(t, []string{"R1", "R13"}, hit.Rule)
			}
		})
	})
	t.Run("NothingKnownIsGreen", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, Evaluate(Input{}))
		rapid.Check(t, func(t *rapid.T) {
			hits := Evaluate(anyInput.Draw(t, "input"))
			require.Equal(t, len(hits) == 0, Highest(hits) == Green)
		})
	})
	t.Run("RedClocksRunInHours", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			for _, hit := range Evaluate(anyInput.Draw(t, "input")) {
				require.Equal(t, hit.Level == Red, hit.Within.Hours > 0)
				require.LessOrEqual(t, hit.Within.Hours, 24)
				require.Equal(t, hit.Within.roughly() > 0, hit.Rule != "R10")
				require.Less(t, hit.Within.roughly(), 11*24*time.Hour)
			}
		})
	})
}
