package notify

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/twilio/twilio-go/client"
)

// TwilioSignatureHeader is the request header that carries a webhook's signature.
const TwilioSignatureHeader = "X-Twilio-Signature"

// Paths below the public URL that Twilio, and the simulator, posts to.
const (
	TwilioStatusPath  = "/webhooks/twilio/status"  // ?m=<our message id>
	TwilioInboundPath = "/webhooks/twilio/inbound" // configured at Twilio for every number
)

// TwilioWebhook tells Twilio's calls from forgeries. Tokens holds the auth token, and during a
// rotation the old one beside it.
type TwilioWebhook struct {
	PublicURL string // as configured at Twilio; the request's own host is never trusted
	Tokens    []string
}

// Verify reports whether signature is Twilio's over PublicURL + path + query and the form, with
// any of the tokens. Only the first value of a repeated form field is signed, so only that one
// may be read. No signature, no token or an empty token: false.
func (w TwilioWebhook) Verify(path, rawQuery string, form url.Values, signature string) bool {
	if signature == "" {
		return false
	}
	address := strings.TrimRight(w.PublicURL, "/") + path
	if rawQuery != "" {
		address += "?" + rawQuery
	}
	params := firstValues(form)
	verified := false
	for _, token := range w.Tokens {
		validator := client.NewRequestValidator(token)
		if token != "" && validator.Validate(address, params, signature) {
			verified = true // the other tokens are tried all the same: time tells nothing
		}
	}
	return verified
}

// Sign computes the signature Twilio would send for a form posted to address, which is the
// public URL with path and query.
func Sign(token, address string, form url.Values) string {
	params := firstValues(form)
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range names {
		mac.Write([]byte(name + params[name]))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// ReadInbound reads a text somebody sent us. The text may be empty but must be there; an error
// names the missing field.
func ReadInbound(form url.Values) (Inbound, error) {
	in := Inbound{
		CarrierMessageID: firstOf(form, "MessageSid", "SmsMessageSid", "SmsSid"),
		From:             form.Get("From"), To: form.Get("To"), Text: form.Get("Body"),
	}
	switch {
	case in.CarrierMessageID == "":
		return Inbound{}, missingField("MessageSid")
	case in.From == "":
		return Inbound{}, missingField("From")
	case in.To == "":
		return Inbound{}, missingField("To")
	case !form.Has("Body"):
		return Inbound{}, missingField("Body")
	}
	return in, nil
}

// ReadReport reads a status callback; query is that of our own callback address, whose m is our
// message id. An error names the missing field; a status name we do not know is no error.
func ReadReport(query, form url.Values) (Report, error) {
	r := Report{
		CarrierMessageID: firstOf(form, "MessageSid", "SmsSid"),
		MessageID:        query.Get("m"),
		ErrorCode:        form.Get("ErrorCode"),
		RawStatus:        firstOf(form, "MessageStatus", "SmsStatus"),
	}
	switch {
	case r.CarrierMessageID == "":
		return Report{}, missingField("MessageSid")
	case r.RawStatus == "":
		return Report{}, missingField("MessageStatus")
	}
	r.Status = twilioDelivery(r.RawStatus)
	return r, nil
}

func missingField(name string) error {
	return fmt.Errorf("read webhook: field %s is missing", name)
}

func firstOf(form url.Values, names ...string) string {
	for _, name := range names {
		if value := form.Get(name); value != "" {
			return value
		}
	}
	return ""
}

func firstValues(form url.Values) map[string]string {
	params := make(map[string]string, len(form))
	for name, values := range form {
		if len(values) > 0 {
			params[name] = values[0]
		}
	}
	return params
}
