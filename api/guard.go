package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"aftercare/carelog"
)

const (
	bearerScheme     = "bearer"
	requestKeyHeader = "Idempotency-Key"
	maxRequestKey    = 100
	timeLimit        = "time limit" // Metadata: how long an operation may take, a time.Duration
	public           = "public"     // Metadata: true lets anybody in
	maxUploads       = 2            // ledgers held in memory at a time, 32 MB each and what they unpack to
)

// call is what the guard found out about a request.
type call struct {
	by          carelog.Actor
	contentType string
	body        []byte
}

type callKey struct{}

// callOf is the request's call. Behind the guard it is always there.
func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// guard lets in who is known, before anything of the body is read. Whatever is
// not marked public asks for a token: an operation that forgets to say so too.
func (s *server) guard(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	limit, _ := op.Metadata[timeLimit].(time.Duration)
	timed, stop := context.WithTimeout(ctx.Context(), max(limit, time.Second))
	defer stop()
	ctx = huma.WithContext(ctx, timed)
	r, w := humago.Unwrap(ctx)

	var c call
	var refused error
	open, _ := op.Metadata[public].(bool)
	if !open {
		c.by, refused = s.authenticate(r)
	}
	// Whoever may do none of it anywhere is told before anything of the body is read.
	if refused == nil && !open && !s.ajar && !c.by.Holds(acts[op.OperationID]...) {
		refused = &carelog.Error{Kind: carelog.Forbidden, Message: "this is not for your role, or not within the scopes of your token"}
	}
	large := op.MaxBodyBytes > maxBodyBytes+1
	if refused == nil && large {
		select {
		case s.uploads <- struct{}{}:
			defer func() { <-s.uploads }()
		default:
			w.Header().Set("Retry-After", "30")
			refused = newProblem(http.StatusServiceUnavailable, "other ledgers are being imported: try again in half a minute")
		}
	}
	if refused == nil && op.Method == http.MethodPost {
		refused = s.readCall(w, r, &c, op.MaxBodyBytes-1, min(limit, arrival))
	}
	if refused != nil {
		s.answer(ctx, refused)
		return
	}
	next(huma.WithValue(ctx, callKey{}, c))
}

// answer ends a request with a refusal.
func (s *server) answer(ctx huma.Context, err error) {
	var p *problem
	if !errors.As(s.refuse(ctx.Context(), ctx.Operation().OperationID, "header", err), &p) {
		return
	}
	_, w := humago.Unwrap(ctx)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="aftercare"`)
	}
	p.write(w)
}

func (s *server) authenticate(r *http.Request) (carelog.Actor, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, bearerScheme) {
		return carelog.Actor{}, newProblem(http.StatusUnauthorized, "sign in: send a token as Authorization: Bearer …")
	}
	return s.Log.Authenticate(r.Context(), strings.TrimSpace(secret))
}

// readCall reads the body once, for the verb and for the hash that tells a
// repeat from another request, and puts it back for Huma.
func (s *server) readCall(w http.ResponseWriter, r *http.Request, c *call, limit int64, within time.Duration) error {
	key, err := requestKey(r.Header)
	if err != nil {
		return err
	}
	if c.body, err = s.readBody(w, r, limit, within); err != nil {
		return err
	}
	c.contentType = r.Header.Get("Content-Type")
	// PostgreSQL holds no U+0000 in a text, and nobody writes one by accident.
	if !isUpload(c.contentType) && bytes.Contains(c.body, []byte(`\u0000`)) {
		return newProblem(http.StatusUnprocessableEntity, "the request cannot be accepted",
			&huma.ErrorDetail{Location: "body", Message: "contains the character U+0000"})
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	if key != "" {
		c.by.RequestKey, c.by.RequestHash = key, requestHash(r, c.body)
	}
	return nil
}

func requestKey(h http.Header) (string, error) {
	given := h.Values(requestKeyHeader)
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	bad := len(given) > 1 || key == "" || len(key) > maxRequestKey
	if bad || strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", newProblem(http.StatusUnprocessableEntity, "the request cannot be accepted",
			&huma.ErrorDetail{Location: "header." + requestKeyHeader, Message: "must be 1 to 100 printable characters without spaces, given once"})
	}
	return key, nil
}

// requestHash binds the method, the path with its query, and the body; each with
// its length first, so that no two splits of the same bytes agree.
func requestHash(r *http.Request, body []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.Path), []byte(r.URL.RawQuery), body} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// readBody reads a body of at most limit bytes that arrives within the given time.
func (s *server) readBody(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration) ([]byte, error) {
	tooLarge := newProblem(http.StatusRequestEntityTooLarge, "the body is larger than "+size(limit))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	deadline := http.NewResponseController(w)
	if deadline.SetReadDeadline(s.clock().Add(within)) == nil {
		defer deadline.SetReadDeadline(time.Time{}) //nolint:errcheck // it could be set, so it can be lifted
	}
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(r.Body, limit+1))
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return nil, newProblem(http.StatusRequestTimeout, "the body took too long to arrive")
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "the body ended before it was complete")
	case int64(body.Len()) > limit:
		return nil, tooLarge
	}
	return body.Bytes(), nil
}
