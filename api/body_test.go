package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercare/carelog"
)

func TestReadBody(t *testing.T) {
	t.Parallel()
	s := newServer(Config{}, http.NewServeMux())
	got := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := s.readBody(w, r, 8, 50*time.Millisecond)
		got <- err
	}))
	t.Cleanup(server.Close)
	post := func(t *testing.T, body io.Reader, length int64) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		require.NoError(t, err)
		r.ContentLength = length
		go func() {
			if answer, err := server.Client().Do(r); err == nil {
				answer.Body.Close()
			}
		}()
		var refused *problem
		if err := <-got; !errors.As(err, &refused) {
			require.NoError(t, err)
			return http.StatusOK
		}
		return refused.Status
	}

	t.Run("TakesWhatFits", func(t *testing.T) {
		require.Equal(t, http.StatusOK, post(t, strings.NewReader("12345678"), 8))
		require.Equal(t, http.StatusOK, post(t, strings.NewReader("12345678"), -1))
	})
	t.Run("RefusesWhatDoesNot", func(t *testing.T) {
		require.Equal(t, http.StatusRequestEntityTooLarge, post(t, strings.NewReader("123456789"), 9))
		require.Equal(t, http.StatusRequestEntityTooLarge, post(t, strings.NewReader("123456789"), -1))
	})
	t.Run("DoesNotWaitForever", func(t *testing.T) {
		slow, write := io.Pipe()
		t.Cleanup(func() { write.Close() })
		require.Equal(t, http.StatusRequestTimeout, post(t, slow, -1))
	})
}

func TestGuardHoldsFewLargeBodies(t *testing.T) {
	t.Parallel()
	s := newServer(Config{}, http.NewServeMux())
	op := &huma.Operation{Method: http.MethodPost, MaxBodyBytes: maxLedgerBytes + 1, Metadata: map[string]any{public: true, timeLimit: patience}}
	upload := func() int {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("x"))
		s.guard(humago.NewContext(op, r, w), func(ctx huma.Context) { ctx.SetStatus(http.StatusOK) })
		return w.Code
	}
	for range 2 * maxUploads {
		require.Equal(t, http.StatusOK, upload(), "a place is given back")
	}
	for range maxUploads {
		s.uploads <- struct{}{}
	}
	require.Equal(t, http.StatusServiceUnavailable, upload())
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &server{Config: Config{Slog: slog.New(slog.NewTextHandler(&log, nil))}}
	ctx := context.WithValue(t.Context(), requestIDKey{}, "the-id")

	refused := func(t *testing.T, err error) *problem {
		var p *problem
		require.ErrorAs(t, s.refuse(ctx, "an-operation", "body", fmt.Errorf("somewhere: %w", err)), &p)
		return p
	}
	t.Run("KnowsEveryKind", func(t *testing.T) {
		for kind := carelog.Invalid; kind <= carelog.Unauthorized; kind++ {
			p := refused(t, &carelog.Error{Kind: kind, Message: "no", Fields: []carelog.FieldError{{Field: "f", Reason: "is wrong"}}})
			require.GreaterOrEqual(t, p.Status, 400)
			require.Equal(t, "no", p.Detail)
			require.Equal(t, []*huma.ErrorDetail{{Location: "body.f", Message: "is wrong"}}, p.Errors)
		}
	})
	t.Run("AsksForARepeatAfterATimeout", func(t *testing.T) {
		require.Equal(t, http.StatusServiceUnavailable, refused(t, context.DeadlineExceeded).Status)
	})
	t.Run("KeepsTheCauseInTheLog", func(t *testing.T) {
		p := refused(t, errors.New("disk on fire"))
		require.Equal(t, http.StatusInternalServerError, p.Status)
		require.Equal(t, "internal error", p.Detail)
		require.Empty(t, p.Errors)
		require.Contains(t, log.String(), "id=the-id operation=an-operation")
		require.Contains(t, log.String(), "disk on fire")
	})
}

func TestClean(t *testing.T) {
	t.Parallel()

	t.Run("RepeatsNoValueAndNoDecoder", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			status := rapid.SampledFrom([]int{400, 406, 408, 413, 415, 422, 500}).Draw(t, "status")
			location := rapid.SampledFrom([]string{"body", "body.name", "query.limit"}).Draw(t, "location")
			told, err := clean(nil, "", &huma.ErrorModel{Status: status, Detail: "sekret", Errors: []*huma.ErrorDetail{
				{Location: location, Message: rapid.SampledFrom([]string{
					`expected string to be RFC 4122 uuid: invalid urn prefix: "sekret"`, "invalid value: sekret", "unexpected property",
				}).Draw(t, "message"), Value: map[string]any{"id_number": "sekret"}},
				{Location: "body", Message: "json: cannot unmarshal sekret into Go struct field", Value: "sekret"},
			}})
			require.NoError(t, err)
			p, ok := told.(*problem)
			require.True(t, ok)
			require.Equal(t, status, p.Status)
			require.NotContains(t, p.Detail, "sekret")
			for _, d := range p.Errors {
				require.NotContains(t, d.Message, "sekret")
				require.Nil(t, d.Value)
			}
		})
	})
	t.Run("NamesAMissingField", func(t *testing.T) {
		require.Equal(t, &huma.ErrorDetail{Location: "body.award.paid_on", Message: "is required"},
			cleanDetail(&huma.ErrorDetail{Location: "body.award", Message: "expected required property paid_on to be present"}))
	})
	t.Run("CutsANameThatGoesOnForever", func(t *testing.T) {
		d := cleanDetail(&huma.ErrorDetail{Location: "body." + strings.Repeat("长", 10_000), Message: "unexpected property"})
		require.LessOrEqual(t, len([]rune(d.Location)), maxLocation+1)
	})
}

func TestCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := position{List: "l", After: rapid.String().Draw(t, "after"), Due: rapid.String().Draw(t, "due"), Seq: rapid.Int64Min(0).Draw(t, "seq")}
		back, err := (&PageParams{Cursor: at.String()}).position("l")
		require.NoError(t, err)
		require.Equal(t, strings.ToValidUTF8(at.After, "\uFFFD"), back.After)
		require.Equal(t, at.Seq, back.Seq)
		_, err = (&PageParams{Cursor: at.String()}).position("another")
		require.Error(t, err)
	})
}
