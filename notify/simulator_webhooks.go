package notify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// simulatorAccount is shaped like an account SID and belongs to nobody.
const simulatorAccount = "AC00000000000000000000000000000000"

// reporter hands one status on; it returns false when the simulator ends.
type reporter func(m Message, sid, status, code string, after time.Duration) bool

// deliver walks a message through its states.
func (s *Simulator) deliver(m Message, sid, code string, report reporter) {
	if !report(m, sid, DeliverySent, "", s.config.SentDelay) {
		return
	}
	final := DeliveryDelivered
	if code != "" {
		final = DeliveryUndelivered
	}
	report(m, sid, final, code, s.config.DeliveredDelay)
}

// tell reports through the callback, at once.
func (s *Simulator) tell(m Message, sid, status, code string, _ time.Duration) bool {
	s.show(m, sid, status, code)
	if s.config.OnReport != nil {
		s.config.OnReport(Report{CarrierMessageID: sid, MessageID: m.ID, Status: status, ErrorCode: code, RawStatus: status})
	}
	return true
}

// post reports through a signed webhook. Like Twilio it tries once more when no connection
// stands, and never after an answer.
func (s *Simulator) post(m Message, sid, status, code string, after time.Duration) bool {
	if sleep(s.ctx, after) != nil {
		return false
	}
	select {
	case s.posts <- struct{}{}:
		defer func() { <-s.posts }()
	case <-s.ctx.Done():
		return false
	}
	s.show(m, sid, status, code)
	form := url.Values{
		"AccountSid": {simulatorAccount}, "ApiVersion": {"2010-04-01"}, "MessageSid": {sid}, "SmsSid": {sid},
		"From": {s.sender(m)}, "To": {m.To}, "MessageStatus": {status}, "SmsStatus": {status},
	}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	err := s.postForm(s.ctx, TwilioStatusPath, "m="+url.QueryEscape(m.ID), form)
	if err != nil && s.ctx.Err() == nil {
		s.config.Log.Warn("status webhook lost", "message_id", m.ID, "status", status, "error", err)
	}
	return s.ctx.Err() == nil
}

func (s *Simulator) show(m Message, sid, status, code string) {
	if err := s.handsets.setStatus(sid, status, code); err != nil {
		s.config.Log.Warn("keep handset message", "message_id", m.ID, "error", err)
	}
}

// postForm posts a signed form to our own server. Its errors name no field of the form.
func (s *Simulator) postForm(ctx context.Context, path, query string, form url.Values) error {
	address := s.config.PublicURL + path
	if query != "" {
		address += "?" + query
	}
	var lost error
	for range 2 {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return fmt.Errorf("post webhook: %w", err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set(TwilioSignatureHeader, Sign(s.config.Token, address, form))
		response, err := s.config.Client.Do(request)
		if err != nil {
			lost = err
			continue
		}
		return answerOf(response)
	}
	return fmt.Errorf("post webhook: %w", lost)
}

func answerOf(response *http.Response) error {
	// Read to the end so that the connection can serve the next webhook.
	_, err := io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("post webhook: the server answered %d", response.StatusCode)
	}
	if err != nil {
		return fmt.Errorf("post webhook: read answer: %w", err)
	}
	return nil
}

func inboundForm(in Inbound) url.Values {
	return url.Values{
		"AccountSid": {simulatorAccount}, "ApiVersion": {"2010-04-01"}, "MessageSid": {in.CarrierMessageID},
		"SmsMessageSid": {in.CarrierMessageID}, "SmsSid": {in.CarrierMessageID}, "SmsStatus": {"received"},
		"From": {in.From}, "To": {in.To}, "Body": {in.Text}, "NumMedia": {"0"},
		"NumSegments": {strconv.Itoa(Segments(in.Text))},
	}
}
