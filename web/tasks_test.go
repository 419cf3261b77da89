package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/condition"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.send()
	c.reply("好的收到，谢谢")
	b := c.signIn("li")

	body := b.page("/tasks")
	require.Contains(t, words(body), "辨认短信回复")
	require.Contains(t, words(body), "回复中没有可辨认的答复")
	require.Contains(t, words(body), "对方说： 好的收到，谢谢")
	resolve := regexp.MustCompile(`/tasks/[0-9a-f-]{36}/resolve`).FindString(body)
	require.NotEmpty(t, resolve)

	status, body := b.post(resolve, url.Values{"outcome": {"  "}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, words(body), "怎样处理的 必填")

	status, _ = c.signIn("sun").post(resolve, url.Values{"outcome": {"x"}})
	require.Equal(t, http.StatusNotFound, status)

	status, _ = b.post(resolve, url.Values{"outcome": {"已电话核实，平安"}})
	require.Equal(t, http.StatusSeeOther, status)
	said := words(b.page(b.place))
	require.Contains(t, said, "待办已办结")
	require.Contains(t, said, "没有待办")
	status, body = b.post(resolve, url.Values{"outcome": {"再来一次"}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, words(body), "该待办已办结")
}

func TestADoubtedVisitIsASupervisorsToLookInto(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	check := c.step("baseline")
	scores, problems := condition.Parse(map[string]string{"income": "2", "housing": "3"})
	require.Empty(t, problems)
	_, err := c.app.RecordCheckIn(t.Context(), c.actors["li"], check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores})
	require.NoError(t, err)
	page := "/check-ins/" + check.ID.String()
	officer, head := c.signIn("li"), c.signIn("zhao")
	require.NotContains(t, words(officer.page(page)), "请村联系人核实这次走访")
	if body := words(head.page(page)); !strings.Contains(body, "已询问") { // else it was chosen by its id
		require.Contains(t, body, "请村联系人核实这次走访")
		status, _ := head.post(page+"/confirmation", url.Values{})
		require.Equal(t, http.StatusSeeOther, status)
		require.Contains(t, words(head.page(head.place)), "已安排短信，请村联系人核实")
	}
	status, body := head.post(page+"/confirmation", url.Values{})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, words(body), "这次走访已请村里核实过")
	for _, out := range c.send() {
		if _, code, found := strings.Cut(out.Text, "吗?任务"); found {
			c.reply(code[:5] + " 2")
		}
	}
	require.Contains(t, words(head.page(page)), "村里核实 村里说没有来过，由负责人查明")
	require.Contains(t, words(head.page("/recipients/"+c.made.Recipient.String())), "情况 没有来过 来源 村联系人短信")
	require.NotContains(t, words(officer.page("/tasks")), "走访存疑")
	tasks := head.page("/tasks")
	require.Contains(t, words(tasks), "走访存疑 村联系人说这次走访没有来过：请向双方了解并写明结果")
	resolve := regexp.MustCompile(`/tasks/[0-9a-f-]{36}/resolve`).FindString(tasks)
	status, _ = officer.post(resolve, url.Values{"outcome": {"来过"}})
	require.Equal(t, http.StatusForbidden, status)
	status, _ = head.post(resolve, url.Values{"outcome": {"已向双方了解"}})
	require.Equal(t, http.StatusSeeOther, status)
}
