package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
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
