package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudgements(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")
	scores := object{"basic_needs": "3", "income": "3", "housing": "3", "health": "0", "care": "3", "children": "X", "wellbeing": "3", "safety": "3", "funds_legal": "3", "support": "3"}
	c.post("/v1/check-ins/"+c.checkIn(recipient, "baseline")+"/records", object{"outcome": "reached", "informant": "self", "asked_village": true, "scores": scores})

	t.Run("SayWhyInBothLanguagesWithTheInputs", func(t *testing.T) {
		found := c.get("/v1/recipients/" + recipient + "/judgements").object()
		require.Equal(t, "red", found["tier"])
		list, _ := found["judgements"].([]any)
		require.Len(t, list, 1)
		one, _ := list[0].(map[string]any)
		require.Equal(t, "R1", one["rule"])
		require.Contains(t, one["zh"], "为0")
		require.Contains(t, one["en"], "at 0")
		inputs, _ := one["inputs"].(map[string]any)
		require.Contains(t, inputs, "current")
		require.NotContains(t, one, "superseded_at")
	})
	t.Run("KeepTheTierUntilTheHouseholdIsCalm", func(t *testing.T) {
		c.post("/v1/plans/"+plan+"/tier/propose", object{"tier": "green", "reason": "好转"}).requireProblem(http.StatusConflict)
		c.post("/v1/plans/"+plan+"/tier", object{"tier": "purple", "reason": "x"}).requireProblem(http.StatusUnprocessableEntity, "body.tier")
		c.post("/v1/plans/"+plan+"/tier", object{"tier": "amber", "reason": ""}).requireProblem(http.StatusUnprocessableEntity, "body.reason")
	})
}
