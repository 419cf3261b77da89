package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

// TwilioName is the name of Twilio, stored beside its messages.
const TwilioName = "twilio"

const (
	// twilioTimeout bounds one call, below the 30 s of the job around it.
	twilioTimeout = 10 * time.Second
	// twilioValidity is the longest ValidityPeriod the API takes.
	twilioValidity = 36000 * time.Second
	// twilioClockSkew is how far the carrier's clock may stand behind ours.
	twilioClockSkew = 6 * time.Hour
	// twilioListLimit bounds a look-up; a number gets a few messages a day, so more means the
	// list cannot be trusted to be complete.
	twilioListLimit = 200
)

// TwilioConfig is what Twilio needs. MessagingServiceSID goes before From.
type TwilioConfig struct {
	AccountSID, AuthToken string
	From                  string // E.164; used where a message names no sender
	MessagingServiceSID   string
	PublicURL             string            // where Twilio reaches us, without a trailing slash
	APIURL                string            // another base address for the REST API; empty: api.twilio.com
	Transport             http.RoundTripper // shared by all calls; nil: one of our own
	Timeout               time.Duration     // for one call; 0: 10 s
	Now                   func() time.Time  // nil: time.Now
}

// Twilio sends through Twilio's Messages API with the vendor's own library.
type Twilio struct {
	config    TwilioConfig
	base      *url.URL // nil: the library's own address
	transport http.RoundTripper
}

// NewTwilio checks the configuration and opens nothing yet. It reports all problems together.
func NewTwilio(c TwilioConfig) (*Twilio, error) {
	var problems []error
	if c.AccountSID == "" || c.AuthToken == "" {
		problems = append(problems, errors.New("twilio: account SID and auth token are needed"))
	}
	if c.From == "" && c.MessagingServiceSID == "" {
		problems = append(problems, errors.New("twilio: a sender number or a messaging service SID is needed"))
	}
	if _, err := webAddress(c.PublicURL); err != nil {
		problems = append(problems, fmt.Errorf("twilio: public URL: %w", err))
	}
	t := &Twilio{config: c, transport: c.Transport}
	if c.APIURL != "" {
		base, err := webAddress(c.APIURL)
		if err != nil {
			problems = append(problems, fmt.Errorf("twilio: API URL: %w", err))
		}
		t.base = base
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	t.config.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if t.config.Timeout == 0 {
		t.config.Timeout = twilioTimeout
	}
	if t.config.Now == nil {
		t.config.Now = time.Now
	}
	if t.transport == nil {
		t.transport = ownTransport()
	}
	return t, nil
}

// Name is "twilio".
func (t *Twilio) Name() string { return TwilioName }

// Send creates the message. ValidFor is rounded up to seconds and kept within 1 s and 10 h.
func (t *Twilio) Send(ctx context.Context, m Message) (Receipt, error) {
	params := (&openapi.CreateMessageParams{}).SetTo(m.To).SetBody(m.Text).
		SetStatusCallback(t.config.PublicURL + TwilioStatusPath + "?m=" + url.QueryEscape(m.ID))
	if t.config.MessagingServiceSID != "" {
		params.SetMessagingServiceSid(t.config.MessagingServiceSID)
	} else {
		params.SetFrom(t.sender(m))
	}
	if m.ValidFor != 0 {
		valid := min(max(m.ValidFor, time.Second), twilioValidity)
		params.SetValidityPeriod(int((valid + time.Second - 1) / time.Second))
	}
	var created *openapi.ApiV2010Message
	seen, err := t.call(ctx, func(api *openapi.ApiService) (err error) {
		created, err = api.CreateMessage(params)
		return err
	})
	if err == nil && deref(created.Sid) == "" {
		err = errNoSID
	}
	if err != nil {
		return Receipt{}, sendError(err, seen)
	}
	return receiptOf(*created), nil
}

func (t *Twilio) sender(m Message) string {
	if m.From != "" {
		return m.From
	}
	return t.config.From
}

// call runs one request of the library, which takes no ctx and hides the answer's headers: a
// round tripper made for this call joins the first and notes the second.
func (t *Twilio) call(ctx context.Context, do func(*openapi.ApiService) error) (exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, t.config.Timeout)
	defer cancel()
	tripper := &callTripper{ctx: ctx, base: t.base, transport: t.transport, now: t.config.Now}
	c := &client.Client{
		Credentials: client.NewCredentials(t.config.AccountSID, t.config.AuthToken),
		HTTPClient: &http.Client{
			Transport:     tripper,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.SetAccountSid(t.config.AccountSID)
	// Not NewRequestHandler: it lets TWILIO_EDGE and TWILIO_REGION move the host unseen.
	err := do(openapi.NewApiService(&client.RequestHandler{Client: c}))
	seen := tripper.exchange()
	if err == nil && (seen.status < 200 || seen.status >= 300) {
		err = errUnreadable // the library takes a redirect for an answer
	}
	return seen, err
}

func receiptOf(m openapi.ApiV2010Message) Receipt {
	return Receipt{CarrierMessageID: deref(m.Sid), Delivery: twilioDelivery(deref(m.Status))}
}

// twilioDelivery maps Twilio's status names; a name it does not know yields "".
func twilioDelivery(status string) string {
	switch status {
	case "accepted", "scheduled", "queued", "sending":
		return DeliveryQueued
	case "sent":
		return DeliverySent
	case "delivered", "read":
		return DeliveryDelivered
	case "undelivered":
		return DeliveryUndelivered
	case "failed", "canceled":
		return DeliveryFailed
	}
	return ""
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func webAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("needs an http or https address")
	}
	return u, nil
}
