package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	scores := object{"basic_needs": "3", "income": "3", "housing": "3", "health": "0", "care": "3", "children": "X", "wellbeing": "3", "safety": "3", "funds_legal": "3", "support": "3"}
	c.post("/v1/check-ins/"+c.checkIn(recipient, "baseline")+"/records", object{"outcome": "reached", "informant": "self", "asked_village": true, "scores": scores})
	listed := c.get("/v1/alerts?level=red").items()
	require.Len(t, listed, 1)
	id, _ := listed[0]["alert_id"].(string)

	t.Run("AreListedWithTheClockAndWhoIsResponsible", func(t *testing.T) {
		require.Equal(t, "open", listed[0]["state"])
		require.Equal(t, false, listed[0]["late"])
		require.Equal(t, "officer", listed[0]["rung"])
		require.NotEmpty(t, listed[0]["act_by"])
		require.NotEmpty(t, listed[0]["next_rung_at"])
		require.NotEmpty(t, listed[0]["responsible_name"])
	})
	t.Run("NameTheFieldThatIsWrong", func(t *testing.T) {
		c.post("/v1/alerts/"+id+"/snooze", object{"until": "2026-11-24T23:00:00+08:00", "reason": ""}).
			requireProblem(http.StatusUnprocessableEntity, "body.until", "body.reason")
		c.post("/v1/alerts/"+id+"/close", object{"outcome": "superseded", "done": "x"}).requireProblem(http.StatusUnprocessableEntity, "body.outcome")
	})
	t.Run("AreAcknowledgedAndClosedByASupervisor", func(t *testing.T) {
		require.Equal(t, http.StatusNoContent, c.post("/v1/alerts/"+id+"/acknowledge", nil).status)
		require.Equal(t, "acknowledged", c.get("/v1/alerts?level=red").items()[0]["state"])
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, "/v1/alerts/"+id+"/close", object{"outcome": "resolved", "done": "已送医"}).status)
		require.Empty(t, c.get("/v1/alerts?level=red").items())
	})
}
