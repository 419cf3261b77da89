package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestRecording(t *testing.T) {
	t.Parallel()

	t.Run("PutsACallIntoTheHistory", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("month-6-phone").ID.String()
		form := b.page(check)
		require.NotContains(t, form, "scores.housing", "a call cannot see the house")
		require.NotContains(t, form, "scores.care")
		require.Contains(t, words(form), "吃不上饭，或没有当季的衣物、燃料")
		status, _ := b.post(check+"/record", url.Values{
			"outcome": {"reached"}, "informant": {"self"}, "receipt": {"full"}, "use_of_money": {"看病"}, "needs": {"想找\r\n份活"},
			"scores.income": {"1"}, "scores.basic_needs": {"2"}, "occurred_at": {"2026-11-24T08:15"}, "once": {"k1"},
		})
		require.Equal(t, http.StatusSeeOther, status)
		require.Equal(t, "/recipients/"+c.made.Recipient.String()+"?did=recorded", b.place)
		said := words(b.page(b.place))
		for _, word := range []string{
			"已记入档案", "完成回访", "2026-11-24 08:15", "· 我 ·", "结果 见到或联系到本人", "说明人 本人", "救助金 足额收到", "救助金用途 看病", "想找 份活",
			"生活状况指数 38", "评分不完整", "仅作基线", "收入和债务 1 收入低于低保线，为生活新借债", "住房和用水 N 未观察",
		} {
			require.Contains(t, said, word)
		}
		require.Contains(t, words(b.page(check)), "这次回访已了结")
		require.Contains(t, words(c.signIn("zhao").page("/recipients/"+c.made.Recipient.String())), "· 工作人员 ")
	})
	t.Run("PutsAVisitInFullIntoTheHistory", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("baseline").ID.String()
		typed := url.Values{
			"outcome": {"reached"}, "informant": {"self"}, "scores.housing": {"2"}, "evidence.housing": {"observed"}, "officers": {"li nobody"},
			"occurred_at": {"2026-11-24T08:00"}, "ended_at": {"2026-11-24T08:50"}, "flags.fund_seizure": {"1"}, "schooling": {"长子：初二，常缺课\r\n次女：小学"},
			"uses[0].category": {"medical"}, "uses[0].amount_fen": {"1200.50"}, "uses[0].evidence": {"document"}, "uses[0].balance_fen": {"多"}, "legal": {"执行未到位"},
			"satisfaction": {"4"}, "confirmed": {"oral"}, "place": {"home"},
		}
		status, body := b.post(check+"/record", typed)
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, words(body), "救助金使用明细 余额（元） 不是金额")
		require.Contains(t, body, "长子：初二")
		typed.Set("uses[0].balance_fen", "3800")
		_, body = b.post(check+"/record", typed)
		require.Contains(t, words(body), "走访人 不是本单位承办人的登录名")
		typed.Set("officers", "li")
		status, _ = b.post(check+"/record", typed)
		require.Equal(t, http.StatusSeeOther, status)
		said := words(b.page(b.place))
		for _, word := range []string{
			"安全警示 救助金被侵占", "救助金使用明细 看病 1200.50元 有凭证 余额3800元", "子女就学 长子 初二，常缺课、次女 小学", "法律事务 执行未到位", "满意度 4", "本人确认 口头", "地点 家中",
		} {
			require.Contains(t, said, word)
		}
	})
	t.Run("KeepsWhatWasTypedAndNamesTheField", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("baseline").ID.String()
		status, body := b.post(check+"/record", url.Values{"outcome": {"reached"}, "informant": {"guardian"}, "needs": {"<想搬家>"}, "next_try_on": {"2026-11-01"}})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		said := words(body)
		require.Contains(t, said, "请更正以下内容")
		require.Contains(t, said, "生活状况评分 见到本人的评分回访必须填写各项评分")
		require.Contains(t, said, "下次尝试日期 日期已过")
		require.Contains(t, body, `href="#record-next_try_on"`)
		require.Contains(t, body, "&lt;想搬家&gt;</textarea>")
		require.Contains(t, body, `value="guardian" checked`)
		require.Contains(t, body, `value="reached" checked`)
		require.Contains(t, body, `value="2026-11-01"`)
	})
	t.Run("NamesADateAndAScoreItCannotRead", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		status, body := b.post("/check-ins/"+c.step("baseline").ID.String()+"/record", url.Values{
			"outcome": {"reached"}, "occurred_at": {"gestern"}, "next_try_on": {"bald"}, "scores.housing": {"7"}, "scores.health": {"3"},
		})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, words(body), "住房和用水 评分只能是")
		require.Contains(t, words(body), "不是日期和时间")
		require.Contains(t, body, `name="scores.health" value="3" checked`)
	})
	t.Run("CountsAFormSentTwiceOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("month-6-phone").ID.String()
		for range 2 {
			status, _ := b.post(check+"/record", url.Values{"outcome": {"no_answer"}, "once": {"k2"}})
			require.Equal(t, http.StatusSeeOther, status)
		}
		require.Contains(t, words(b.page(b.place)), "任务仍未完成")
		history := words(b.page("/recipients/" + c.made.Recipient.String()))
		require.Equal(t, 1, strings.Count(history, "回访未见到本人"))
		status, body := b.post(check+"/record", url.Values{"outcome": {"away"}, "once": {"k2"}})
		require.Equal(t, http.StatusConflict, status)
		require.Contains(t, body, "这张表已提交过")
	})
	t.Run("IsForOfficersOnly", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("zhao")
		check := "/check-ins/" + c.step("month-6-phone").ID.String()
		require.NotContains(t, b.page(check), "记录本次回访")
		status, body := b.post(check+"/record", url.Values{"outcome": {"reached"}})
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, words(body), "您的角色无权办理")
	})
	t.Run("TakesAVillageAnswerGivenByPhone", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("month-6-village").ID.String()
		status, body := b.post(check+"/answer", url.Values{"note": {"没说清"}})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, words(body), "答复 不在可选范围内")
		require.Contains(t, body, "没说清</textarea>")
		status, _ = b.post(check+"/answer", url.Values{"digit": {"1"}, "note": {"在家"}})
		require.Equal(t, http.StatusSeeOther, status)
		require.Contains(t, words(b.page(b.place)), "情况 平安，生活正常 来源 村联系人电话")
	})
	t.Run("OffersNoChoiceTheCareLogRefuses", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		b := c.signIn("li")
		check := "/check-ins/" + c.step("month-9").ID.String()
		form := b.page(check)
		for _, field := range []string{"outcome", "informant", "receipt", "demands"} {
			for _, value := range choices(form, field) {
				wrong := url.Values{"outcome": {"refused"}, "next_try_on": {"2026-11-01"}}
				wrong.Set(field, value)
				_, body := b.post(check+"/record", wrong)
				require.Contains(t, words(body), "日期已过")
				require.NotContains(t, words(body), "不在可选范围内", field+" "+value)
			}
		}
	})
}

// choices is the values of a page's radio buttons of one name.
func choices(body, name string) []string {
	var found []string
	for _, part := range strings.Split(body, `name="`+name+`" value="`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		found = append(found, value)
	}
	return found
}

func TestRescheduling(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	b := c.signIn("zhao")
	check := "/check-ins/" + c.step("month-6-phone").ID.String()

	status, body := b.post(check+"/reschedule", url.Values{"due": {"2026-12-05"}, "reason": {"承办人出差"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "不是工作日,请选择 2026-12-07")
	require.Contains(t, body, `value="2026-12-05"`)
	require.Contains(t, body, "承办人出差</textarea>")

	status, body = b.post(check+"/reschedule", url.Values{"due": {"soon"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "不是日期")

	status, _ = b.post(check+"/reschedule", url.Values{"due": {"2026-12-07"}, "reason": {"承办人出差"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, words(b.page(b.place)), "已改期")
	said := words(b.page("/recipients/" + c.made.Recipient.String()))
	require.Contains(t, said, "回访改期")
	require.Contains(t, said, "新到期日 2026-12-07 周一 缘由 承办人出差")
}

func TestOverdueList(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	check := c.step("month-6-phone")
	c.clock.set(check.Due.AddDays(5).At(9, 0))
	_, err := c.work.MarkOverdue(t.Context(), 100)
	require.NoError(t, err)
	b := c.signIn("li")
	said := words(b.page("/?list=overdue&whose=mine&due=2026-01-01&after=" + carelog.CheckInID{1}.String()))
	require.Contains(t, said, "我承办的 · 已逾期 2")
	require.Contains(t, said, check.Due.String())
	require.NotContains(t, said, "未到期")
}
