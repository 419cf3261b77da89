package notify

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTwilioSortsFailuresOfTheWire(t *testing.T) {
	t.Parallel()
	// held answers only when the caller has gone: the message may have been accepted.
	held := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("AmbiguousWhenTheAnswerTakesTooLong", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, held)
		carrier.config.Timeout = 50 * time.Millisecond
		_, err := carrier.Send(t.Context(), testMessage)
		requireClass(t, err, Ambiguous, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("AmbiguousWhenTheBodyTakesTooLong", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.(http.Flusher).Flush()
			held(w, r)
		})
		carrier.config.Timeout = 50 * time.Millisecond
		_, err := carrier.Send(t.Context(), testMessage)
		requireClass(t, err, Ambiguous, "")
	})
	t.Run("StopsWithItsCaller", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, held)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-seen
			cancel()
		}()
		_, err := carrier.Send(ctx, testMessage)
		requireClass(t, err, Ambiguous, "")
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("TemporaryWhenCancelledBeforehand", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, held)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := carrier.Send(ctx, testMessage)
		requireClass(t, err, Temporary, "")
		require.Empty(t, seen)
	})
	t.Run("TemporaryWhenTheConnectionIsRefused", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		carrier := newTestTwilio(t, func(c *TwilioConfig) { c.APIURL = "http://" + listener.Addr().String() })
		_, err = carrier.Send(t.Context(), testMessage)
		requireClass(t, err, Temporary, "")
	})
}
