package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferrals(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")
	path := "/v1/recipients/" + recipient + "/referrals"
	partner, _ := c.post("/v1/partners", object{"name": "沂源县司法局", "kind": "justice", "contact": "周某", "phone": "15400000555"}).object()["partner_id"].(string)
	require.NotEmpty(t, partner)
	require.Equal(t, "legal_aid", c.get("/v1/recipients/" + recipient + "/hints").items()[0]["measure"])

	t.Run("AreSentDecidedAndRenewed", func(t *testing.T) {
		made := c.post(path, object{"measure": "legal_aid", "partner_id": partner, "need": "申请执行赔偿"}, "Idempotency-Key", "referral-1")
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.Equal(t, path, made.header.Get("Location"))
		require.Equal(t, "法律援助", made.object()["measure_name"])
		id, _ := made.object()["referral_id"].(string)
		one := "/v1/referrals/" + id
		c.post(one+"/send", object{"ground": "consent", "disclosed": []string{"name", "secrets"}}).requireProblem(http.StatusUnprocessableEntity, "body.disclosed[1]")
		sent := c.post(one+"/send", object{"ground": "consent", "disclosed": []string{"name", "award"}})
		require.Equal(t, http.StatusOK, sent.status, sent.text)
		require.Equal(t, "2026-12-01", sent.object()["due_on"])
		require.Equal(t, "acknowledged", c.post(one+"/acknowledge", object{}).object()["state"])
		c.post(one+"/decide", object{"outcome": "granted"}).requireProblem(http.StatusUnprocessableEntity, "body.expires_on")
		decided := c.post(one+"/decide", object{"outcome": "granted", "expires_on": "2027-05-31"})
		require.Equal(t, http.StatusOK, decided.status, decided.text)
		corrected := c.post(one+"/correct", object{"outcome": "granted", "expires_on": "2027-06-30", "correction": "看错月份"})
		require.Equal(t, "2027-06-30", corrected.object()["expires_on"], corrected.text)
		require.Equal(t, "granted", c.post(one+"/renew", object{"no_end": true}).object()["state"])
		c.post(one+"/withdraw", object{"reason": "x"}).requireProblem(http.StatusConflict)
		steps, _ := c.get(path).items()[0]["steps"].([]any)
		require.Len(t, steps, 6)
		require.NotContains(t, c.log.text(), "看错月份")
	})
	t.Run("AreListedByState", func(t *testing.T) {
		require.Len(t, c.get("/v1/referrals?state=granted&partner_id="+partner).items(), 1)
		require.Empty(t, c.get("/v1/referrals?overdue=true").items())
		require.NotContains(t, c.get("/v1/referrals").items()[0], "steps")
		require.Empty(t, c.get("/v1/recipients/"+recipient+"/hints").items())
	})
	t.Run("BarAndLiftTheVillage", func(t *testing.T) {
		c.post("/v1/plans/"+plan+"/bar-village", object{"code": "safety", "reason": ""}).requireProblem(http.StatusUnprocessableEntity, "body.reason")
		require.Equal(t, true, c.post("/v1/plans/"+plan+"/bar-village", object{"code": "safety", "reason": "村干部是亲戚"}).object()["village_barred"])
		naming := object{"primary_contact_id": c.contact.String(), "reason": "x"}
		c.post("/v1/plans/"+plan+"/contacts", naming).requireProblem(http.StatusConflict)
		c.post("/v1/plans/"+plan+"/lift-bar", object{"reason": "x"}).requireProblem(http.StatusForbidden)
		require.Equal(t, false, c.send(c.boss, http.MethodPost, "/v1/plans/"+plan+"/lift-bar", object{"reason": "已核实"}).object()["village_barred"])
		require.Equal(t, http.StatusOK, c.post("/v1/plans/"+plan+"/contacts", naming).status)
	})
	t.Run("ReportOnlyWhatIsAsked", func(t *testing.T) {
		c.post("/v1/tasks/"+plan+"/reports", object{"reports": []object{{"to": "police", "at": "2026-11-24T08:00:00+08:00", "reference": "1"}}}).requireProblem(http.StatusNotFound)
	})
}
