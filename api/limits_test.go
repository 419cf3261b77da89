package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
)

func TestACallerWhoAsksTooOftenWaitsAndACarrierNever(t *testing.T) {
	t.Parallel()
	h := api.Handler(api.Config{Log: carelog.New(carelog.Config{}), Wait: func(*http.Request) time.Duration { return 1500 * time.Millisecond }})
	for path, status := range map[string]int{
		"/v1/me": http.StatusTooManyRequests, "/webhooks/twilio/inbound": http.StatusUnsupportedMediaType, "/healthz": http.StatusOK,
	} {
		method := http.MethodGet
		if status == http.StatusUnsupportedMediaType {
			method = http.MethodPost
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		require.Equal(t, status, w.Code, "%s: %s", path, w.Body)
		if status == http.StatusTooManyRequests {
			require.Equal(t, "2", w.Header().Get("Retry-After"))
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
	}
}
