package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// What is read of a refused body before it is answered: a caller that writes it
// all before reading must find the refusal, not a closed connection.
const (
	drainBytes = 64 << 20
	drainTime  = 10 * time.Second
)

type requestIDKey struct{}

// requestID names the request in the log and, after an internal error, to the caller.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func newRequestID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// shield stands outside of everything: it names the request, sets the headers
// that are the same for all, catches panics, turns plain text errors (the mux's,
// the documents') into problems, and writes the one line of the log. It takes no
// id from outside: who sends one could write into our log.
func (s *server) shield(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, id := s.clock(), newRequestID()
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		received := r.Body // the guard puts a copy in its place
		out := &recorder{ResponseWriter: w}
		header := w.Header()
		header.Set("X-Request-Id", id)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		if !strings.HasPrefix(r.URL.Path, "/docs") && !strings.HasPrefix(r.URL.Path, "/openapi.") {
			header.Set("Cache-Control", "no-store")
			header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		}
		func() {
			defer s.catch(out, r, id)
			if !s.tooMany(out, r) {
				next.ServeHTTP(out, r)
			}
		}()
		if out.status >= http.StatusBadRequest {
			s.drain(w, r, received)
		}
		s.Slog.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", knownMethod(r.Method)), slog.String("route", cmp.Or(r.Pattern, "none")),
			slog.Int("status", cmp.Or(out.status, http.StatusOK)), slog.Int64("ms", s.clock().Sub(began).Milliseconds()), slog.String("id", id))
	})
}

// tooMany answers a caller who has to slow down. A carrier is never turned away: a
// reply that is not taken is a family nobody hears.
func (s *server) tooMany(w http.ResponseWriter, r *http.Request) bool {
	if s.Wait == nil || !strings.HasPrefix(r.URL.Path, "/v1/") {
		return false
	}
	wait := s.Wait(r)
	if wait <= 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	newProblem(http.StatusTooManyRequests, "too many requests: wait for as many seconds as Retry-After says").write(w)
	return true
}

// catch answers a panic with the fixed sentence. The log gets where it was, not
// what it said: that may hold what somebody sent.
func (s *server) catch(out *recorder, r *http.Request, id string) {
	caught := recover()
	if caught == nil {
		return
	}
	if caught == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
		panic(caught)
	}
	s.Slog.ErrorContext(r.Context(), "panic", "id", id, "stack", string(debug.Stack()))
	if out.status == 0 {
		internal(id).write(out)
	}
}

// drain reads what is left of a body, unless the caller waits to be asked for it.
func (s *server) drain(w http.ResponseWriter, r *http.Request, body io.Reader) {
	if body == nil || body == http.NoBody || r.Header.Get("Expect") != "" {
		return
	}
	if http.NewResponseController(w).SetReadDeadline(s.clock().Add(drainTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, body, drainBytes) // whatever happens, the answer is written already
}

// knownMethod keeps what a caller invents out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// recorder remembers the status and rewrites plain text errors.
type recorder struct {
	http.ResponseWriter
	status    int
	rewritten bool
}

// WriteHeader passes the status on; a plain text error becomes a problem.
func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < http.StatusOK {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.status = status
	if status >= http.StatusBadRequest && strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		w.rewritten = true
		w.Header().Del("Content-Length")
		newProblem(status, plainSentence(status)).write(w.ResponseWriter)
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes the body on, but for that of a rewritten error.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.rewritten {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func plainSentence(status int) string {
	switch status {
	case http.StatusNotFound:
		return "nothing is at this path: see /docs"
	case http.StatusMethodNotAllowed:
		return "this path takes other methods: see the Allow header"
	default:
		return ""
	}
}

func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
