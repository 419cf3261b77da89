package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// scratch is a directory an unprivileged server may enter.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aftercare-demo-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// stderr has what the process logs written to a file until the returned func reads it.
func stderr(t *testing.T) (logged func() []byte) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	before := os.Stderr
	os.Stderr = file
	restore := sync.OnceFunc(func() { os.Stderr = before })
	t.Cleanup(restore)
	return func() []byte {
		restore()
		require.NoError(t, file.Close())
		body, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		return body
	}
}

// demoAt runs the demo on a clock until visit returns.
func demoAt(t *testing.T, dir, at string, visit func(base, token string)) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	listening, ended := make(chan string, 1), make(chan error, 1)
	var out strings.Builder
	go func() {
		ended <- run(ctx, []string{"demo", "--at", at, "--data-dir", dir, "--listen", "127.0.0.1:0"}, &out, func(c *commands) {
			c.Demo.listening = func(addr string) { listening <- addr }
		})
	}()
	select {
	case addr := <-listening:
		_, after, found := strings.Cut(out.String(), "login li ")
		require.True(t, found)
		_, after, found = strings.Cut(after, "access token ")
		require.True(t, found)
		visit("http://"+addr, strings.Fields(after)[0])
	case err := <-ended:
		require.NoError(t, err)
	}
	cancel()
	require.NoError(t, <-ended)
	return out.String()
}

func get(t *testing.T, base, token, path string) []map[string]any {
	t.Helper()
	var out map[string]any
	decode(t, base, token, path, &out)
	return items(out)
}

func decode(t *testing.T, base, token, path string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}

func scrape(t *testing.T, base string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(raw)
}

func TestDemo(t *testing.T) {
	t.Setenv("AFTERCARE_DATABASE_URL", "")
	dir := scratch(t)
	dueFirst := 0
	demoAt(t, dir, "2026-11-24T09:00", func(base, token string) {
		due := get(t, base, token, "/v1/check-ins?standing=due&limit=200")
		dueFirst = len(due)
		dueToday := 0
		for _, c := range due {
			if c["due"] == "2026-11-24" {
				dueToday++
			}
		}
		require.Positive(t, dueToday, "some check-ins are due today")
		require.NotEmpty(t, get(t, base, token, "/v1/check-ins?standing=overdue&limit=200"), "some are overdue")
		require.Regexp(t, `(?m)^aftercare_check_ins_overdue [1-9]`, scrape(t, base))
		sayTheArticlesFigures(t, base, token)
	})
	t.Run("HoldsTheFiguresOfTheArticleAndKeepsItsPromises", func(t *testing.T) {
		inDemoDatabase(t, dir, func(number func(sql string) int) {
			require.Positive(t, number("SELECT count(*) FROM inbound_messages WHERE state = 'matched'"), "some are answered")
			require.Positive(t, number("SELECT count(*) FROM check_ins WHERE state = 'before_enrolment'"))
			require.Zero(t, number("SELECT count(*) FROM messages m JOIN check_ins c ON c.id = m.check_in_id WHERE c.state = 'before_enrolment'"), "occasions before go-live text nobody")
			require.Zero(t, number(`SELECT count(*) FROM care_plans p WHERE state <> 'closed' AND review_on IS NULL AND NOT EXISTS
				(SELECT FROM check_ins c WHERE c.plan_id = p.id AND c.state IN ('planned', 'overdue', 'missed'))`), "P1: nobody is forgotten")
			require.Zero(t, number("SELECT count(*) FROM messages WHERE dispatch IN ('cancelled', 'expired', 'failed', 'unknown') AND dispatch_reason = ''"), "P2: every end has its reason")
			require.Zero(t, number("SELECT count(*) FROM (SELECT ask_id, round FROM message_asks GROUP BY 1, 2 HAVING count(*) > 1) twice"), "P3: said once")
		})
	})
	t.Run("KeepsItsCountyOverARestart", func(t *testing.T) {
		demoAt(t, dir, "2026-11-24T10:30", func(base, token string) {
			require.Len(t, get(t, base, token, "/v1/check-ins?standing=due&limit=200"), dueFirst)
		})
	})
	t.Run("LeavesNoPlainNumberInTheDumpOrTheLogs", func(t *testing.T) {
		logged := stderr(t)
		demoAt(t, dir, "2026-11-24T11:00", func(base, token string) { textsAHousehold(t, base, token) })
		nothingPlain(t, dir, logged())
	})
	t.Run("SendsNothingOnASundayNight", func(t *testing.T) {
		demoAt(t, dir, "2026-11-22T23:00", func(base, token string) {
			for _, m := range get(t, base, token, "/v1/messages?dispatch=planned&limit=200") {
				require.GreaterOrEqual(t, m["not_before"], "2026-11-23T00:30:00Z", "not before Monday 08:30")
			}
			for _, dispatch := range []string{"accepted", "sending"} {
				for _, m := range get(t, base, token, "/v1/messages?limit=200&dispatch="+dispatch) {
					require.Less(t, m["dispatched_at"], "2026-11-21T00:00:00Z", "nothing since Friday")
				}
			}
		})
	})
}

// sayTheArticlesFigures asks for what the article tells of its year (L9, L13, L14, L20).
func sayTheArticlesFigures(t *testing.T, base, token string) {
	t.Helper()
	var s carelog.Statistics
	decode(t, base, token, "/v1/statistics", &s)
	figures := map[string]carelog.Figure{}
	for _, f := range s.Figures {
		figures[f.Key] = f
	}
	require.EqualValues(t, 41, figures["recipients"].Value)
	require.Equal(t, carelog.UnitPerson, figures["recipients"].Unit)
	require.EqualValues(t, []int64{41, 41}, []int64{figures["ex_officio"].Value, *figures["ex_officio"].Of}, "41 of 41")
	paid := figures["paid"]
	units := map[string]carelog.Unit{}
	for key, want := range map[string]int64{"meetings": 2, "clues_from_partners": 3, "clues": 44, "cases": 42, "persons_in_cases": 41 + 81} {
		require.EqualValues(t, want, figures[key].Value, key)
		units[key] = figures[key].Unit
	}
	require.Equal(t, map[string]carelog.Unit{"meetings": "meeting", "clues_from_partners": "clue", "clues": "clue", "cases": "case", "persons_in_cases": "person"}, units)
	tables := map[string]carelog.StatisticsTable{}
	for _, table := range s.Tables {
		tables[table.Key] = table
	}
	require.Contains(t, tables["case_source"].Rows, carelog.StatisticsRow{Key: "县退役军人事务局", Count: 1, Persons: 81}, "one case, 81 people")
	// All clues of the year's awards came from criminal departments (L13), and three more from outside (L30): both stand here, each counted.
	require.Equal(t, "刑事检察部门", tables["source_department"].Rows[0].Key)
	require.EqualValues(t, 41, tables["source_department"].Rows[0].Count)
	require.Equal(t, []int64{18, 18}, []int64{tables["group"].Rows[0].Count, tables["group"].Of})
	var groups struct{ Items []carelog.CaseGroup }
	decode(t, base, token, "/v1/groups", &groups)
	require.Equal(t, []int{18, 3, 5}, []int{groups.Items[0].Households, groups.Items[0].Townships, groups.Items[0].Villages})
	require.EqualValues(t, []int64{215_000_00, 102_000_00, 113_000_00, 1108}, []int64{paid.Value, paid.Prior, paid.Change, *paid.ChangePermille})
}

// inDemoDatabase opens the demo's own server while the demo is down.
func inDemoDatabase(t *testing.T, dir string, look func(number func(sql string) int)) {
	t.Helper()
	flags := databaseFlags{DataDir: dir}
	db, err := flags.openDatabase(t.Context(), dir+"/demo", newLogger(0))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.close(context.Background())) }()
	conn, err := pgx.Connect(t.Context(), db.owner)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	look(func(sql string) int {
		var n int
		require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n), sql)
		return n
	})
}
