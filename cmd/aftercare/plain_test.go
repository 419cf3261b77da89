package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/internal/ledger"
)

// demoSecrets are the phone and ID numbers and the addresses of the demo's ledger and
// staff, each as it may stand somewhere: as text, and as the bytes of the text in hex.
func demoSecrets(t *testing.T) []string {
	t.Helper()
	county, err := ledger.Read(bytes.NewReader(countyCSV), "county.csv")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, row := range county.Rows {
		for _, column := range []string{"身份证号", "手机号", "村联系人电话", "备用联系人电话", "详细住址"} {
			found[strings.TrimSpace(row.Cells[column])] = true
		}
	}
	for _, person := range demoStaff {
		found[strings.TrimPrefix(person.phone, "+86")] = true
	}
	for _, late := range latecomers {
		found[late] = true
	}
	delete(found, "")
	require.Greater(t, len(found), 90, "41 households have that many")
	secrets := slices.Sorted(maps.Keys(found))
	for _, plain := range slices.Clone(secrets) {
		secrets = append(secrets, hex.EncodeToString([]byte(plain)))
	}
	return secrets
}

// latecomers are the numbers of a household that is enrolled while the demo runs, and of
// its contact.
var latecomers = []string{"15400000177", "15400000178", "990323197206209996"}

// textsAHousehold enrols a household whose village is asked at once, and has callers make
// mistakes with its numbers.
func textsAHousehold(t *testing.T, base, token string) {
	t.Helper()
	post := func(path, key, body string) (int, map[string]any) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
		require.NoError(t, err)
		for name, value := range map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json", "Idempotency-Key": key} {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		var out map[string]any
		require.NoError(t, json.NewDecoder(response.Body).Decode(&out))
		return response.StatusCode, out
	}
	village := `"township":"历山街道","name":"东园社区"`
	status, contact := post("/v1/contacts", "c", `{"name":"冯某","phone":"`+latecomers[0]+`","role":"grid_worker","number_verified":true,"villages":[{`+village+`}]}`)
	require.Equal(t, http.StatusCreated, status, "%v", contact)
	household := `{"external_id":"YY2026-900","name":"马某某","id_number":"` + latecomers[2] + `","phone":"` + latecomers[1] + `","village":{` + village + `},
		"award":{"total_fen":500000,"paid_on":"2026-06-01"},"household_alias":"2组老马家","primary_contact_id":"` + contact["contact_id"].(string) + `"}`
	status, made := post("/v1/recipients", "e", household)
	require.Equal(t, http.StatusCreated, status, "%v", made)
	status, _ = post("/v1/recipients", "twice", household)
	require.Equal(t, http.StatusConflict, status)
	status, _ = post("/v1/recipients", "bad", strings.Replace(household, "YY2026-900", "", 1))
	require.NotEqual(t, http.StatusCreated, status)
	require.Eventually(t, func() bool {
		return len(get(t, base, token, "/v1/messages?dispatch=accepted&recipient_id="+made["recipient_id"].(string))) > 0
	}, 10*time.Second, 50*time.Millisecond, "River sends the request")
}

// requireNone looks for every secret, and says only how many of which are there.
func requireNone(t *testing.T, where string, text []byte, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		require.False(t, bytes.Contains(text, []byte(secret)), "%s holds %s", where, secret)
	}
}

// dumped is every row of every table of a database, River's too, as COPY writes them.
func dumped(t *testing.T, url string) map[string][]byte {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	config.Database = databaseName
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, table := range tables {
		var out bytes.Buffer
		_, err := conn.PgConn().CopyTo(t.Context(), &out, "COPY (SELECT * FROM "+table+") TO STDOUT")
		require.NoError(t, err, table)
		all[table] = out.Bytes()
	}
	return all
}

// nothingPlain searches a dump of the demo's database, what it logged, and the log of its
// PostgreSQL for the plain numbers of its ledger.
func nothingPlain(t *testing.T, dir string, logged []byte) {
	t.Helper()
	secrets := demoSecrets(t)
	flags := databaseFlags{DataDir: dir}
	db, err := flags.openDatabase(t.Context(), dir+"/demo", newLogger(0))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.close(context.Background())) }()
	tables := dumped(t, db.super)
	for _, table := range []string{"public.recipients", "public.messages", "public.inbound_messages", "public.audit", "river.river_job"} {
		require.NotEmpty(t, tables[table], table)
	}
	for table, rows := range tables {
		requireNone(t, table, rows, secrets)
	}
	requireNone(t, "the log", logged, secrets)
	logs, err := filepath.Glob(dir + "/demo/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, logs, "PostgreSQL's own log")
	for _, path := range logs {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		requireNone(t, path, body, secrets)
	}
	// The search finds what is there: the office's own number, and one in bytes.
	require.True(t, bytes.Contains(tables["public.lines"], []byte(demoLine)))
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]+$`), secrets[len(secrets)-1])
	require.True(t, slices.Contains(secrets, hex.EncodeToString([]byte("15400000101"))))
}
