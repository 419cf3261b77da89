package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenings(t *testing.T) {
	t.Parallel()

	t.Run("AFileIsShownInFullWithAReason", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		recipient, _ := c.enrol("YY-1")
		path := "/v1/recipients/" + recipient + "/unmask"
		c.post(path, object{"purpose": "phone_call", "reason": ""}).requireProblem(http.StatusUnprocessableEntity, "body.reason")
		full := c.post(path, object{"purpose": "phone_call", "reason": "约定时间"})
		require.Equal(t, http.StatusOK, full.status, full.text)
		require.Equal(t, "马某某", full.object()["name"])
		require.Equal(t, "+8615400000001", full.object()["phone"])
		require.NotContains(t, c.log.text(), "15400000001")
		require.Equal(t, http.StatusForbidden, c.send(c.admin, http.MethodPost, path, object{"purpose": "phone_call", "reason": "x"}).status)
	})

	t.Run("AMinorsFileWaitsForASupervisor", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("YY-2")
		e["born_on"] = "2014-05-01"
		delete(e, "primary_contact_id")
		made := c.post("/v1/recipients", e)
		require.Equal(t, http.StatusCreated, made.status, made.text)
		recipient, _ := made.object()["recipient_id"].(string)
		unmask, why := "/v1/recipients/"+recipient+"/unmask", object{"purpose": "home_visit", "reason": "上门"}
		require.Equal(t, http.StatusForbidden, c.post(unmask, why).status)
		asked := c.post("/v1/recipients/"+recipient+"/openings", object{"days": 3, "reason": "上门前联系监护人"})
		require.Equal(t, http.StatusCreated, asked.status, asked.text)
		decide := "/v1/openings/" + asked.object()["opening_id"].(string) + "/decide"
		require.Equal(t, http.StatusForbidden, c.post(decide, object{"approve": true, "reason": "同意"}).status)
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, decide, object{"approve": true, "reason": "同意"}).status)
		require.Equal(t, http.StatusOK, c.post(unmask, why).status)
		listed := c.get("/v1/recipients/" + recipient + "/openings").items()
		require.Equal(t, "approved", listed[0]["state"])
		require.Equal(t, "同意", listed[0]["decision"])
	})
}

// Every operation that reads one file leaves an entry in the audit: a new one that
// forgets to fails here.
func TestEveryReadOfAFileIsAudited(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")
	var checkIn, message string
	require.NoError(t, c.rows.QueryRow(t.Context(), "SELECT id::text FROM check_ins ORDER BY id LIMIT 1").Scan(&checkIn))
	require.NoError(t, c.rows.QueryRow(t.Context(), "SELECT id::text FROM messages ORDER BY id LIMIT 1").Scan(&message))
	told := c.post("/v1/recipients/"+recipient+"/events", object{"kind": "offender_contact", "occurred_on": "2026-11-23", "source": "officer", "note": "x"})
	require.Less(t, told.status, 300, told.text)
	var alert string
	require.NoError(t, c.rows.QueryRow(t.Context(), "SELECT id::text FROM alerts ORDER BY id LIMIT 1").Scan(&alert))

	ids := c.openedCase()
	fill := strings.NewReplacer("{meeting_id}", ids["meeting_id"], "{clue_id}", ids["clue_id"], "{case_id}", ids["case_id"], "{file_id}", ids["file_id"], "{recipient_id}", recipient, "{plan_id}", plan, "{check_in_id}", checkIn, "{message_id}", message, "{alert_id}", alert)
	elsewhere := []string{"{year}", "{office_id}", "{transfer_id}", "{contact_id}", "{partner_id}"} // of no single file
	var described struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	require.NoError(t, json.Unmarshal([]byte(c.send("", http.MethodGet, "/openapi.json", nil).text), &described))
	walked := 0
	for path, methods := range described.Paths {
		operation, ok := methods["get"]
		if !ok || !strings.Contains(path, "{") || slices.ContainsFunc(elsewhere, func(p string) bool { return strings.Contains(path, p) }) {
			continue
		}
		address := fill.Replace(path)
		require.NotContains(t, address, "{", "%s: this test does not know how to read it", operation.OperationID)
		before := c.count("audit")
		got := c.send(c.boss, http.MethodGet, address, nil)
		require.Equal(t, http.StatusOK, got.status, "%s: %s", operation.OperationID, got.text)
		require.Equal(t, before+1, c.count("audit"), "%s leaves no entry in the audit", operation.OperationID)
		walked++
	}
	require.Greater(t, walked, 15)
}
