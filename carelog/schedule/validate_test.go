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
		require.NoError(t, General().Validate())
		require.NoError(t, Key().Validate())
	})
	t.Run("SurvivesJSON", func(t *testing.T) {
		t.Parallel()
		text, err := json.Marshal(General())
		require.NoError(t, err)
		var back Template
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, General(), back)
	})
	t.Run("ReportsEveryProblem", func(t *testing.T) {
		t.Parallel()
		err := Template{Steps: []Step{
			{Key: "a", Occasion: "x", Title: "甲", Kind: "letter", Anchor: "birth", OffsetDays: -1, LeadDays: 31, GraceWorkdays: 31},
			{Key: "a", Occasion: "x", Title: "乙", Kind: Phone, Anchor: Start, OffsetDays: 5, EveryDays: 120, AsksVillage: true},
		}}.Validate()
		var problems Problems
		require.ErrorAs(t, err, &problems)
		require.Len(t, problems, 11)
		require.Contains(t, err.Error(), "a：步骤代号重复")
	})
	for name, spoil := range map[string]func(*Template){
		"RefusesNoTail":           func(t *Template) { t.Steps = t.Steps[:8] },
		"RefusesASlowTail":        func(t *Template) { t.Steps[8].EveryDays = 93 },
		"RefusesASilence":         func(t *Template) { t.Steps = slices.Delete(t.Steps, 6, 7) },
		"RefusesNoBaseline":       func(t *Template) { t.Steps[0].Anchor = Payment },
		"RefusesALeadOverlapping": func(t *Template) { t.Steps[8].EveryDays, t.Steps[8].LeadDays = 5, 5 },
		"RefusesASplitOccasion":   func(t *Template) { t.Steps[5].OffsetDays++ },
		"RefusesAnOfficerAsked":   func(t *Template) { t.Steps[1].AsksVillage = true },
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
