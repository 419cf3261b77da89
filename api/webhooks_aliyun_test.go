package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/notify"
)

const pushSecret = "a-secret-of-the-proxy"

func trustIn(t *testing.T, trust, secret, addresses string) notify.AliyunWebhook {
	t.Helper()
	webhook, err := notify.NewAliyunWebhook(trust, secret, addresses)
	require.NoError(t, err)
	return webhook
}

// push posts a list as Alibaba Cloud would, through the proxy that sets the header.
func (c *county) push(path string, body any) reply {
	c.t.Helper()
	return c.send("", http.MethodPost, path, body, notify.AliyunPushHeader, pushSecret)
}

func (r reply) requireCode(status, code int) {
	r.t.Helper()
	require.Equal(r.t, status, r.status, r.text)
	require.EqualValues(r.t, code, r.object()["code"], r.text)
	require.NotEmpty(r.t, r.object()["msg"])
}

func pushedReply(phone, text string, sequence any) object {
	return object{
		"phone_number": phone, "send_time": "2026-11-24 09:00:00", "content": text,
		"sign_name": "沂源县检察院", "dest_code": "10690001", "sequence_id": sequence,
	}
}

func newAliyunCounty(t *testing.T) *county {
	t.Helper()
	c := newCounty(t)
	_, err := c.work.EnsureLine(t.Context(), carelog.TheSystem(), notify.AliyunName, "沂源县检察院", carelog.OfficeID{})
	require.NoError(t, err)
	return c
}

func TestWebhookAliyunReply(t *testing.T) {
	t.Parallel()
	c := newAliyunCounty(t)
	const path = notify.AliyunReplyPath
	bare := strings.TrimPrefix(contactPhone, "+86")

	t.Run("StoresOnceAndEnqueuesOnce", func(t *testing.T) {
		for range 3 {
			c.push(path, []object{pushedReply(bare, "1", 1234567890123456789), pushedReply(bare, "1", 2)}).requireCode(http.StatusOK, 0)
		}
		c.push(path, []object{pushedReply(bare, "1", 2), pushedReply(bare, "1", 2)}).requireCode(http.StatusOK, 0)
		require.Equal(t, 2, c.count("inbound_messages WHERE carrier = 'aliyun'"))
		require.Equal(t, 1, c.count("inbound_messages WHERE carrier_message_id = '1234567890123456789'"))
		require.Len(t, c.queue.replies, 2)
	})
	t.Run("TellsARepeatWithoutAnIdByWhatItSays", func(t *testing.T) {
		before := c.count("inbound_messages")
		one, other := pushedReply(bare, "2", nil), pushedReply(bare, "2", nil)
		other["send_time"] = "2026-11-24 09:00:01"
		for range 2 {
			c.push(path, []object{one, other}).requireCode(http.StatusOK, 0)
		}
		require.Equal(t, before+2, c.count("inbound_messages"))
		require.Zero(t, c.count("inbound_messages WHERE carrier_message_id LIKE '%"+bare+"%'"))
	})
	t.Run("StoresNothingWithoutTheRightHeader", func(t *testing.T) {
		before := c.count("inbound_messages")
		list := []object{pushedReply(bare, "1", 3)}
		for _, headers := range [][]string{nil, {notify.AliyunPushHeader, ""}, {notify.AliyunPushHeader, pushSecret + "x"}} {
			got := c.send("", http.MethodPost, path, list, headers...)
			got.requireProblem(http.StatusForbidden)
			require.NotContains(t, got.text, pushSecret)
		}
		require.Equal(t, before, c.count("inbound_messages"))
	})
	t.Run("LosesNothingToABadElement", func(t *testing.T) {
		before := c.count("inbound_messages")
		list := `[{"phone_number":"` + bare + `","content":"1","sequence_id":10},{"content":["\u0000` + bare + `"]},7,{"phone_number":"` + bare + `","content":"2","sequence_id":11}]`
		for range 2 {
			c.push(path, list).requireCode(http.StatusOK, 0)
		}
		require.Equal(t, before+4, c.count("inbound_messages"))
		require.Contains(t, c.log.text(), "count=2")
		require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[len(c.queue.replies)-1]))
	})
	t.Run("KeepsAnUnknownSenderForAPerson", func(t *testing.T) {
		before := len(c.get("/v1/tasks").items())
		c.push(path, []object{pushedReply("15400000777", "你好", 4)}).requireCode(http.StatusOK, 0)
		require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[len(c.queue.replies)-1]))
		tasks := c.get("/v1/tasks").items()
		require.Len(t, tasks, before+1)
		require.Equal(t, "你好", tasks[len(tasks)-1]["said"])
	})
	t.Run("TakesAStopWord", func(t *testing.T) {
		c.push(path, []object{pushedReply(bare, "退订", 5)}).requireCode(http.StatusOK, 0)
		require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[len(c.queue.replies)-1]))
		require.Equal(t, true, c.get("/v1/contacts").items()[0]["opted_out"])
	})
	t.Run("RefusesWhatIsNoListOrTooLarge", func(t *testing.T) {
		before := c.count("inbound_messages")
		c.push(path, pushedReply(bare, "1", 6)).requireCode(http.StatusBadRequest, 2)
		c.push(path, "").requireCode(http.StatusBadRequest, 2)
		c.push(path, []object{pushedReply(bare, strings.Repeat("x", 257<<10), 7)}).requireProblem(http.StatusRequestEntityTooLarge)
		c.send("", http.MethodGet, path, nil).requireProblem(http.StatusMethodNotAllowed)
		require.Equal(t, before, c.count("inbound_messages"))
	})
	t.Run("TakesAFullPush", func(t *testing.T) {
		before := c.count("inbound_messages")
		var list []object
		for i := range 100 {
			list = append(list, pushedReply(bare, "1", 1000+i))
		}
		c.push(path, list).requireCode(http.StatusOK, 0)
		require.Equal(t, before+100, c.count("inbound_messages"))
	})
	t.Run("AsksForItAgainWhenItCannotBeStored", func(t *testing.T) {
		c.app.Close()
		got := c.push(path, []object{pushedReply(bare, "1", 8)})
		got.requireCode(http.StatusServiceUnavailable, 1)
		require.NotContains(t, got.text, "pool")
	})
	t.Run("LogsNobodysNumber", func(t *testing.T) {
		for _, private := range []string{bare, "15400000777", "退订", pushSecret} {
			require.NotContains(t, c.log.text(), private)
		}
	})
}

func TestWebhookAliyunReport(t *testing.T) {
	t.Parallel()
	c := newAliyunCounty(t)
	const path = notify.AliyunReportPath
	ours := "0190a1b2-0000-7000-8000-000000000001"
	report := func(biz string, success any, code string) object {
		return object{
			"phone_number": "15400000101", "send_time": "2026-11-24 09:00:00", "report_time": "2026-11-24 09:00:05", "success": success,
			"err_code": code, "err_msg": "用户接收成功", "sms_size": "1", "biz_id": biz, "out_id": ours,
		}
	}
	t.Run("StoresEachOnceWithOurId", func(t *testing.T) {
		for range 2 {
			c.push(path, []object{report("9006^0", true, "DELIVERED"), report("9007^0", false, "MOBILE_IN_BLACK"), report("9006^0", true, "DELIVERED")}).
				requireCode(http.StatusOK, 0)
		}
		require.Equal(t, 2, c.count("delivery_reports"))
		require.Equal(t, 1, c.count("delivery_reports WHERE carrier = 'aliyun' AND delivery = 'delivered' AND class = '' AND message_id = '"+ours+"'"))
		require.Equal(t, 1, c.count("delivery_reports WHERE delivery = 'undelivered' AND class = 'opted_out' AND error_code = 'MOBILE_IN_BLACK'"))
	})
	t.Run("LosesNothingToABadElement", func(t *testing.T) {
		unnamed, foreign := report("9008^0", true, "DELIVERED"), report("no word", true, "DELIVERED")
		unnamed["out_id"] = "somebody else's"
		c.push(path, []any{foreign, 7, object{}, unnamed}).requireCode(http.StatusOK, 0)
		require.Equal(t, 1, c.count("delivery_reports WHERE carrier_message_id = '9008^0' AND message_id IS NULL"))
		require.Equal(t, 3, c.count("delivery_reports"))
		require.Contains(t, c.log.text(), "count=3")
	})
	t.Run("StoresNothingWithoutTheRightHeader", func(t *testing.T) {
		c.send("", http.MethodPost, path, []object{report("9009^0", true, "DELIVERED")}).requireProblem(http.StatusForbidden)
		require.Equal(t, 3, c.count("delivery_reports"))
	})
	t.Run("AsksForItAgainWhenItCannotBeStored", func(t *testing.T) {
		c.app.Close()
		c.push(path, []object{report("9010^0", true, "DELIVERED")}).requireCode(http.StatusServiceUnavailable, 1)
	})
}

func TestWebhookAliyunTrustsWhatIsNamed(t *testing.T) {
	t.Parallel()
	status := func(webhook notify.AliyunWebhook, peer string, headers ...string) int {
		r := httptest.NewRequest(http.MethodPost, notify.AliyunReplyPath, strings.NewReader("{}")) // no list: nothing to store
		r.RemoteAddr = peer
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		api.Handler(api.Config{Aliyun: webhook}).ServeHTTP(w, r)
		return w.Code
	}
	byAddress := trustIn(t, "addresses", "", "203.0.113.0/24")
	require.Equal(t, http.StatusBadRequest, status(byAddress, "203.0.113.7:9"), "let in, and no list")
	require.Equal(t, http.StatusForbidden, status(byAddress, "198.51.100.1:9"))
	require.Equal(t, http.StatusForbidden, status(byAddress, "198.51.100.1:9", "X-Forwarded-For", "203.0.113.7", notify.AliyunPushHeader, pushSecret))
	for _, webhook := range []notify.AliyunWebhook{{}, trustIn(t, "pull", "", "")} {
		require.Equal(t, http.StatusNotFound, status(webhook, "203.0.113.7:9"), "nothing is mounted")
	}
}
