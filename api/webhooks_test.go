package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/notify"
)

func inboundForm(sid, from, text string) url.Values {
	return url.Values{"MessageSid": {sid}, "From": {from}, "To": {lineNumber}, "Body": {text}, "FieldOfTomorrow": {"x"}}
}

func TestTwilioInbound(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	const path = notify.TwilioInboundPath

	t.Run("StoresOnceAndEnqueuesOnce", func(t *testing.T) {
		for range 3 {
			got := c.webhook(path, inboundForm("SM1", contactPhone, "1"))
			require.Equal(t, http.StatusOK, got.status, got.text)
			require.Equal(t, "<Response/>", got.text)
			require.Contains(t, got.header.Get("Content-Type"), "text/xml")
		}
		require.Equal(t, 1, c.count("inbound_messages"))
		require.Len(t, c.queue.replies, 1)
	})
	t.Run("StoresNothingWithoutTheRightSignature", func(t *testing.T) {
		form := inboundForm("SM2", contactPhone, "1")
		other := notify.Sign("another-token", publicURL+path, form)
		for _, signature := range []string{"", "secret-sauce", other} {
			got := c.webhook(path, form, signature)
			got.requireProblem(http.StatusForbidden)
			require.NotContains(t, got.text, "SM2")
		}
		changed := inboundForm("SM2", contactPhone, "4")
		c.webhook(path, changed, notify.Sign(authToken, publicURL+path, form)).requireProblem(http.StatusForbidden)
		c.webhook(path+"?x=1", form, notify.Sign(authToken, publicURL+path, form)).requireProblem(http.StatusForbidden)
		require.Equal(t, 1, c.count("inbound_messages"))
	})
	t.Run("NamesAMissingFieldToWhoCanSign", func(t *testing.T) {
		for _, field := range []string{"MessageSid", "From"} {
			form := inboundForm("SM3", contactPhone, "1")
			form.Del(field)
			require.Contains(t, c.webhook(path, form).requireProblem(http.StatusBadRequest)["detail"], field)
			c.webhook(path, form, "secret-sauce").requireProblem(http.StatusForbidden)
		}
		c.webhook(path, inboundForm("SM 3\x00", contactPhone, "1")).requireProblem(http.StatusBadRequest)
		require.Equal(t, 1, c.count("inbound_messages"))
	})
	t.Run("KeepsAnUnknownSenderForAPerson", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.webhook(path, inboundForm("SM4", "+8615400000777", "你好")).status)
		require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[len(c.queue.replies)-1]))
		tasks := c.get("/v1/tasks").items()
		require.Len(t, tasks, 1)
		require.Equal(t, "你好", tasks[0]["said"])
		task, _ := tasks[0]["task_id"].(string)
		c.post("/v1/tasks/"+task+"/resolve", object{"outcome": " "}).requireProblem(http.StatusUnprocessableEntity, "body.outcome")
		require.Equal(t, http.StatusNoContent, c.post("/v1/tasks/"+task+"/resolve", object{"outcome": "打错了"}).status)
		c.post("/v1/tasks/"+task+"/resolve", object{"outcome": "打错了"}).requireProblem(http.StatusConflict)
		require.Empty(t, c.get("/v1/tasks").items())
	})
	t.Run("TakesAStopWord", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.webhook(path, inboundForm("SM5", contactPhone, "退订")).status)
		require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[len(c.queue.replies)-1]))
		require.Equal(t, true, c.get("/v1/contacts").items()[0]["opted_out"])
	})
	t.Run("RefusesWhatIsNoForm", func(t *testing.T) {
		c.send("", http.MethodPost, path, object{"From": "x"}).requireProblem(http.StatusUnsupportedMediaType)
		c.send("", http.MethodGet, path, nil).requireProblem(http.StatusMethodNotAllowed)
		c.webhook(path, inboundForm("SM6", contactPhone, strings.Repeat("x", 65<<10))).requireProblem(http.StatusRequestEntityTooLarge)
	})
	t.Run("AsksForItAgainWhenItCannotBeStored", func(t *testing.T) {
		c.app.Close()
		got := c.webhook(path, inboundForm("SM7", contactPhone, "1"))
		got.requireProblem(http.StatusServiceUnavailable)
		require.NotContains(t, got.text, "pool")
		require.NotEmpty(t, got.header.Get("Retry-After"))
	})
	t.Run("LogsNobodysNumber", func(t *testing.T) {
		require.NotContains(t, c.log.text(), contactPhone[1:])
		require.NotContains(t, c.log.text(), "退订")
	})
}

func TestTwilioStatus(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	const path = notify.TwilioStatusPath + "?m=0190a1b2-0000-7000-8000-000000000001"
	form := func(sid, status string) url.Values { return url.Values{"MessageSid": {sid}, "MessageStatus": {status}} }

	t.Run("StoresEachStatusOnce", func(t *testing.T) {
		for _, status := range []string{"sent", "delivered", "sent", "delivered"} {
			got := c.webhook(path, form("SM1", status))
			require.Equal(t, http.StatusNoContent, got.status, got.text)
		}
		require.Equal(t, 2, c.count("delivery_reports"))
	})
	t.Run("StoresAStatusNobodyKnows", func(t *testing.T) {
		require.Equal(t, http.StatusNoContent, c.webhook(path, form("SM2", "teleported")).status)
		require.Equal(t, 1, c.count("delivery_reports WHERE status = 'teleported' AND delivery = ''"))
	})
	t.Run("StoresWhatAnErrorCodeMeans", func(t *testing.T) {
		failed := form("SM3", "undelivered")
		failed.Set("ErrorCode", "30005")
		require.Equal(t, http.StatusNoContent, c.webhook(path, failed).status)
		require.Equal(t, 1, c.count("delivery_reports WHERE error_code = '30005' AND class = 'unreachable' AND delivery = 'undelivered'"))
	})
	t.Run("StoresNothingWithoutTheRightSignature", func(t *testing.T) {
		before := c.count("delivery_reports")
		for _, signature := range []string{"", "secret-sauce", notify.Sign(authToken, publicURL+notify.TwilioStatusPath, form("SM4", "sent"))} {
			c.webhook(path, form("SM4", "sent"), signature).requireProblem(http.StatusForbidden)
		}
		require.Equal(t, before, c.count("delivery_reports"))
	})
	t.Run("NamesAMissingField", func(t *testing.T) {
		require.Contains(t, c.webhook(path, form("", "sent")).requireProblem(http.StatusBadRequest)["detail"], "MessageSid")
		require.Contains(t, c.webhook(path, form("SM5", "")).requireProblem(http.StatusBadRequest)["detail"], "MessageStatus")
	})
	t.Run("AsksForItAgainWhenItCannotBeStored", func(t *testing.T) {
		c.app.Close()
		c.webhook(path, form("SM6", "sent")).requireProblem(http.StatusServiceUnavailable)
	})
}
