package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// visit is a home visit record with every kind of field.
func visit() object {
	scores := object{}
	for _, domain := range []string{"basic_needs", "income", "housing", "health", "care", "wellbeing", "safety", "funds_legal", "support"} {
		scores[domain] = "3"
	}
	return object{
		"outcome": "reached", "informant": "self", "scores": scores, "ended_at": "2026-11-24T09:00:00+08:00", "occurred_at": "2026-11-24T08:00:00+08:00",
		"evidence":  object{"housing": object{"kind": "observed"}, "income": object{"kind": "told", "informant": "relative"}},
		"uses":      []object{{"category": "medical", "amount_fen": 120000, "evidence": "document", "balance_fen": 380000}},
		"schooling": []object{{"child": "长子", "text": "初二"}}, "officers": []string{"li"}, "satisfaction": 4, "needs": "想找份活",
	}
}

func TestAVisitIsConfirmedByTheVillageOnASupervisorsWord(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	check := "/v1/check-ins/" + c.checkIn(recipient, "baseline")
	request := func(token string) reply { return c.send(token, http.MethodPost, check+"/confirmation", nil) }
	request(c.boss).requireProblem(http.StatusConflict)
	made := c.post(check+"/records", visit())
	require.Equal(t, http.StatusCreated, made.status, made.text)
	request(c.officer).requireProblem(http.StatusForbidden)
	if c.get(check).object()["confirmation"] == nil { // else it was chosen by its id
		require.Equal(t, http.StatusNoContent, request(c.boss).status)
	}
	request(c.boss).requireProblem(http.StatusConflict)
	require.Equal(t, "asked", c.get(check).object()["confirmation"])
	require.Equal(t, 1, c.count("messages WHERE wording = 'visit_confirmation' AND dispatch = 'planned'"))
}

func TestVisits(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	baseline := "/v1/check-ins/" + c.checkIn(recipient, "baseline")

	t.Run("TellWhereInTheRecordSomethingIsWrong", func(t *testing.T) {
		wrong := visit()
		wrong["evidence"] = object{"housing": object{"kind": "guess"}, "children": object{"kind": "told"}}
		wrong["officers"] = []string{"nobody"}
		wrong["uses"] = []object{{"category": "gold"}}
		c.post(baseline+"/records", wrong).requireProblem(http.StatusUnprocessableEntity, "body.evidence.housing.kind", "body.uses[0].category")
		wrong["evidence"], wrong["uses"] = object{"children": object{"kind": "told"}}, []object{}
		c.post(baseline+"/records", wrong).requireProblem(http.StatusUnprocessableEntity, "body.evidence.children", "body.officers[0]")
	})
	t.Run("AreReadAsTheyWereRecordedAndCorrectedByVersions", func(t *testing.T) {
		made := c.post(baseline+"/records", visit())
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.Equal(t, []any{"a home visit is customarily made by two officers"}, made.object()["warnings"])
		record, _ := made.object()["record_id"].(string)
		read := c.get(baseline + "/records").items()
		require.Len(t, read, 1)
		require.Equal(t, "想找份活", read[0]["needs"])
		require.Equal(t, "waiting", read[0]["sign_off"])
		require.Equal(t, map[string]any{"kind": "told", "informant": "relative"}, read[0]["evidence"].(map[string]any)["income"])
		require.Equal(t, "2026-11-24T00:00:00Z", read[0]["occurred_at"])

		again := visit()
		c.post("/v1/records/"+record+"/correct", again).requireProblem(http.StatusUnprocessableEntity, "body.reason")
		again["reason"], again["needs"] = "听错了", "想修屋顶"
		corrected := c.post("/v1/records/"+record+"/correct", again)
		require.Equal(t, http.StatusCreated, corrected.status, corrected.text)
		require.EqualValues(t, 2, corrected.object()["version"])
		newest, _ := corrected.object()["record_id"].(string)
		read = c.get(baseline + "/records").items()
		require.Len(t, read, 2)
		require.Equal(t, newest, read[1]["superseded_by"])
		require.Len(t, c.get("/v1/recipients/"+recipient+"/assessments").items(), 2)

		c.post("/v1/records/"+newest+"/sign-off", object{}).requireProblem(http.StatusForbidden)
		require.Len(t, c.send(c.boss, http.MethodGet, "/v1/visits-to-sign", nil).items(), 1)
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, "/v1/records/"+newest+"/sign-off", object{"comment": "已核"}).status)
		require.Empty(t, c.send(c.boss, http.MethodGet, "/v1/visits-to-sign", nil).items())
	})
	t.Run("NobodyPlannedStandAlone", func(t *testing.T) {
		unplanned := visit()
		unplanned["kind"] = "home"
		made := c.post("/v1/recipients/"+recipient+"/visits", unplanned)
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.NotContains(t, made.object(), "check_in_id")
		require.Len(t, c.get("/v1/recipients/"+recipient+"/visits").items(), 1)
	})
	t.Run("AreAgreedWithTheHousehold", func(t *testing.T) {
		path := "/v1/check-ins/" + c.checkIn(recipient, "month-3") + "/appointment"
		c.post(path, object{"on": "2026-12-13", "at": "10:00"}).requireProblem(http.StatusUnprocessableEntity, "body.reason")
		agreed := c.post(path, object{"on": "2026-12-13", "at": "10:00", "reason": "星期日在家"})
		require.Equal(t, http.StatusOK, agreed.status, agreed.text)
		require.Equal(t, "2026-12-13T02:00:00Z", agreed.object()["appointed_at"])
		require.Equal(t, "2026-12-14", agreed.object()["due"])
	})
	t.Run("NobodyIsAskedToScoreTwiceUnlessChosen", func(t *testing.T) {
		c.post("/v1/check-ins/"+c.checkIn(recipient, "month-3")+"/blind-scores", object{"scores": object{"income": "3"}}).requireProblem(http.StatusConflict)
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	path := "/v1/recipients/" + recipient + "/events"
	c.post(path, object{"kind": "wedding", "occurred_on": "2026-11-20", "source": "self"}).requireProblem(http.StatusUnprocessableEntity, "body.kind")
	c.post(path, object{"kind": "hospital", "occurred_on": "2026-11-30", "source": "self"}).requireProblem(http.StatusUnprocessableEntity, "body.occurred_on")
	made := c.post(path, object{"kind": "hospital", "occurred_on": "2026-11-20", "source": "village_contact", "note": "摔断了腿"})
	require.Equal(t, http.StatusCreated, made.status, made.text)
	id, _ := made.object()["event_id"].(string)
	require.Equal(t, "摔断了腿", c.get(path).items()[0]["note"])
	require.Equal(t, http.StatusNoContent, c.post("/v1/events/"+id+"/withdraw", object{"reason": "是邻居"}).status)
	require.NotEmpty(t, c.get(path).items()[0]["withdrawn_at"])
	c.post("/v1/events/"+id+"/withdraw", object{"reason": "是邻居"}).requireProblem(http.StatusConflict)
}
