package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRights(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	file := "/v1/recipients/" + recipient

	t.Run("APersonsFileIsHandedOutAsAFileNamedAfterNobody", func(t *testing.T) {
		ask := object{"told": "self", "reason": "本人申请"}
		c.post(file+"/own-file", ask).requireProblem(http.StatusForbidden)
		out := c.send(c.boss, http.MethodPost, file+"/own-file", ask)
		require.Equal(t, http.StatusOK, out.status, out.text)
		require.Regexp(t, `^attachment; filename="own-file-[0-9a-f-]{36}\.json"$`, out.header.Get("Content-Disposition"))
		require.Equal(t, "no-store", out.header.Get("Cache-Control"))
		person, _ := out.object()["person"].(map[string]any)
		require.Equal(t, "马某某", person["name"])
		ask["form"] = "text"
		text := c.send(c.boss, http.MethodPost, file+"/own-file", ask)
		require.Equal(t, "text/plain; charset=utf-8", text.header.Get("Content-Type"))
		require.Contains(t, text.text, "个人档案副本")
		told := c.get(file + "/disclosures").items()
		require.Len(t, told, 2)
		require.Equal(t, "export", told[0]["channel"])
	})

	t.Run("NoticesAndConsentsAreReadBack", func(t *testing.T) {
		require.Equal(t, http.StatusCreated, c.post(file+"/notices", object{"version": "2026-1", "channel": "phone", "given_to": "self"}).status)
		require.Equal(t, http.StatusCreated, c.post(file+"/consents", object{"purpose": "photos", "given_by": "self", "evidence": "签字单"}).status)
		require.Equal(t, http.StatusOK, c.post(file+"/consents/photos/withdraw", object{"given_by": "self", "evidence": "来电"}).status)
		c.post(file+"/consents", object{"purpose": "lottery", "given_by": "self", "evidence": "x"}).requireProblem(http.StatusUnprocessableEntity, "body.purpose")
		grounds := c.get(file + "/grounds").object()
		require.Len(t, grounds["notices"], 1)
		require.Len(t, grounds["consents"], 2)
	})

	t.Run("AFileInCareIsNotErasedAndAHeldOneSaysSo", func(t *testing.T) {
		c.post(file+"/propose-erasure", nil).requireProblem(http.StatusConflict)
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, file+"/hold", object{"reason": "检查"}).status)
		c.send(c.boss, http.MethodPost, file+"/erase", nil).requireProblem(http.StatusConflict)
		require.Empty(t, c.get("/v1/erasures").items())
		require.NotEmpty(t, c.get("/v1/retention").items())
		require.Empty(t, c.send(c.boss, http.MethodGet, "/v1/retention/runs", nil).items())
		made := c.send(c.boss, http.MethodPost, "/v1/retention/recipient_file/versions", object{"keep_months": 120, "basis": "x"})
		require.Equal(t, http.StatusCreated, made.status, made.text)
		c.send(c.boss, http.MethodPost, "/v1/retention/recipient_file/versions/2/approve", nil).requireProblem(http.StatusForbidden)
		require.Equal(t, http.StatusNoContent, c.send(c.admin, http.MethodPost, "/v1/retention/recipient_file/versions/2/approve", nil).status)
	})

	t.Run("AFrozenFileIsReadWithAReason", func(t *testing.T) {
		freeze := object{"ground": "subject_request", "reason": "本人申请"}
		c.send(c.boss, http.MethodPost, file+"/restrict", freeze).requireProblem(http.StatusUnprocessableEntity, "body.review_on")
		freeze["review_on"] = "2027-03-01"
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, file+"/restrict", freeze).status)
		c.get(file + "/history").requireProblem(http.StatusForbidden)
		require.Equal(t, http.StatusOK, c.send(c.boss, http.MethodPost, file+"/open-restricted", object{"reason": "复核"}).status)
		require.Equal(t, http.StatusOK, c.send(c.boss, http.MethodGet, file+"/history", nil).status)
		require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, file+"/lift-restriction", object{"reason": "已核对"}).status)
	})
}
