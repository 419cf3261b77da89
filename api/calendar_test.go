package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const notice2027 = `{"$id":"2027.json","year":2027,"papers":["https://www.gov.cn/2027.htm"],"days":[
	{"name":"春节","date":"2027-02-09","isOffDay":true},{"name":"春节","date":"2027-02-20","isOffDay":false},
	{"name":"国庆节","date":"2027-10-01","isOffDay":true}]}`

func TestCalendar(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	asAdmin := func(path, body string) reply {
		return c.send(c.admin, http.MethodPost, path, []byte(body), "Content-Type", "application/json")
	}

	t.Run("ShowsAProvisionalYear", func(t *testing.T) {
		year := c.get("/v1/calendar/2027").object()
		require.Equal(t, false, year["official"])
		require.Len(t, year["days"], 13)
		require.Equal(t, []any{}, year["notices"])
	})
	t.Run("NamesTheProblemsOfTheFileByTheirPath", func(t *testing.T) {
		asAdmin("/v1/calendar/imports", strings.Replace(notice2027, "2027-02-20", "2027-02-22", 1)).
			requireProblem(http.StatusUnprocessableEntity, "body.days[1].isOffDay")
		asAdmin("/v1/calendar/imports", "[]").requireProblem(http.StatusUnprocessableEntity, "body.file")
		c.send(c.admin, http.MethodPost, "/v1/calendar/imports", []byte(notice2027), "Content-Type", "text/csv").
			requireProblem(http.StatusUnsupportedMediaType)
	})
	t.Run("TakesANoticeInAndBack", func(t *testing.T) {
		c.post("/v1/calendar/imports", []byte(notice2027), "Content-Type", "application/json").requireProblem(http.StatusForbidden)
		shown := asAdmin("/v1/calendar/imports?preview=true", notice2027).object()
		require.Equal(t, true, shown["preview"])
		require.NotContains(t, shown, "notice_id")
		require.NotEmpty(t, shown["days"])
		require.Equal(t, false, c.get("/v1/calendar/2027").object()["official"])
		made := asAdmin("/v1/calendar/imports", notice2027).object()
		require.Equal(t, shown["days"], made["days"])
		require.Equal(t, true, c.get("/v1/calendar/2027").object()["official"])
		path := "/v1/calendar/imports/" + made["notice_id"].(string) + "/rollback"
		require.Equal(t, made["check_ins"], asAdmin(path, "").object()["check_ins"])
		asAdmin(path, "").requireProblem(http.StatusConflict)
		require.Equal(t, false, c.get("/v1/calendar/2027").object()["official"])
	})
	t.Run("ClosesAnOfficeAndOpensItAgain", func(t *testing.T) {
		looked := asAdmin("/v1/calendar/closures?preview=true", `{"from":"2026-12-01","name":"x","reason":"weather"}`).object()
		require.Equal(t, true, looked["preview"])
		require.Empty(t, c.get("/v1/calendar/2026").object()["closures"], "a preview keeps nothing")
		made := asAdmin("/v1/calendar/closures", `{"from":"2026-12-01","until":"2026-12-02","name":"暴雪停办公","reason":"weather"}`).object()
		require.Len(t, made["days"], 2)
		closures := c.get("/v1/calendar/2026").object()["closures"].([]any)
		require.Equal(t, "weather", closures[0].(map[string]any)["reason"])
		asAdmin("/v1/calendar/closures/"+made["closure_id"].(string)+"/end", "").object()
		require.Empty(t, c.get("/v1/calendar/2026").object()["closures"])
	})
}
