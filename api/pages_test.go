package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// walk follows a list to its end by its links and returns what it saw of a field.
func (c *county) walk(path, field string) []string {
	c.t.Helper()
	var seen []string
	for range 100 {
		got := c.get(path)
		for _, item := range got.items() {
			seen = append(seen, fmt.Sprint(item[field]))
		}
		next, _ := got.object()["next_cursor"].(string)
		link := got.header.Get("Link")
		if next == "" {
			require.Empty(c.t, link)
			return seen
		}
		require.True(c.t, strings.HasSuffix(link, `>; rel="next"`), link)
		path = strings.TrimPrefix(strings.TrimSuffix(link, `>; rel="next"`), "<")
		require.Contains(c.t, path, next)
	}
	require.Fail(c.t, "the list has no end")
	return nil
}

func TestLists(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	c.enrol("YY-2")
	for i := range 5 {
		made := c.post("/v1/contacts", object{
			"name": "钱某", "phone": fmt.Sprintf("1540000030%d", i), "role": "grid_worker",
			"villages": []object{{"township": "南麻街道", "name": "柿岭村"}},
		})
		require.Equal(t, http.StatusCreated, made.status, made.text)
	}

	lists := map[string]struct{ path, field, table string }{
		"CheckIns":  {"/v1/check-ins?limit=2", "check_in_id", "check_ins"},
		"OneFile":   {"/v1/check-ins?limit=1&standing=open&recipient_id=" + recipient, "check_in_id", "check_ins WHERE state = 'planned' AND recipient_id = '" + recipient + "'"},
		"Mine":      {"/v1/check-ins?mine=true", "check_in_id", "check_ins"},
		"Messages":  {"/v1/messages?limit=3", "message_id", "messages"},
		"Contacts":  {"/v1/contacts?limit=2", "contact_id", "village_contacts"},
		"History":   {"/v1/recipients/" + recipient + "/history?limit=1", "seq", "history WHERE recipient_id = '" + recipient + "'"},
		"WholePage": {"/v1/contacts?limit=6", "contact_id", "village_contacts"},
	}
	for name, list := range lists {
		t.Run("WalkEverythingOnce"+name, func(t *testing.T) {
			seen := c.walk(list.path, list.field)
			unique := map[string]bool{}
			for _, id := range seen {
				unique[id] = true
			}
			require.Len(t, unique, len(seen), "a row is shown twice")
			require.Equal(t, c.count(list.table), len(seen))
		})
	}
	t.Run("RefuseACursorOfAnotherList", func(t *testing.T) {
		cursor, _ := c.get("/v1/contacts?limit=2").object()["next_cursor"].(string)
		for _, path := range []string{"/v1/messages", "/v1/check-ins", "/v1/recipients/" + recipient + "/history"} {
			c.get(path+"?cursor="+cursor).requireProblem(http.StatusUnprocessableEntity, "query.cursor")
		}
		c.get("/v1/tasks?cursor=secret-sauce").requireProblem(http.StatusUnprocessableEntity, "query.cursor")
	})
	t.Run("KeepToTheirLimits", func(t *testing.T) {
		for _, limit := range []string{"0", "201", "many"} {
			c.get("/v1/contacts?limit="+limit).requireProblem(http.StatusUnprocessableEntity, "query.limit")
		}
		c.get("/v1/check-ins?standing=sideways").requireProblem(http.StatusUnprocessableEntity, "query.standing")
	})
}
