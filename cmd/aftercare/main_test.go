package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	authToken    = "0123456789abcdef0123456789abcdef"
	ourNumber    = "+8615400000999"
	officerPhone = "+8615400000201"
	contactPhone = "+8615400000101"
)

// wire is Twilio's side of the wire: everything before it is the real thing.
type wire struct {
	sync.Mutex
	sent []url.Values
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.Lock()
	defer w.Unlock()
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/Messages.json") {
		http.NotFound(rw, r)
		return
	}
	w.sent = append(w.sent, r.PostForm)
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusCreated)
	fmt.Fprintf(rw, `{"sid":"SM%032d","status":"queued"}`, len(w.sent))
}

// to finds a text that went to a number.
func (w *wire) to(number string) (text url.Values, sid string) {
	w.Lock()
	defer w.Unlock()
	for i, m := range w.sent {
		if m.Get("To") == number {
			return m, fmt.Sprintf("SM%032d", i+1)
		}
	}
	return nil, ""
}

// running is a service under test, spoken to over HTTP only.
type running struct {
	t    *testing.T
	base string
	wire *wire
	stop func() error
}

// Tuesday 09:00 in Shanghai: officers and village contacts may be texted.
func tuesdayMorning() func() time.Time {
	began := time.Now()
	at := calendar.New(2026, time.November, 24).At(9, 0)
	return func() time.Time { return at.Add(time.Since(began)) }
}

func setUp(t *testing.T) *running {
	t.Helper()
	db := pgtest.New(t)
	r := &running{t: t, wire: &wire{}}
	carrier := httptest.NewServer(r.wire)
	t.Cleanup(carrier.Close)
	var keys bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"keys"}, &keys))
	for _, line := range strings.Fields(keys.String()) {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	for name, value := range map[string]string{
		"AFTERCARE_DATABASE_URL": db.App, "AFTERCARE_WORK_URL": db.Work, "AFTERCARE_MIGRATE_URL": db.Owner,
		"AFTERCARE_CARRIER": "twilio", "AFTERCARE_TWILIO_ACCOUNT_SID": "AC" + authToken, "AFTERCARE_TWILIO_AUTH_TOKEN": authToken,
		"AFTERCARE_TWILIO_FROM": ourNumber, "AFTERCARE_TWILIO_API_URL": carrier.URL, "AFTERCARE_PUBLIC_URL": "https://aftercare.example",
	} {
		t.Setenv(name, value)
	}
	return r
}

// person adds somebody by a command and returns an access token of theirs.
func (r *running) person(command, login string, args ...string) string {
	r.t.Helper()
	r.admin(append([]string{command, "--login", login}, args...)...)
	return r.admin("token", "--login", login)
}

// admin runs a command that prints a secret, and returns it.
func (r *running) admin(args ...string) string {
	r.t.Helper()
	var out bytes.Buffer
	require.NoError(r.t, run(r.t.Context(), append([]string{"admin"}, args...), &out))
	lines := strings.Fields(out.String())
	return lines[len(lines)-1]
}

func (r *running) serve() {
	r.t.Helper()
	listening := make(chan string, 1)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0"}, io.Discard, func(c *commands) {
			c.Serve.now = tuesdayMorning()
			c.Serve.listening = func(addr string) { listening <- addr }
		})
	}()
	select {
	case addr := <-listening:
		r.base = "http://" + addr
	case err := <-ended:
		cancel()
		require.NoError(r.t, err)
	}
	var once sync.Once
	var err error
	r.stop = func() error {
		once.Do(func() {
			cancel()
			err = <-ended
		})
		return err
	}
	r.t.Cleanup(func() { _ = r.stop() })
}

// call speaks JSON with a token and returns the status and what came back.
func (r *running) call(token, method, path, body string) (int, map[string]any) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer response.Body.Close()
	var out map[string]any
	raw, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	if len(raw) > 0 {
		require.NoError(r.t, json.Unmarshal(raw, &out), "%s", raw)
	}
	return response.StatusCode, out
}

// webhook posts a form as Twilio signs it.
func (r *running) webhook(path string, form url.Values) int {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.base+path, strings.NewReader(form.Encode()))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Twilio-Signature", notify.Sign(authToken, "https://aftercare.example"+path, form))
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	response.Body.Close()
	return response.StatusCode
}

// form posts a form to the console, as a browser does, and follows nowhere.
func (r *running) form(path string, typed url.Values) *http.Response {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.base+path, strings.NewReader(typed.Encode()))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(r.t, err)
	response.Body.Close()
	return response
}

func items(out map[string]any) []map[string]any {
	var list []map[string]any
	for _, item := range out["items"].([]any) {
		list = append(list, item.(map[string]any))
	}
	return list
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// rotates gives the installation another master key and takes the first away.
func (r *running) rotates() {
	r.t.Helper()
	fresh, _, err := crypt.GenerateKeys(nil)
	require.NoError(r.t, err)
	says := func(args ...string) string {
		var out bytes.Buffer
		require.NoError(r.t, run(r.t.Context(), args, &out))
		return out.String()
	}
	r.t.Setenv("AFTERCARE_MASTER_KEY", "next:"+fresh+","+os.Getenv("AFTERCARE_MASTER_KEY"))
	require.Contains(r.t, says("keys", "status"), "run `aftercare keys rotate`")
	require.Contains(r.t, says("keys", "rotate", "--batch", "1"), "recipients: 1 data keys wrapped anew")
	r.t.Setenv("AFTERCARE_MASTER_KEY", "next:"+fresh)
	require.Contains(r.t, says("keys", "status"), "every data key hangs on the master key next")
	require.Contains(r.t, says("doctor"), "1 history chains are whole")
}

// The whole story, over HTTP alone: enrol, remind, reply, record, read.
func TestTheWholeStory(t *testing.T) {
	r := setUp(t)
	roots := filepath.Join(t.TempDir(), "roots")
	t.Setenv("AFTERCARE_ROOT_FILE", roots)
	admin := r.person("first", "admin", "--code", "370323", "--office", "沂源县人民检察院", "--signature", "沂源县检察院", "--name", "管理员")
	officer := r.person("add-user", "li", "--office-code", "370323", "--role", "officer", "--name", "李某", "--phone", officerPhone)
	supervisor := r.person("add-user", "sun", "--office-code", "370323", "--role", "supervisor", "--name", "孙某", "--phone", "+8615400000203")
	r.serve()

	status, contact := r.call(officer, "POST", "/v1/contacts", `{"name":"赵某","phone":"15400000101","role":"committee_head","number_verified":true,"villages":[{"township":"南麻街道","name":"柿岭村"}]}`)
	require.Equal(t, http.StatusCreated, status, "%v", contact)
	status, made := r.call(officer, "POST", "/v1/recipients", `{"external_id":"YY-1","name":"马某某","village":{"township":"南麻街道","name":"柿岭村"},
		"award":{"total_fen":500000,"paid_on":"2026-06-01"},"household_alias":"2组老马家","primary_contact_id":"`+contact["contact_id"].(string)+`"}`)
	require.Equal(t, http.StatusCreated, status, "%v", made)
	recipient := made["recipient_id"].(string)

	_, planned := r.call(officer, "GET", "/v1/messages?recipient_id="+recipient, "")
	require.NotEmpty(t, items(planned))
	for _, m := range items(planned) {
		require.NotEmpty(t, m["reason"])
		require.NotEmpty(t, m["not_before"])
	}

	var request url.Values
	var sid string
	require.Eventually(t, func() bool { request, sid = r.wire.to(contactPhone); return request != nil }, 5*time.Second, 20*time.Millisecond,
		"the request is accepted within 5 s of falling due")
	require.Equal(t, ourNumber, request.Get("From"))
	require.Contains(t, request.Get("Body"), "2组老马家")
	require.NotContains(t, request.Get("Body"), "马某某")
	callback, err := url.Parse(request.Get("StatusCallback"))
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, r.webhook(callback.Path+"?"+callback.RawQuery, url.Values{"MessageSid": {sid}, "MessageStatus": {"delivered"}}))

	_, after, _ := strings.Cut(request.Get("Body"), "任务")
	reply := url.Values{"MessageSid": {"SM" + strings.Repeat("a", 32)}, "From": {contactPhone}, "To": {ourNumber}, "Body": {"1 " + after[:5]}}
	require.Equal(t, http.StatusOK, r.webhook(notify.TwilioInboundPath, reply))
	signals := func() (found []map[string]any) {
		_, history := r.call(supervisor, "GET", "/v1/recipients/"+recipient+"/history?limit=200", "")
		for _, e := range items(history) {
			if e["kind"] == "reply_received" {
				found = append(found, e["details"].(map[string]any))
			}
		}
		return found
	}
	require.Eventually(t, func() bool { return len(signals()) == 1 }, 2*time.Second, 20*time.Millisecond, "the signal stands in the history within 2 s")
	require.Equal(t, "safe", signals()[0]["signal"])
	require.Equal(t, "village_contact_sms", signals()[0]["source"])
	require.Equal(t, http.StatusOK, r.webhook(notify.TwilioInboundPath, reply), "the same webhook again is fine")

	_, open := r.call(officer, "GET", "/v1/check-ins?standing=open&recipient_id="+recipient, "")
	var phone string
	for _, c := range items(open) {
		if c["step"] == "month-6-phone" {
			phone = c["check_in_id"].(string)
		}
	}
	status, record := r.call(officer, "POST", "/v1/check-ins/"+phone+"/records", `{"outcome":"reached","informant":"self","receipt":"full","note":"近况平稳"}`)
	require.Equal(t, http.StatusCreated, status, "%v", record)
	kinds := func() map[string]int {
		_, history := r.call(supervisor, "GET", "/v1/recipients/"+recipient+"/history?limit=200", "")
		counted := map[string]int{}
		for _, e := range items(history) {
			counted[e["kind"].(string)]++
		}
		return counted
	}
	require.Eventually(t, func() bool { return kinds()["message_delivered"] == 1 }, 5*time.Second, 50*time.Millisecond, "the delivery report is applied")
	require.Equal(t, 1, kinds()["reply_received"], "a repeat adds nothing")
	for _, kind := range []string{"recipient_enrolled", "plan_started", "message_accepted", "check_in_recorded"} {
		require.Positive(t, kinds()[kind], kind)
	}
	status, _ = r.call(admin, "GET", "/v1/recipients/"+recipient+"/history", "")
	require.Equal(t, http.StatusForbidden, status, "an administrator reads no histories")
	program := r.admin("add-user", "--office-code", "370323", "--role", "integration", "--scope", "read:statistics", "--login", "dashboard", "--name", "看板")
	status, _ = r.call(program, "GET", "/v1/plans/counts", "")
	require.Equal(t, http.StatusOK, status)
	status, _ = r.call(program, "GET", "/v1/plans", "")
	require.Equal(t, http.StatusForbidden, status, "a program is let into its scopes")

	ticket := r.admin("recover", "--login", "li")
	require.Equal(t, http.StatusUnauthorized, r.form("/signin", url.Values{"login": {"li"}, "password": {""}}).StatusCode, "nobody has a password to begin with")
	require.Equal(t, http.StatusSeeOther, r.form("/setup", url.Values{"ticket": {ticket}, "new_password": {"frog reads newspaper"}, "repeat": {"frog reads newspaper"}}).StatusCode)
	entered := r.form("/signin", url.Values{"login": {"li"}, "password": {"frog reads newspaper"}})
	require.Equal(t, "/", entered.Header.Get("Location"))
	require.Equal(t, "__Host-aftercare_session", entered.Cookies()[0].Name, "the public address is https")
	require.True(t, entered.Cookies()[0].Secure)

	require.Eventually(t, func() bool { return fileExists(roots) }, 5*time.Second, 20*time.Millisecond, "the night is proved")
	began := time.Now()
	require.NoError(t, r.stop())
	t.Log("stopped in", time.Since(began))
	require.Less(t, time.Since(began), 10*time.Second)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"doctor"}, &out))
	require.Contains(t, out.String(), "1 history chains are whole")
	r.rotates()
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"doctor", "--against", roots}, &out))
	require.Contains(t, out.String(), "1 kept roots fit")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"doctor", "--root"}, &out))
	require.Contains(t, out.String(), `"night":"2026-11-24"`)
	// Another root under the same number, as after somebody wrote everything anew.
	require.NoError(t, os.WriteFile(roots, []byte(strings.Replace(out.String(), `"root":"`, `"root":"00`, 1)), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{"doctor", "--against", roots}, &out), "the kept roots do not fit")
}
