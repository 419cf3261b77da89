package schedule

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	t.Run("AcceptsTheSeeds", func(t *testing.T) {
		t.Parallel()
		for _, seed := range Seeds() {
			require.NoError(t, seed.Validate(), seed.Key)
		}
	})
	t.Run("SurvivesJSON", func(t *testing.T) {
		t.Parallel()
		text, err := json.Marshal(Child())
		require.NoError(t, err)
		var back Template
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, Child(), back)
	})
	t.Run("ReportsEveryProblem", func(t *testing.T) {
		t.Parallel()
		err := Template{Steps: []Step{
			{Key: "a", Occasion: "x", Title: "甲", Kind: "letter", Anchor: "birth", OffsetDays: -1, LeadDays: 31, GraceWorkdays: 31},
			{Key: "a", Occasion: "x", Title: "乙", Kind: Phone, Anchor: Start, OffsetDays: 5, EveryDays: 120, AsksVillage: true},
		}}.Validate()
		var problems Problems
		require.ErrorAs(t, err, &problems)
		require.Len(t, problems, 13)
		require.Contains(t, err.Error(), "a\uff1a步骤代号重复")
	})
	for name, spoil := range map[string]func(*Template){
		"RefusesNoTail":           func(t *Template) { t.Steps = t.Steps[:8] },
		"RefusesASlowTail":        func(t *Template) { t.Steps[8].EveryDays = 93 },
		"RefusesASilence":         func(t *Template) { t.Steps = slices.Delete(t.Steps, 6, 7) },
		"RefusesNoBaseline":       func(t *Template) { t.Steps[0].Anchor = Payment },
		"RefusesALeadOverlapping": func(t *Template) { t.Steps[8].EveryDays, t.Steps[8].LeadDays = 5, 5 },
		"RefusesASplitOccasion":   func(t *Template) { t.Steps[5].OffsetDays++ },
		"RefusesAnOfficerAsked":   func(t *Template) { t.Steps[1].AsksVillage = true },
		"RefusesAYearlyTail":      func(t *Template) { t.Steps[8].Anchor, t.Steps[8].OffsetDays, t.Steps[8].EveryDays = Birthday, 0, 0 },
		"RefusesATailUntilAnAge":  func(t *Template) { t.Steps[8].UntilAge = 18 },
		"RefusesAnUnknownPolicy":  func(t *Template) { t.Steps[8].Policy = "drifting" },
		"RefusesAGapOverlapping":  func(t *Template) { t.Steps[8].Policy, t.Steps[8].GapDays = MinGap, 46 },
		"RefusesAGapOfTheFixed":   func(t *Template) { t.Steps[8].GapDays = 30 },
		"RefusesRollingOnce":      func(t *Template) { t.Steps[0].Policy = Rolling },
		"RefusesATiersStep":       func(t *Template) { t.Steps[1].Key = "tier-red-contact" },
		"RefusesAHarvestNoDay":    func(t *Template) { t.Steps[11].YearlyOn = 0 },
		"RefusesAfterTheEve":      func(t *Template) { t.Steps[10].OffsetDays = 3 },
		"RefusesAYearlyRepeat":    func(t *Template) { t.Steps[10].EveryDays = 365 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoilt := General()
			spoil(&spoilt)
			var problems Problems
			require.ErrorAs(t, spoilt.Validate(), &problems)
			require.Len(t, problems, 1, problems.Error())
			require.NotEmpty(t, problems[0].Text)
		})
	}
}
