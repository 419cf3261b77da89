package notify

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// signatureVector is the example of Twilio's own documentation.
type signatureVector struct {
	Token     string     `json:"token"`
	PublicURL string     `json:"public_url"`
	Path      string     `json:"path"`
	Query     string     `json:"query"`
	Form      url.Values `json:"form"`
	Signature string     `json:"signature"`
}

func readSignatureVector(t *testing.T) (vector signatureVector) {
	t.Helper()
	raw, err := os.ReadFile("testdata/twilio_signature.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &vector))
	return vector
}

func TestTwilioWebhookVerify(t *testing.T) {
	t.Parallel()
	vector := readSignatureVector(t)
	form, path, query, token, signature := vector.Form, vector.Path, vector.Query, vector.Token, vector.Signature
	hook := TwilioWebhook{PublicURL: vector.PublicURL, Tokens: []string{token}}
	t.Run("AcceptsTwiliosVector", func(t *testing.T) {
		t.Parallel()
		require.True(t, hook.Verify(path, query, form, signature))
		require.Equal(t, signature, Sign(token, "https://mycompany.com/myapp.php?foo=1&bar=2", form))
	})
	t.Run("AcceptsEitherTokenDuringARotation", func(t *testing.T) {
		t.Parallel()
		rotating := TwilioWebhook{PublicURL: "https://mycompany.com/", Tokens: []string{"new", token}}
		require.True(t, rotating.Verify(path, query, form, signature))
	})
	t.Run("RefusesEverythingElse", func(t *testing.T) {
		t.Parallel()
		changed := url.Values{"From": {testTo}}
		require.False(t, hook.Verify(path, query, form, ""))
		require.False(t, hook.Verify(path, query, form, "AAAA1cFY/Q7PnoempGyD5oXAezc="))
		require.False(t, hook.Verify(path, query, changed, signature))
		require.False(t, hook.Verify("/other", query, form, signature))
		require.False(t, hook.Verify(path, "foo=1", form, signature))
		require.False(t, TwilioWebhook{PublicURL: "https://mycompany.com"}.Verify(path, query, form, signature))
		require.False(t, TwilioWebhook{PublicURL: "https://evil.example", Tokens: []string{token}}.Verify(path, query, form, signature))
		empty := TwilioWebhook{PublicURL: "https://mycompany.com", Tokens: []string{""}}
		require.False(t, empty.Verify(path, query, form, Sign("", "https://mycompany.com/myapp.php?foo=1&bar=2", form)))
	})
	t.Run("WorksBehindAPortAndBelowAPath", func(t *testing.T) {
		t.Parallel()
		below := TwilioWebhook{PublicURL: "http://127.0.0.1:8080/care", Tokens: []string{token}}
		require.True(t, below.Verify("/x", "", form, Sign(token, "http://127.0.0.1:8080/care/x", form)))
	})
}

func TestReadInbound(t *testing.T) {
	t.Parallel()
	whole := url.Values{"MessageSid": {"SM1"}, "From": {testTo}, "To": {testFrom}, "Body": {"1"}}
	in, err := ReadInbound(whole)
	require.NoError(t, err)
	require.Equal(t, Inbound{CarrierMessageID: "SM1", From: testTo, To: testFrom, Text: "1"}, in)
	for field := range whole {
		t.Run("NamesTheMissing"+field, func(t *testing.T) {
			t.Parallel()
			part := url.Values{}
			for name, values := range whole {
				if name != field {
					part[name] = values
				}
			}
			_, err := ReadInbound(part)
			require.ErrorContains(t, err, "field "+field+" is missing")
			require.NotContains(t, err.Error(), testTo)
		})
	}
	t.Run("TakesAnEmptyTextAndTheOldFieldName", func(t *testing.T) {
		t.Parallel()
		in, err := ReadInbound(url.Values{"SmsSid": {"SM2"}, "From": {testTo}, "To": {testFrom}, "Body": {""}})
		require.NoError(t, err)
		require.Equal(t, "SM2", in.CarrierMessageID)
	})
}

func TestReadReport(t *testing.T) {
	t.Parallel()
	query := url.Values{"m": {"m-1"}}
	for raw, status := range map[string]string{
		"accepted": DeliveryQueued, "scheduled": DeliveryQueued, "queued": DeliveryQueued, "sending": DeliveryQueued,
		"sent": DeliverySent, "delivered": DeliveryDelivered, "read": DeliveryDelivered,
		"undelivered": DeliveryUndelivered, "failed": DeliveryFailed, "canceled": DeliveryFailed, "partially_delivered": "",
	} {
		r, err := ReadReport(query, url.Values{"MessageSid": {"SM1"}, "MessageStatus": {raw}, "ErrorCode": {"30005"}})
		require.NoError(t, err)
		require.Equal(t, Report{CarrierMessageID: "SM1", MessageID: "m-1", Status: status, ErrorCode: "30005", RawStatus: raw}, r)
	}
	_, err := ReadReport(query, url.Values{"MessageStatus": {"sent"}})
	require.ErrorContains(t, err, "MessageSid")
	_, err = ReadReport(query, url.Values{"MessageSid": {"SM1"}})
	require.ErrorContains(t, err, "MessageStatus")
	r, err := ReadReport(nil, url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"sent"}})
	require.NoError(t, err)
	require.Empty(t, r.MessageID)
}
