package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestWordings(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	_, err := c.work.EnsureWordings(t.Context(), carelog.TheSystem())
	require.NoError(t, err)
	const text = "【{office}】烦请到{alias}看一看,任务{code},{due}前。看后回复{code} 1平安 2有困难 3没见到。可问经办人"

	t.Run("AreSavedByOneAndPutInForceByAnother", func(t *testing.T) {
		saved := c.send(c.admin, http.MethodPost, "/v1/wordings/village_request/versions", object{"text": text})
		require.Equal(t, http.StatusCreated, saved.status, saved.text)
		require.EqualValues(t, 2, saved.object()["version"])
		require.Equal(t, "draft", saved.object()["state"])
		const version = "/v1/wordings/village_request/zh/versions/2"
		c.send(c.admin, http.MethodPost, version+"/put-in-force", nil).requireProblem(http.StatusForbidden)
		noted := c.send(c.admin, http.MethodPost, version+"/approvals", object{"carrier": "aliyun", "state": "approved", "template_id": "SMS_1"})
		require.Equal(t, http.StatusOK, noted.status, noted.text)
		c.send(c.admin, http.MethodPost, version+"/approvals", object{"carrier": "aliyun", "state": "approved"}).requireProblem(http.StatusUnprocessableEntity, "body.template_id")
		for _, item := range c.send(c.admin, http.MethodGet, "/v1/wordings", nil).items() {
			if item["key"] == "village_request" && item["version"] == 2.0 {
				require.Len(t, item["approvals"], 1)
				return
			}
		}
		t.Fatal("the version is not in the list")
	})
	t.Run("TellEveryFieldThatIsWrong", func(t *testing.T) {
		c.send(c.admin, http.MethodPost, "/v1/wordings/village_request/versions", object{"text": "请看低保户{x}", "language": "Chinese"}).
			requireProblem(http.StatusUnprocessableEntity, "body.language", "body.text", "body.text", "body.text", "body.text", "body.text")
		c.send(c.admin, http.MethodPost, "/v1/wordings/lottery/versions", object{"text": text}).requireProblem(http.StatusUnprocessableEntity, "body.key")
	})
	t.Run("GoOverTheLineAnOfficeChooses", func(t *testing.T) {
		office := c.send(c.admin, http.MethodGet, "/v1/me", nil).object()["office_id"].(string)
		routes := "/v1/offices/" + office + "/routes"
		read := c.send(c.admin, http.MethodGet, routes, nil)
		require.Equal(t, http.StatusOK, read.status, read.text)
		lines, _ := read.object()["lines"].([]any)
		require.NotEmpty(t, lines)
		line := lines[0].(map[string]any)["line_id"]
		set := c.send(c.admin, http.MethodPost, routes, object{"country": "+86", "line_id": line})
		require.Equal(t, http.StatusNoContent, set.status, set.text)
		found, _ := c.send(c.admin, http.MethodGet, routes, nil).object()["routes"].([]any)
		require.Len(t, found, 1)
		require.Equal(t, false, found[0].(map[string]any)["heard"], "Twilio does not hear the mainland")
		c.send(c.admin, http.MethodPost, routes, object{"country": "mars", "line_id": line}).requireProblem(http.StatusUnprocessableEntity, "body.country")
		ended := c.send(c.admin, http.MethodPost, routes, object{"country": "+86"})
		require.Equal(t, http.StatusNoContent, ended.status, ended.text)
	})
}
