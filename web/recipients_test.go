package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestCareHistory(t *testing.T) {
	t.Parallel()

	t.Run("TellsAReplyAsASignalWithItsSource", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.NotEmpty(t, c.send())
		c.reply("2")
		b := c.signIn("zhao")
		said := words(b.page("/recipients/" + c.made.Recipient.String()))
		for _, word := range []string{
			"村联系人回复", "· 村联系人 ", "情况 有困难 来源 村联系人短信 匹配依据 该号码仅有的一个待答复询问",
			"发出预警", "级别 黄色 规则 村联系人反映有困难（R8）", "转为待办", "待办 电话联系家庭",
		} {
			require.Contains(t, said, word)
		}
	})
	t.Run("GoesOnPageByPage", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for i := range 60 {
			_, err := c.app.NoteContact(t.Context(), c.actors["li"], c.made.Recipient, carelog.UnplannedContact{Kind: "walk_in", Note: "第" + strconv.Itoa(i) + "次来访"})
			require.NoError(t, err)
		}
		b := c.signIn("li")
		recipient := "/recipients/" + c.made.Recipient.String()
		newest := b.page(recipient)
		require.Contains(t, words(newest), "第59次来访")
		require.NotContains(t, words(newest), "第5次来访")
		require.Contains(t, newest, "?before=")
		older := b.page(recipient + "?before=14")
		require.Contains(t, words(older), "第5次来访")
		require.Contains(t, words(older), "建立照护档案")
		require.NotContains(t, older, "?before=")
	})
}

// fit lets the plan pass the exit rule: a year of care, two visits that were well.
func (c *county) fit() {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.t.Context())
	_, err = conn.Exec(c.t.Context(), "UPDATE care_plans SET started_on = started_on - 400")
	require.NoError(c.t, err)
	_, err = conn.Exec(c.t.Context(), `WITH about AS (SELECT id, recipient_id FROM check_ins ORDER BY id LIMIT 1),
		record AS (INSERT INTO check_in_records (id, check_in_id, recipient_id, kind, outcome, occurred_at, recorded_at, late)
			SELECT gen_random_uuid(), id, recipient_id, 'home', 'reached', $1, $1, false FROM about RETURNING id)
		INSERT INTO assessments (id, recipient_id, check_in_id, record_id, kind, occurred_at, recorded_at, scores, index, complete, counts)
		SELECT gen_random_uuid(), about.recipient_id, about.id, record.id, 'home', $1::timestamptz - n * interval '90 days', $1, array_fill(3::smallint, ARRAY[10]), 75, true, true
		FROM about, record, generate_series(1, 2) AS n`, tuesday)
	require.NoError(c.t, err)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient := "/recipients/" + c.made.Recipient.String()
	officer, supervisor := c.signIn("li"), c.signIn("zhao")

	status, body := officer.post(recipient+"/plan/pause", url.Values{"reason": {"外出打工"}, "review_on": {"2026-11-20"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "复查日期 日期已过")
	require.Contains(t, body, "外出打工</textarea>")

	status, _ = officer.post(recipient+"/plan/pause", url.Values{"reason": {"外出打工"}, "review_on": {"2026-12-21"}})
	require.Equal(t, http.StatusSeeOther, status)
	said := words(officer.page(officer.place))
	require.Contains(t, said, "已暂停")
	require.Contains(t, said, "说明 由承办人暂停")
	require.Contains(t, said, "缘由 外出打工")
	require.Contains(t, said, "方案已暂停", "what was planned says why it is not to be")

	status, _ = officer.post(recipient+"/plan/start", url.Values{"once": {"s1"}})
	require.Equal(t, http.StatusSeeOther, status)
	status, body = officer.post(recipient+"/plan/start", url.Values{"once": {"s2"}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, words(body), "方案进行中，不能启动")

	status, body = officer.post(recipient+"/plan/close", url.Values{"seen": {"active"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "理由 必填")
	status, body = officer.post(recipient+"/plan/close", url.Values{"seen": {"active"}, "reason": {"生活已稳定"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "照护须满12个月")
	require.Contains(t, words(body), "尚无有效评分")
	c.fit()
	status, _ = officer.post(recipient+"/plan/close", url.Values{"seen": {"active"}, "reason": {"生活已稳定"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(officer.page(officer.place)), "待批准结案")

	status, body = supervisor.post(recipient+"/plan/close", url.Values{"seen": {"active"}, "reason": {"生活已稳定"}})
	require.Equal(t, http.StatusConflict, status, "nobody approves what they have not seen proposed")
	require.Contains(t, words(body), "方案已有变化")
	status, _ = supervisor.post(recipient+"/plan/reject", url.Values{"reason": {"再看看"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(supervisor.page(supervisor.place)), "进行中")
	status, _ = officer.post(recipient+"/plan/close", url.Values{"seen": {"active"}, "reason": {"确已稳定"}})
	require.Equal(t, http.StatusSeeOther, status)
	status, _ = officer.post(recipient+"/plan/close", url.Values{"seen": {"closing"}, "reason": {"同意"}})
	require.Equal(t, http.StatusForbidden, status)
	status, _ = supervisor.post(recipient+"/plan/close", url.Values{"seen": {"closing"}, "reason": {"同意"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(supervisor.page(supervisor.place)), "已结案")

	status, body = officer.post(recipient+"/plan/reopen", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "理由 必填")
	status, _ = officer.post(recipient+"/plan/reopen", url.Values{"reason": {"再次受伤"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(officer.page(officer.place)), "重新启动照护方案")
}
