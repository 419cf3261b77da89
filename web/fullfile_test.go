package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/migrations/pgtest"
)

func TestFullFile(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	full := "/recipients/" + c.made.Recipient.String() + "/full"
	b := c.signIn("li")
	require.NotContains(t, b.page(full), `id="full"`, "a link shows nothing yet")

	status, body := b.post(full, url.Values{"purpose": {"phone_call"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "必填")
	require.NotContains(t, body, `id="full"`)

	status, body = b.post(full, url.Values{"purpose": {"phone_call"}, "reason": {"约定时间"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `id="full"`)
	require.Contains(t, body, `href="tel:`)
	require.Contains(t, words(b.page("/recipients/"+c.made.Recipient.String())), "查看完整信息")

	status, _ = b.post("/recipients/"+c.made.Recipient.String()+"/openings", url.Values{"days": {"7"}, "reason": {"协助入学"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.NotContains(t, words(b.page(full)), "不同意", "who asks decides nothing about it")
	boss := c.signIn("zhao")
	require.Contains(t, words(boss.page("/tasks")), "查看未成年人档案")
	page := boss.page(full)
	require.Contains(t, words(page), "协助入学")
	var opening string
	require.NoError(t, pgtest.Pool(t, c.db.Work).QueryRow(t.Context(), "SELECT id::text FROM minor_openings").Scan(&opening))
	status, _ = boss.post("/recipients/"+c.made.Recipient.String()+"/openings/"+opening, url.Values{"decision": {"approve"}, "reason": {"同意"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(b.page(full)), "已同意")
}
