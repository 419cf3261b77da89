package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	_, plan := c.enrol("YY-1")
	newest := func(key string) object {
		for _, item := range c.get("/v1/templates").items() {
			if item["key"] == key {
				return item
			}
		}
		return nil
	}

	t.Run("AreReadAndSavedInOneForm", func(t *testing.T) {
		steps := newest("G")["steps"]
		saved := c.send(c.admin, http.MethodPost, "/v1/templates/G/versions", object{"steps": steps, "why": "x", "preview": true})
		require.Equal(t, http.StatusOK, saved.status, saved.text)
		require.EqualValues(t, 3, saved.object()["version"])
		require.EqualValues(t, 0, saved.object()["check_ins"], "nothing was changed")
	})
	t.Run("TellWhichFieldOfWhichStepIsWrong", func(t *testing.T) {
		steps, _ := newest("G")["steps"].([]any)
		steps[3].(map[string]any)["grace_workdays"] = 99
		steps[2].(map[string]any)["until_age"] = 200
		c.send(c.admin, http.MethodPost, "/v1/templates/G/versions", object{"steps": steps}).
			requireProblem(http.StatusUnprocessableEntity, "body.steps[3].grace_workdays", "body.steps[2].until_age", "body.why")
	})
	t.Run("ChangeForOnePlanAndItsHarvest", func(t *testing.T) {
		changed := c.post("/v1/plans/"+plan+"/template", object{"template": "K", "reason": "独居"})
		require.Equal(t, http.StatusOK, changed.status, changed.text)
		require.Equal(t, "K", changed.object()["template"])
		harvest := c.post("/v1/plans/"+plan+"/harvest", object{"has_harvest": true, "on": "12-20"})
		require.Equal(t, http.StatusOK, harvest.status, harvest.text)
		require.EqualValues(t, 1, harvest.object()["check_ins"])
		c.post("/v1/plans/"+plan+"/harvest", object{"has_harvest": true, "on": "13-40"}).requireProblem(http.StatusUnprocessableEntity, "body.on")
	})
	t.Run("MoveAnOfficesPlansBySupervisorOnly", func(t *testing.T) {
		c.post("/v1/templates/K/move", object{"to": 1}).requireProblem(http.StatusForbidden)
		moved := c.send(c.boss, http.MethodPost, "/v1/templates/K/move", object{"to": 1})
		require.Equal(t, http.StatusOK, moved.status, moved.text)
		require.EqualValues(t, 1, moved.object()["plans"])
	})
}
