package jobs_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"aftercare/notify"
)

const (
	fakeToken  = "secret"
	fakePublic = "https://care.example"
)

// fakeText is a text the fake carrier took.
type fakeText struct {
	sid, id, to, from, body string
	created                 time.Time
	status                  string
	reported                string // the highest status it will have reported; "": it never reports
}

// fakeTwilio is Twilio on the loopback with a record of its own. Of its calls 5 in
// 100 are throttled, 5 fail (half of them after taking the text), 3 are taken and
// the connection dropped, 2 taken and answered too late. Reports come repeated and
// in any order; a fifth of the texts is never reported on.
type fakeTwilio struct {
	url     string
	now     func() time.Time
	door    http.Handler
	reports sync.WaitGroup

	mu     sync.Mutex
	dice   *rand.Rand
	texts  map[string][]*fakeText // by number
	times  map[string]int         // by our message id
	n      int
	faults map[string]int
	said   []string // what workers wrote to stderr
}

func newFakeTwilio(t *testing.T, seed uint64, now func() time.Time, door http.Handler) *fakeTwilio {
	f := &fakeTwilio{
		now: now, door: door, dice: rand.New(rand.NewPCG(seed, 2)),
		texts: map[string][]*fakeText{}, times: map[string]int{}, faults: map[string]int{},
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeTwilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		f.list(w, r)
		return
	}
	_ = r.ParseForm()
	f.mu.Lock()
	fault, delay := f.dice.IntN(200), time.Duration(f.dice.IntN(40))*time.Millisecond
	f.mu.Unlock()
	wait(delay / 2)
	switch {
	case fault < 10:
		f.fault("429")
		answer(w, http.StatusTooManyRequests, map[string]any{"code": 20429, "status": 429})
	case fault < 15:
		f.fault("500 not taken")
		answer(w, http.StatusInternalServerError, map[string]any{"code": 20500, "status": 500})
	case fault < 20:
		f.take(r)
		f.fault("500 taken")
		answer(w, http.StatusInternalServerError, map[string]any{"code": 20500, "status": 500})
	case fault < 26:
		f.take(r)
		f.fault("dropped")
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	case fault < 30:
		sid := f.take(r)
		f.fault("late")
		wait(1200 * time.Millisecond)
		answer(w, http.StatusCreated, map[string]any{"sid": sid, "status": "queued"})
	default:
		sid := f.take(r)
		wait(delay / 2)
		answer(w, http.StatusCreated, map[string]any{"sid": sid, "status": "queued"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fakeTwilio) fault(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[name]++
}

// take writes the text into the record and has it reported on.
func (f *fakeTwilio) take(r *http.Request) string {
	callback := r.Form.Get("StatusCallback")
	address, _ := url.Parse(callback)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	text := &fakeText{
		sid: fmt.Sprintf("SM%032d", f.n), id: address.Query().Get("m"), to: r.Form.Get("To"), from: r.Form.Get("From"), body: r.Form.Get("Body"),
		created: f.now(), status: "queued",
	}
	f.texts[text.to] = append(f.texts[text.to], text)
	if f.dice.IntN(5) > 0 {
		f.report(text, address)
	}
	f.times[text.id]++
	return text.sid
}

// report plans the callbacks of a text, each once to three times, at any moment of
// the next second and a half.
func (f *fakeTwilio) report(text *fakeText, address *url.URL) {
	text.reported = "delivered"
	code := ""
	switch f.dice.IntN(40) {
	case 0:
		text.reported, code = "undelivered", "30003"
	case 1:
		text.reported, code = "failed", "30007"
	}
	for _, status := range []string{"queued", "sent", text.reported} {
		form := url.Values{"MessageSid": {text.sid}, "MessageStatus": {status}, "To": {text.to}, "From": {text.from}}
		if status == text.reported && code != "" {
			form.Set("ErrorCode", code)
		}
		for range 1 + f.dice.IntN(3) {
			f.reports.Add(1)
			time.AfterFunc(time.Duration(f.dice.IntN(1500))*time.Millisecond, func() {
				defer f.reports.Done()
				f.post(address, form)
			})
		}
	}
}

func (f *fakeTwilio) post(address *url.URL, form url.Values) {
	request := httptest.NewRequest(http.MethodPost, address.RequestURI(), strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set(notify.TwilioSignatureHeader, notify.Sign(fakeToken, address.String(), form))
	recorder := httptest.NewRecorder()
	f.door.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusNoContent {
		f.complain(fmt.Sprintf("callback answered %d %s", recorder.Code, recorder.Body))
	}
}

// list answers truthfully what it took for a number, the newest first.
func (f *fakeTwilio) list(w http.ResponseWriter, r *http.Request) {
	since, dated := time.Time{}, r.URL.Query().Has("DateSent>")
	if dated {
		since, _ = time.Parse(time.RFC3339, r.URL.Query().Get("DateSent>"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults["asked"]++
	listed := []map[string]any{}
	for _, text := range f.texts[r.URL.Query().Get("To")] {
		if dated && text.created.Before(since) {
			continue
		}
		listed = append([]map[string]any{{
			"sid": text.sid, "body": text.body, "from": text.from, "to": text.to, "status": text.status,
			"date_created": text.created.UTC().Format(time.RFC1123Z),
		}}, listed...)
	}
	answer(w, http.StatusOK, map[string]any{"messages": listed})
}

// naming are the texts it took that name a task code.
func (f *fakeTwilio) naming(code string) []*fakeText {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*fakeText
	for _, texts := range f.texts {
		for _, text := range texts {
			if strings.Contains(text.body, code) {
				found = append(found, text)
			}
		}
	}
	return found
}

// twice are the messages of ours that it took more than once.
func (f *fakeTwilio) twice() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []string
	for id, n := range f.times {
		if n > 1 {
			found = append(found, id)
		}
	}
	return found
}

func (f *fakeTwilio) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *fakeTwilio) complain(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, line)
}

func (f *fakeTwilio) complaints() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said[max(0, len(f.said)-10):]
}
