package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// queue remembers the replies that were enqueued, for the test to receive.
type queue struct {
	sync.Mutex
	replies []carelog.InboundID
}

func (q *queue) SendDue(context.Context, pgx.Tx, carelog.LineID) error { return nil }

func (q *queue) ReceiveReply(_ context.Context, _ pgx.Tx, id carelog.InboundID) error {
	q.Lock()
	defer q.Unlock()
	q.replies = append(q.replies, id)
	return nil
}

const (
	publicURL    = "https://care.example.org"
	authToken    = "twilio-secret"
	lineNumber   = "+8615400000999"
	contactPhone = "+8615400000101"
)

// Tuesday, 24 November 2026, 09:00 in Shanghai: a working day.
var tuesday = calendar.New(2026, time.November, 24).At(9, 0)

// county is an office with people behind a served door, on a real database.
type county struct {
	t       *testing.T
	db      *pgtest.DB
	config  api.Config
	app     *pgxpool.Pool // the door's own
	rows    *pgxpool.Pool // the workers', to look at rows
	work    *carelog.Log
	queue   *queue
	log     *journal
	server  *httptest.Server
	office  carelog.OfficeID
	officer string // bearer tokens
	boss    string
	admin   string
	contact carelog.ContactID
}

// journal is a log that tests read.
type journal struct {
	sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.Lock()
	defer j.Unlock()
	return j.Buffer.Write(p)
}

func (j *journal) text() string {
	j.Lock()
	defer j.Unlock()
	return j.String()
}

func newCounty(t *testing.T) *county {
	t.Helper()
	db := pgtest.New(t)
	c := &county{t: t, db: db, queue: &queue{}, log: &journal{}, app: pgtest.Pool(t, db.App), rows: pgtest.Pool(t, db.Work)}
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	config := carelog.Config{
		Keys: keys, Queue: c.queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio",
		Now: func() time.Time { return tuesday },
	}
	config.DB = c.rows
	c.work = carelog.New(config)
	c.office = c.addOffice("370323", "沂源县人民检察院")
	_, err = c.work.EnsureLine(t.Context(), carelog.TheSystem(), "twilio", lineNumber, carelog.OfficeID{})
	require.NoError(t, err)
	c.officer = c.addUser(c.office, "li", carelog.Officer)
	c.boss = c.addUser(c.office, "zhao", carelog.Supervisor)
	c.admin = c.addUser(c.office, "admin", carelog.SystemAdministrator)
	c.contact, err = c.work.AddContact(t.Context(), carelog.TheSystem(), carelog.NewContact{
		Verified: true, Office: c.office, Name: "赵某", Phone: contactPhone, Role: "committee_head", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
	})
	require.NoError(t, err)
	config.DB = c.app
	c.config = api.Config{
		Log: carelog.New(config), Carrier: "twilio", Version: "1.2.3", Slog: slog.New(slog.NewTextHandler(c.log, nil)),
		Twilio: notify.TwilioWebhook{PublicURL: publicURL, Tokens: []string{authToken}}, Aliyun: trustIn(t, "header", pushSecret, ""),
	}
	c.server = httptest.NewServer(api.Handler(c.config))
	t.Cleanup(c.server.Close)
	return c
}

func (c *county) addOffice(code, name string) carelog.OfficeID {
	c.t.Helper()
	id, err := c.work.AddOffice(c.t.Context(), carelog.TheSystem(), carelog.NewOffice{Code: code, Name: name, Signature: "沂源县检察院", Level: "county"})
	require.NoError(c.t, err)
	return id
}

func (c *county) addUser(office carelog.OfficeID, login string, role carelog.Role) (token string) {
	c.t.Helper()
	system := carelog.TheSystem()
	id, err := c.work.AddUser(c.t.Context(), system, carelog.NewUser{
		Office: office, Login: login, Name: login + "某", Phone: "+8615400000201", Roles: []carelog.Role{role},
	})
	require.NoError(c.t, err)
	token, err = c.work.IssueToken(c.t.Context(), system, id, "test", tuesday.AddDate(1, 0, 0))
	require.NoError(c.t, err)
	return token
}

// addProgram adds an account that no person signs in with.
func (c *county) addProgram(office carelog.OfficeID, login string) (user string) {
	c.t.Helper()
	id, err := c.work.AddUser(c.t.Context(), carelog.TheSystem(), carelog.NewUser{Office: office, Login: login, Name: login, Roles: []carelog.Role{carelog.Integration}})
	require.NoError(c.t, err)
	return id.String()
}

func (c *county) userID(login string) string {
	c.t.Helper()
	id, err := c.work.UserByLogin(c.t.Context(), carelog.TheSystem(), login)
	require.NoError(c.t, err)
	return id.String()
}

func (c *county) tokenUntil(login string, until time.Time, scopes ...carelog.Scope) string {
	c.t.Helper()
	id, err := c.work.UserByLogin(c.t.Context(), carelog.TheSystem(), login)
	require.NoError(c.t, err)
	token, err := c.work.IssueToken(c.t.Context(), carelog.TheSystem(), id, "test", until, scopes...)
	require.NoError(c.t, err)
	return token
}

// object is a JSON object, sent or received.
type object map[string]any

// reply is an answer as it came.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

func (r reply) object() object {
	r.t.Helper()
	var o object
	require.NoError(r.t, json.Unmarshal([]byte(r.text), &o), r.text)
	return o
}

// requireProblem checks the shape of a refusal and which fields it names.
func (r reply) requireProblem(status int, locations ...string) object {
	r.t.Helper()
	require.Equal(r.t, status, r.status, r.text)
	require.Equal(r.t, "application/problem+json", r.header.Get("Content-Type"), r.text)
	o := r.object()
	require.EqualValues(r.t, status, o["status"])
	require.NotEmpty(r.t, o["title"])
	var named []string
	errs, _ := o["errors"].([]any)
	for _, e := range errs {
		detail, _ := e.(map[string]any)
		require.NotEmpty(r.t, detail["message"])
		require.NotContains(r.t, detail, "value")
		location, _ := detail["location"].(string)
		named = append(named, location)
	}
	require.ElementsMatch(r.t, locations, named, r.text)
	return o
}

// send posts or gets; the body may be text, bytes or anything that becomes JSON.
// Further arguments are header names and values in turn.
func (c *county) send(token, method, path string, body any, headers ...string) reply {
	c.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	case []byte:
		content = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(c.t, err)
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, content)
	require.NoError(c.t, err)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.server.Client().Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return reply{c.t, answer.StatusCode, answer.Header, string(text)}
}

func (c *county) get(path string) reply {
	c.t.Helper()
	return c.send(c.officer, http.MethodGet, path, nil)
}

func (c *county) post(path string, body any, headers ...string) reply {
	c.t.Helper()
	return c.send(c.officer, http.MethodPost, path, body, headers...)
}

// webhook posts a form as the carrier would, signed unless a signature is given.
func (c *county) webhook(path string, form url.Values, signature ...string) reply {
	c.t.Helper()
	sign := notify.Sign(authToken, publicURL+path, form)
	if len(signature) > 0 {
		sign = signature[0]
	}
	return c.send("", http.MethodPost, path, form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", notify.TwilioSignatureHeader, sign)
}

// count counts rows of a table.
func (c *county) count(from string) (n int) {
	c.t.Helper()
	require.NoError(c.t, c.rows.QueryRow(c.t.Context(), "SELECT count(*) FROM "+from).Scan(&n))
	return n
}

// enrolment is a plausible one, paid two months ago. Changes are made on it.
func (c *county) enrolment(externalID string) object {
	return object{
		"external_id": externalID, "name": "马某某", "phone": "15400000001",
		"village":            object{"township": "南麻街道", "name": "柿岭村"},
		"award":              object{"total_fen": 500000, "paid_on": "2026-09-20"},
		"primary_contact_id": c.contact.String(), "household_alias": "2组老马家",
	}
}

func (c *county) enrol(externalID string) (recipient, plan string) {
	c.t.Helper()
	made := c.post("/v1/recipients", c.enrolment(externalID))
	require.Equal(c.t, http.StatusCreated, made.status, made.text)
	recipient, _ = made.object()["recipient_id"].(string)
	plan, _ = made.object()["plan_id"].(string)
	return recipient, plan
}

// items are the rows of a list's answer.
func (r reply) items() []object {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, r.text)
	var list struct{ Items []object }
	require.NoError(r.t, json.Unmarshal([]byte(r.text), &list))
	require.NotNil(r.t, list.Items, "a list is never null")
	return list.Items
}

// newBroken is a door with nothing behind it.
func newBroken(t *testing.T, log *journal) *county {
	t.Helper()
	c := &county{t: t, officer: "ac_any", server: httptest.NewServer(api.Handler(api.Config{Slog: slog.New(slog.NewTextHandler(log, nil))}))}
	t.Cleanup(c.server.Close)
	return c
}
