package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Unix(1_795_000_000, 0) }
	secret := []byte("01234567890123456789012345678901")
	var taken []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(body)))
		if r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.Header.Get("Webhook-Timestamp") != "1795000000" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/hook", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			taken = append(taken, r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	inside := NewHooks(true, now)
	require.Empty(t, inside.Call(t.Context(), server.URL+"/hook", "m1", secret, []byte("{}")))
	require.Equal(t, "answered 401", inside.Call(t.Context(), server.URL+"/hook", "m1", []byte("another"), []byte("{}")))
	require.Equal(t, "answered 302", inside.Call(t.Context(), server.URL+"/away", "m1", secret, []byte("{}")), "redirects are not followed")
	require.Equal(t, "answered 500", inside.Call(t.Context(), server.URL+"/broken", "m1", secret, []byte("{}")))
	require.Equal(t, "the address is not a public one", NewHooks(false, now).Call(t.Context(), server.URL+"/hook", "m1", secret, []byte("{}")))
	require.Equal(t, []string{"/hook"}, taken)
	server.Close()
	require.Equal(t, "the address did not answer", inside.Call(t.Context(), server.URL+"/hook", "m1", secret, []byte("{}")))
}
