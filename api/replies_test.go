package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/notify"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	require.Equal(t, http.StatusOK, c.webhook(notify.TwilioInboundPath, inboundForm("SM1", contactPhone, "啥意思")).status)
	require.NoError(t, c.work.ReceiveReply(t.Context(), c.queue.replies[0]))
	list, _ := c.get("/v1/inbox").object()["items"].([]any)
	require.Len(t, list, 1)
	one, _ := list[0].(map[string]any)
	id, _ := one["inbound_id"].(string)

	t.Run("ShowsWhatWaitsAndWhy", func(t *testing.T) {
		require.Equal(t, "啥意思", one["said"])
		require.Equal(t, "nothing in it was understood as an answer", one["reason"])
		require.Len(t, one["decisions"], 1)
		require.Empty(t, one["suggestions"])
		c.send(c.admin, http.MethodGet, "/v1/inbox", nil).requireProblem(http.StatusForbidden)
	})
	t.Run("SettlesInOneActAndShowsWhatBecameOfIt", func(t *testing.T) {
		c.post("/v1/inbox/"+id+"/settle", object{"decision": "match", "why": "x"}).requireProblem(http.StatusUnprocessableEntity, "body.ask_id", "body.digit")
		require.Equal(t, http.StatusNoContent, c.post("/v1/inbox/"+id+"/settle", object{"decision": "note", "recipient_id": recipient, "why": "已致电问清"}).status)
		c.post("/v1/inbox/"+id+"/settle", object{"decision": "nothing", "why": "x"}).requireProblem(http.StatusConflict)
		require.Empty(t, c.get("/v1/inbox").object()["items"])
		replies, _ := c.get("/v1/recipients/" + recipient + "/replies").object()["items"].([]any)
		require.Len(t, replies, 1)
		heard, _ := replies[0].(map[string]any)
		require.Equal(t, "啥意思", heard["said"])
		decisions, _ := heard["decisions"].([]any)
		require.Len(t, decisions, 2)
		last, _ := decisions[1].(map[string]any)
		require.Equal(t, "noted", last["decision"])
		require.NotEqual(t, carelog.UserID{}.String(), last["decided_by"])
	})
}
