package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
)

const problemType = "application/problem+json"

// problem is a refusal in our own words, safe to send. Huma's own errors are
// huma.ErrorModel and pass through clean first.
type problem struct{ huma.ErrorModel }

func newProblem(status int, detail string, errs ...*huma.ErrorDetail) *problem {
	return &problem{huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail, Errors: errs}}
}

// internal is all that is told of an internal error: its id in the log.
func internal(id string) *problem {
	p := newProblem(http.StatusInternalServerError, "internal error")
	p.Instance = "urn:uuid:" + id
	return p
}

// write answers a plain handler's request with the problem.
func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone
}

var statusOf = map[carelog.Kind]int{
	carelog.Invalid:      http.StatusUnprocessableEntity,
	carelog.NotFound:     http.StatusNotFound,
	carelog.Forbidden:    http.StatusForbidden,
	carelog.Conflict:     http.StatusConflict,
	carelog.KeyReused:    http.StatusUnprocessableEntity,
	carelog.Unauthorized: http.StatusUnauthorized,
}

// refuse turns what a verb refused into a problem. What is no refusal is logged
// with its cause under the request's id, and answered with a fixed sentence.
func (s *server) refuse(ctx context.Context, operation, fields string, err error) error {
	var own *problem
	if errors.As(err, &own) {
		return own
	}
	var refusal *carelog.Error
	if errors.As(err, &refusal) {
		details := make([]*huma.ErrorDetail, len(refusal.Fields))
		for i, f := range refusal.Fields {
			details[i] = &huma.ErrorDetail{Location: fields + "." + f.Field, Message: f.Reason}
		}
		return newProblem(statusOf[refusal.Kind], refusal.Message, details...)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return newProblem(http.StatusServiceUnavailable, "this took too long: repeat it with the same Idempotency-Key")
	}
	id := requestID(ctx)
	if !errors.Is(ctx.Err(), context.Canceled) { // else the caller has gone, and nobody failed
		s.Slog.ErrorContext(ctx, "internal error", "id", id, "operation", operation, "cause", err.Error())
	}
	return internal(id)
}

// clean is a transformer of every body: it makes Huma's own errors safe. They
// carry the submitted values, whole objects of them, and texts of decoders.
func clean(_ huma.Context, _ string, body any) (any, error) {
	raw, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	switch raw.Status {
	case http.StatusBadRequest:
		return newProblem(raw.Status, "the body cannot be read", &huma.ErrorDetail{Location: "body", Message: "is not valid JSON, or is missing"}), nil
	case http.StatusUnsupportedMediaType:
		return newProblem(raw.Status, "send the body as application/json"), nil
	case http.StatusUnprocessableEntity:
		told := raw.Errors[:min(len(raw.Errors), maxErrors)]
		details := make([]*huma.ErrorDetail, 0, len(told))
		for _, d := range told {
			details = append(details, cleanDetail(d))
		}
		return newProblem(raw.Status, "the request cannot be accepted", details...), nil
	default:
		return newProblem(raw.Status, ""), nil
	}
}

const (
	maxLocation = 200
	maxErrors   = 200 // told of one request: a body of empty rows has hundreds of thousands
)

// cleanDetail keeps the place and a sentence that repeats nothing.
func cleanDetail(d *huma.ErrorDetail) *huma.ErrorDetail {
	location, message := d.Location, d.Message
	if name, found := strings.CutPrefix(message, "expected required property "); found {
		name, _ = strings.CutSuffix(name, " to be present")
		location, message = location+"."+name, "is required"
	}
	switch {
	case strings.HasPrefix(message, "expected string to be RFC 4122 uuid"), strings.HasPrefix(message, "invalid value"):
		message = "expected an id, such as 0190a1b2-0000-7000-8000-000000000000"
	case message == "unexpected property":
		message = "is not a field of this operation"
	case location == "body" && !strings.HasPrefix(message, "expected "):
		message = "a value cannot be read: see the documented types"
	}
	if runes := []rune(location); len(runes) > maxLocation {
		location = string(runes[:maxLocation]) + "…"
	}
	return &huma.ErrorDetail{Location: location, Message: message}
}
