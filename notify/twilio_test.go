package notify

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testAccount = "AC0123456789abcdef0123456789abcdef"
	testTo      = "+8615400000001"
	testFrom    = "+8615400000100"
)

var testMessage = Message{ID: "m-1", To: testTo, Text: "【沂源县检察院】核实拨12309", ValidFor: 4 * time.Hour}

// seenRequest is what arrived at the fake wire.
type seenRequest struct {
	method, path, user string
	form               url.Values
}

// wire is a fake of api.twilio.com: the vendor's own library talks to it.
func wire(t *testing.T, answer http.HandlerFunc) (*Twilio, chan seenRequest) {
	t.Helper()
	seen := make(chan seenRequest, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		user, _, _ := r.BasicAuth()
		seen <- seenRequest{r.Method, r.URL.Path, user, r.Form}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return newTestTwilio(t, func(c *TwilioConfig) { c.APIURL = server.URL }), seen
}

func newTestTwilio(t *testing.T, change func(*TwilioConfig)) *Twilio {
	t.Helper()
	config := TwilioConfig{
		AccountSID: testAccount, AuthToken: "secret", From: testFrom, PublicURL: "https://care.example/",
		Now: func() time.Time { return time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC) },
	}
	change(&config)
	carrier, err := NewTwilio(config)
	require.NoError(t, err)
	return carrier
}

func answerJSON(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

func refusal(status, code int) http.HandlerFunc {
	return answerJSON(status, map[string]any{"status": status, "code": code, "message": "The number " + testTo + " is bad"})
}

func requireClass(t *testing.T, err error, class Class, code string) *SendError {
	t.Helper()
	var failure *SendError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, class, failure.Class, "%v", err)
	require.Equal(t, code, failure.Code)
	for _, secret := range []string{testTo, strings.TrimPrefix(testTo, "+"), testFrom, testMessage.Text, testAccount, "secret"} {
		require.NotContains(t, err.Error(), secret)
		require.NotContains(t, err.Error(), url.QueryEscape(secret))
	}
	return failure
}

func TestTwilioSend(t *testing.T) {
	t.Parallel()
	t.Run("HandsTheMessageOver", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, answerJSON(201, map[string]any{"sid": "SM1", "status": "queued"}))
		receipt, err := carrier.Send(t.Context(), testMessage)
		require.NoError(t, err)
		require.Equal(t, Receipt{CarrierMessageID: "SM1", Delivery: DeliveryQueued}, receipt)
		request := <-seen
		require.Equal(t, "POST", request.method)
		require.Equal(t, "/2010-04-01/Accounts/"+testAccount+"/Messages.json", request.path)
		require.Equal(t, testAccount, request.user)
		require.Equal(t, url.Values{
			"To": {testTo}, "From": {testFrom}, "Body": {testMessage.Text}, "ValidityPeriod": {"14400"},
			"StatusCallback": {"https://care.example/webhooks/twilio/status?m=m-1"},
		}, request.form)
	})
	t.Run("UsesTheMessagesSenderOrTheService", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, answerJSON(201, map[string]any{"sid": "SM1", "status": "accepted"}))
		m := testMessage
		m.From = "+8615400000101"
		_, err := carrier.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, m.From, (<-seen).form.Get("From"))
		carrier.config.MessagingServiceSID = "MG1"
		_, err = carrier.Send(t.Context(), m)
		require.NoError(t, err)
		request := <-seen
		require.Equal(t, "MG1", request.form.Get("MessagingServiceSid"))
		require.False(t, request.form.Has("From"))
	})
	t.Run("KeepsTheValidityInBounds", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, answerJSON(201, map[string]any{"sid": "SM1", "status": "queued"}))
		for valid, want := range map[time.Duration]string{
			0: "", time.Millisecond: "1", -time.Hour: "1", 1500 * time.Millisecond: "2", 48 * time.Hour: "36000",
		} {
			m := testMessage
			m.ValidFor = valid
			_, err := carrier.Send(t.Context(), m)
			require.NoError(t, err)
			require.Equal(t, want, (<-seen).form.Get("ValidityPeriod"), valid)
		}
	})
	t.Run("KeepsAStatusItDoesNotKnowOutOfTheReceipt", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, answerJSON(201, map[string]any{"sid": "SM1", "status": "teleported"}))
		receipt, err := carrier.Send(t.Context(), testMessage)
		require.NoError(t, err)
		require.Equal(t, Receipt{CarrierMessageID: "SM1"}, receipt)
	})
}

func TestTwilioSortsRefusals(t *testing.T) {
	t.Parallel()
	html := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>"+testTo+"</html>")
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  Class
		code   string
	}{
		"OptedOut":               {refusal(400, 21610), OptedOut, "21610"},
		"NoSuchNumber":           {refusal(400, 21211), Unreachable, "21211"},
		"Landline":               {refusal(400, 21614), Unreachable, "21614"},
		"BadCredentials":         {refusal(401, 20003), Misconfigured, "20003"},
		"SenderNotOurs":          {refusal(400, 21606), Misconfigured, "21606"},
		"FullQueue":              {refusal(400, 21611), Throttled, "21611"},
		"TextTooLong":            {refusal(400, 21617), Refused, "21617"},
		"UnknownCode":            {refusal(400, 99999), Refused, "99999"},
		"ValidationWithoutACode": {refusal(422, 0), Refused, ""},
		"UnreadableForbidden":    {html(403), Misconfigured, ""},
		"ServerErrorAsHTML":      {html(500), Ambiguous, ""},
		"ServerErrorAsJSON":      {refusal(503, 20503), Ambiguous, "20503"},
		"AcceptedButUnreadable":  {html(201), Ambiguous, ""},
		"AcceptedWithoutSID":     {answerJSON(201, map[string]any{"status": "queued"}), Ambiguous, ""},
		"Redirected":             {answerJSON(302, map[string]any{"sid": "SM1"}), Misconfigured, ""},
		"DroppedAfterReading":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Ambiguous, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			carrier, seen := wire(t, c.answer)
			_, err := carrier.Send(t.Context(), testMessage)
			requireClass(t, err, c.class, c.code)
			<-seen
			require.Empty(t, seen, "nothing is ever sent twice")
		})
	}
	t.Run("ThrottledForAsLongAsItSays", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			refusal(429, 20429)(w, r)
		})
		_, err := carrier.Send(t.Context(), testMessage)
		require.Equal(t, 7*time.Second, requireClass(t, err, Throttled, "20429").RetryAfter)
	})
	t.Run("BadCredentialsThatNeverLeave", func(t *testing.T) {
		t.Parallel()
		carrier := newTestTwilio(t, func(c *TwilioConfig) { c.AuthToken = "not-alphanumeric" })
		_, err := carrier.Send(t.Context(), testMessage)
		requireClass(t, err, Misconfigured, "21224")
	})
}

func TestNewTwilioReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := NewTwilio(TwilioConfig{APIURL: "ftp://x", PublicURL: "care"})
	for _, says := range []string{"auth token", "sender number", "public URL", "API URL"} {
		require.ErrorContains(t, err, says)
	}
}

func TestTwilioKeepsThePathOfAnotherBaseAddress(t *testing.T) {
	t.Parallel()
	carrier, seen := wire(t, answerJSON(201, map[string]any{"sid": "SM1", "status": "queued"}))
	carrier.base.Path = "/relay/"
	_, err := carrier.Send(t.Context(), testMessage)
	require.NoError(t, err)
	require.Equal(t, "/relay/2010-04-01/Accounts/"+testAccount+"/Messages.json", (<-seen).path)
}

func TestDeliveryClass(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]Class{
		"30001": Throttled, "30003": Temporary, "30004": Unreachable, "30005": Unreachable, "30006": Unreachable,
		"30007": Refused, "30008": Temporary, "21610": OptedOut, "30002": Misconfigured, "": Refused, "1": Refused,
	} {
		require.Equal(t, class, DeliveryClass(code), code)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "12": 12 * time.Second, "-3": 0, "soon": 0, "99999999": 24 * time.Hour,
		"Tue, 24 Nov 2026 01:00:30 GMT": 30 * time.Second, "Mon, 23 Nov 2026 01:00:30 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(header, now), header)
	}
}
