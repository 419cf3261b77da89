package jobs_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/notify"
)

// asked is a carrier that can be asked for what its webhooks did not bring.
type asked struct {
	*carrier
	follow func(carrierMessageID string) (notify.Report, notify.Class, error)
	heard  []notify.Inbound
	looks  atomic.Int32
}

func (a *asked) Follow(_ context.Context, m notify.Message, carrierMessageID string, _ time.Time) (notify.Report, notify.Class, error) {
	r, class, err := a.follow(carrierMessageID)
	r.CarrierMessageID, r.MessageID = carrierMessageID, m.ID
	return r, class, err
}

func (a *asked) Heard(context.Context, string, time.Time) ([]notify.Inbound, error) {
	a.looks.Add(1)
	return a.heard, nil
}

func TestCatchUp(t *testing.T) {
	t.Parallel()

	t.Run("ALostDeliveryReportIsAskedFor", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		other := &asked{carrier: &carrier{}}
		var follows atomic.Int32
		other.follow = func(string) (notify.Report, notify.Class, error) {
			follows.Add(1)
			return notify.Report{Status: notify.DeliveryDelivered, RawStatus: "delivered"}, "", nil
		}
		h.taker = other
		stop := h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'accepted'")
		stop()
		require.Zero(t, follows.Load(), "its report may still come")
		h.later(61 * time.Minute)
		h.start()
		h.becomes(1, "SELECT count(*) FROM messages WHERE delivery = 'delivered'")
	})

	t.Run("ALostReplyIsAskedForAndStoredOnce", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		other := &asked{carrier: &carrier{}}
		h.taker = other
		other.heard = []notify.Inbound{
			{CarrierMessageID: "MO-1", From: contactPhone, To: lineNumber, Text: "1"},
			{CarrierMessageID: "MO-2", From: contactPhone, To: lineNumber, Text: "2"},
		}
		require.NoError(t, h.app.StoreReply(t.Context(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO-1", From: contactPhone, To: lineNumber, Text: "1"}))
		for looks := int32(1); looks <= 2; looks++ {
			stop := h.start()
			h.becomes(2, "SELECT count(*) FROM inbound_messages WHERE state <> 'stored'")
			require.Eventually(t, func() bool { return other.looks.Load() >= looks }, 20*time.Second, 20*time.Millisecond)
			stop()
		}
		require.Equal(t, 2, h.count("SELECT count(*) FROM inbound_messages"))
	})
}
