package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/web"
)

func TestPhones(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	b := c.signIn("li")

	t.Run("ShowsWhatArrivedAsABubble", func(t *testing.T) {
		body := b.page("/phones")
		require.Contains(t, words(body), "村联系人 赵某(柿岭村) 尾号 0101")
		require.Contains(t, body, "请查看&lt;b&gt;情况&lt;/b&gt;")
		require.Contains(t, words(body), "2026-11-24 09:00 已送达")
		require.NotContains(t, body, "154000")
		require.NotContains(t, body, `http-equiv="refresh"`)
	})
	t.Run("ComesAgainByItselfOnlyWhenAsked", func(t *testing.T) {
		require.Contains(t, b.page("/phones?auto=1"), `<meta http-equiv="refresh" content="3">`)
	})
	t.Run("RepliesFromThePhone", func(t *testing.T) {
		status, _ := b.post("/phones/0/reply", url.Values{"text": {" 1 "}})
		require.Equal(t, http.StatusSeeOther, status)
		require.Equal(t, []string{"1"}, c.handsets.said[contactPhone])
		body := b.page(b.place)
		require.Contains(t, words(body), "短信已发出")
		require.Less(t, strings.Index(body, `class="bubble out"`), strings.Index(body, `class="bubble in"`), "newest first: the sheet turns it round")
	})
	t.Run("KeepsWhatCouldNotBeSent", func(t *testing.T) {
		for text, why := range map[string]string{"": "必填", strings.Repeat("好", 501): "最多500个字"} {
			status, body := b.post("/phones/0/reply", url.Values{"text": {text}})
			require.Equal(t, http.StatusUnprocessableEntity, status)
			require.Contains(t, words(body), why)
		}
		c.handsets.down = true
		status, body := b.post("/phones/0/reply", url.Values{"text": {"平安"}})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, words(body), "没有发出去")
		require.Contains(t, body, `value="平安"`)
		require.Contains(t, c.logged.String(), "503")
	})
	t.Run("KnowsNoOtherPhone", func(t *testing.T) {
		for _, position := range []string{"1", "-1", "x"} {
			status, _ := b.post("/phones/"+position+"/reply", url.Values{"text": {"1"}})
			require.Equal(t, http.StatusNotFound, status)
		}
	})
	t.Run("IsNotThereOutsideTheDemo", func(t *testing.T) {
		plain := *c
		plain.server = httptest.NewServer(web.Handler(web.Config{Log: c.app, Secure: true}))
		defer plain.server.Close()
		b := plain.signIn("li")
		require.True(t, b.cookie.Secure)
		status, _ := b.get("/phones")
		require.Equal(t, http.StatusNotFound, status)
		require.NotContains(t, b.page("/contacts"), "模拟手机")
	})
}
