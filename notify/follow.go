package notify

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

// Follower is a carrier that can be asked what became of a message it took, when its report was lost.
type Follower interface {
	// Follow asks about one message, by the carrier's id or, where that is "", by ours; at is when
	// it was handed over. The class is that of the error code. Errors: ErrNotFound or a *SendError.
	Follow(ctx context.Context, m Message, carrierMessageID string, at time.Time) (Report, Class, error)
}

// Listener is a carrier that can be asked for the texts people sent us, when its webhook was lost.
type Listener interface {
	// Heard lists the texts to our number, "" for all, since. ErrCannotKnow stands beside those that
	// were read when there were more. Other errors are *SendErrors.
	Heard(ctx context.Context, number string, since time.Time) ([]Inbound, error)
}

var (
	_ Follower = (*Twilio)(nil)
	_ Follower = (*Aliyun)(nil)
	_ Listener = (*Twilio)(nil)
)

// twilioHeardLimit bounds one look for replies.
const twilioHeardLimit = 5000

// Follow fetches the message.
func (t *Twilio) Follow(ctx context.Context, m Message, carrierMessageID string, _ time.Time) (Report, Class, error) {
	if carrierMessageID == "" {
		return Report{}, "", ErrNotFound
	}
	var fetched *openapi.ApiV2010Message
	seen, err := t.call(ctx, func(api *openapi.ApiService) (err error) {
		fetched, err = api.FetchMessage(carrierMessageID, &openapi.FetchMessageParams{})
		return err
	})
	switch {
	case seen.status == http.StatusNotFound:
		return Report{}, "", ErrNotFound
	case err != nil:
		return Report{}, "", readingError(err, seen)
	}
	r := Report{CarrierMessageID: carrierMessageID, MessageID: m.ID, RawStatus: deref(fetched.Status), Status: twilioDelivery(deref(fetched.Status))}
	if fetched.ErrorCode == nil || *fetched.ErrorCode == 0 {
		return r, "", nil
	}
	r.ErrorCode = strconv.Itoa(*fetched.ErrorCode)
	return r, DeliveryClass(r.ErrorCode), nil
}

// Heard lists the inbound messages, which Twilio dates when it received them.
func (t *Twilio) Heard(ctx context.Context, number string, since time.Time) ([]Inbound, error) {
	params := (&openapi.ListMessageParams{}).SetDateSentAfter(since.UTC().Truncate(time.Second)).SetPageSize(1000).SetLimit(twilioHeardLimit)
	if number != "" {
		params.SetTo(number)
	}
	var listed []openapi.ApiV2010Message
	seen, err := t.call(ctx, func(api *openapi.ApiService) (err error) {
		listed, err = api.ListMessage(params)
		return err
	})
	if err != nil {
		return nil, readingError(err, seen)
	}
	var heard []Inbound
	for _, m := range listed {
		if deref(m.Direction) == "inbound" && deref(m.Sid) != "" {
			heard = append(heard, Inbound{CarrierMessageID: deref(m.Sid), From: deref(m.From), To: deref(m.To), Text: deref(m.Body)})
		}
	}
	if len(listed) >= twilioHeardLimit {
		return heard, ErrCannotKnow
	}
	return heard, nil
}

// readingError sorts the failure of a call that only reads: to read twice does no harm.
func readingError(err error, x exchange) *SendError {
	failure := sendError(err, x)
	if failure.Class == Ambiguous {
		failure.Class = Temporary
	}
	return failure
}

// Follow looks the message up in the list of its day.
func (a *Aliyun) Follow(ctx context.Context, m Message, carrierMessageID string, at time.Time) (Report, Class, error) {
	for _, day := range []time.Time{at.Add(-aliyunClockSkew), at.Add(aliyunClockSkew)} {
		detail, err := a.detailOn(ctx, m, day.In(china).Format("20060102"))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return Report{}, "", err
		}
		r := Report{CarrierMessageID: cmp.Or(carrierMessageID, "out-"+m.ID), MessageID: m.ID, Status: aliyunDelivery(detail.SendStatus), RawStatus: cmp.Or(safeCode(detail.ErrCode), "listed")}
		if r.Status != DeliveryUndelivered {
			return r, "", nil
		}
		r.ErrorCode = safeCode(detail.ErrCode)
		return r, AliyunDeliveryClass(r.ErrorCode), nil
	}
	return Report{}, "", ErrNotFound
}
