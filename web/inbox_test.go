package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.send()
	c.reply("好的收到，谢谢")
	b := c.signIn("li")

	body := b.page("/inbox")
	said := words(body)
	for _, text := range []string{"来信", "赵某", "对方说： 好的收到，谢谢", "回复中没有可辨认的答复", "待其答复", "马某某", "是对该任务的答复", "只记入档案", "不是这位联系人的号码", "无须处理"} {
		require.Contains(t, said, text)
	}
	require.NotContains(t, body, "马保国")
	require.NotContains(t, body, contactPhone)
	settle := regexp.MustCompile(`/inbox/[0-9a-f-]{36}/settle`).FindString(body)
	match := regexp.MustCompile(`match:[0-9a-f-]{36}`).FindString(body)
	require.NotEmpty(t, settle)
	require.NotEmpty(t, match)

	status, body := b.post(settle, url.Values{"decision": {match}, "why": {" "}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "处理理由 必填")
	require.Contains(t, body, match+`" checked`)
	status, _ = b.post(settle, url.Values{"why": {"x"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = b.post(settle, url.Values{"decision": {"note:x"}, "why": {"x"}})
	require.Equal(t, http.StatusNotFound, status)

	require.NotContains(t, words(c.signIn("sun").page("/inbox")), "好的收到")
	status, _ = c.signIn("sun").post(settle, url.Values{"decision": {"nothing"}, "why": {"x"}})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = c.signIn("admin").get("/inbox")
	require.Equal(t, http.StatusForbidden, status)

	status, _ = b.post(settle, url.Values{"decision": {match}, "digit": {"1"}, "why": {"电话问过，平安"}})
	require.Equal(t, http.StatusSeeOther, status)
	said = words(b.page(b.place))
	require.Contains(t, said, "来信已处理")
	require.Contains(t, said, "没有待辨认的来信")
	history := words(b.page("/recipients/" + c.made.Recipient.String()))
	require.Contains(t, history, "电话问过，平安")
	require.Contains(t, history, "人工匹配")
	status, body = b.post(settle, url.Values{"decision": {"nothing"}, "why": {"x"}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, words(body), "该回复已处理")
}
