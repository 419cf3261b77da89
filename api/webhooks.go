package api

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/notify"
)

// Carriers give up after 15 s: what has not arrived by then never will.
const (
	maxWebhookBytes = 64 << 10
	webhookTime     = 10 * time.Second
	maxCarrierWord  = 100 // of an id or a status; Twilio's have 34 characters
)

// twilioInbound stores a text somebody sent us, before it is acknowledged (P4).
func (s *server) twilioInbound(w http.ResponseWriter, r *http.Request) {
	form, ok := s.signedForm(w, r)
	if !ok {
		return
	}
	in, err := notify.ReadInbound(form)
	if err != nil {
		unreadable(w, err.Error())
		return
	}
	if !isCarrierWord(in.CarrierMessageID) {
		unreadable(w, "field MessageSid cannot be read")
		return
	}
	err = s.Log.StoreReply(r.Context(), carelog.Inbound{
		Carrier: s.Carrier, CarrierMessageID: in.CarrierMessageID, From: in.From, To: in.To, Text: in.Text,
	})
	if err != nil {
		s.again(w, r, "store reply", err)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte("<Response/>")) // stored: a repeat changes nothing
}

// twilioStatus stores what became of a text of ours. A status nobody knows is
// data, no error.
func (s *server) twilioStatus(w http.ResponseWriter, r *http.Request) {
	form, ok := s.signedForm(w, r)
	if !ok {
		return
	}
	report, err := notify.ReadReport(r.URL.Query(), form)
	if err != nil {
		unreadable(w, err.Error())
		return
	}
	for name, word := range map[string]string{"MessageSid": report.CarrierMessageID, "MessageStatus": report.RawStatus, "ErrorCode": report.ErrorCode} {
		if word != "" && !isCarrierWord(word) {
			unreadable(w, "field "+name+" cannot be read")
			return
		}
	}
	err = s.Log.StoreReport(r.Context(), carelog.Report{
		Carrier: s.Carrier, CarrierMessageID: report.CarrierMessageID, MessageID: report.MessageID,
		Status: report.RawStatus, Delivery: report.Status, ErrorCode: report.ErrorCode, Class: deliveryClass(report.ErrorCode),
	})
	if err != nil {
		s.again(w, r, "store report", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signedForm reads the form and lets it in only with the carrier's signature. Who
// cannot sign learns nothing more.
func (s *server) signedForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		newProblem(http.StatusUnsupportedMediaType, "send a form: application/x-www-form-urlencoded").write(w)
		return nil, false
	}
	body, err := s.readBody(w, r, maxWebhookBytes, webhookTime)
	if err != nil {
		err.(*problem).write(w) //nolint:errorlint,forcetypeassert // readBody refuses with problems only
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !s.Twilio.Verify(r.URL.Path, r.URL.RawQuery, form, r.Header.Get(notify.TwilioSignatureHeader)) {
		newProblem(http.StatusForbidden, "").write(w)
		return nil, false
	}
	return form, true
}

// again answers what could not be stored: the carrier tries once more.
func (s *server) again(w http.ResponseWriter, r *http.Request, doing string, err error) {
	s.Slog.ErrorContext(r.Context(), "webhook not stored", "id", requestID(r.Context()), "doing", doing, "cause", err.Error())
	w.Header().Set("Retry-After", "5")
	newProblem(http.StatusServiceUnavailable, "not stored: send it again").write(w)
}

// unreadable names the field; whoever gets here has signed.
func unreadable(w http.ResponseWriter, why string) {
	newProblem(http.StatusBadRequest, strings.TrimPrefix(why, "read webhook: ")).write(w)
}

// isCarrierWord is true for an id, status or code as carriers write them: what
// else arrives would be stored in clear.
func isCarrierWord(word string) bool {
	return word != "" && len(word) <= maxCarrierWord && !strings.ContainsFunc(word, func(r rune) bool { return r < '!' || r > '~' })
}

// deliveryClass tells what an error code of a report means for the number.
func deliveryClass(code string) carelog.Class {
	if code == "" {
		return carelog.Taken
	}
	return carelog.Class(notify.DeliveryClass(code))
}
