package notify

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func listed(sid, body, from string, created time.Time, status string) map[string]any {
	return map[string]any{
		"sid": sid, "body": body, "from": from, "to": testTo, "status": status,
		"date_created": created.UTC().Format(time.RFC1123Z),
	}
}

func TestTwilioFind(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("", 8*3600))
	wireOf := func(t *testing.T, messages ...map[string]any) (*Twilio, chan seenRequest) {
		return wire(t, answerJSON(200, map[string]any{"messages": messages}))
	}
	ours := listed("SM1", testMessage.Text, testFrom, since.Add(time.Second), "delivered")
	t.Run("AdoptsTheMessage", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wireOf(t, listed("SM0", "another", testFrom, since, "sent"), ours)
		receipt, err := carrier.Find(t.Context(), testMessage, since)
		require.NoError(t, err)
		require.Equal(t, []Receipt{{CarrierMessageID: "SM1", Delivery: DeliveryDelivered}}, receipt)
		request := <-seen
		require.Equal(t, testTo, request.form.Get("To"))
		require.Equal(t, "2026-11-24T01:00:00Z", request.form.Get("DateSent>"))
	})
	t.Run("AdoptsOneThatWaitsInTheQueueWithoutADate", func(t *testing.T) {
		t.Parallel()
		queued := listed("SM1", testMessage.Text, testFrom, since, "queued")
		carrier, _ := wire(t, func(w http.ResponseWriter, r *http.Request) {
			answer := map[string]any{"messages": []any{queued}}
			if r.URL.Query().Has("DateSent>") {
				answer = map[string]any{"messages": []any{}}
			}
			answerJSON(200, answer)(w, r)
		})
		receipt, err := carrier.Find(t.Context(), testMessage, since)
		require.NoError(t, err)
		require.Equal(t, []Receipt{{CarrierMessageID: "SM1", Delivery: DeliveryQueued}}, receipt)
	})
	t.Run("NamesEveryTwinTheOldestFirst", func(t *testing.T) {
		t.Parallel()
		twin := func(sid string, after time.Duration) map[string]any {
			return listed(sid, testMessage.Text, testFrom, since.Add(after), "sent")
		}
		carrier, _ := wireOf(t, twin("SM3", 3*time.Second), twin("SM1", time.Second), twin("SM2", 2*time.Second))
		receipts, err := carrier.Find(t.Context(), testMessage, since)
		require.NoError(t, err)
		var names []string
		for _, r := range receipts {
			names = append(names, r.CarrierMessageID)
		}
		require.Equal(t, []string{"SM1", "SM2", "SM3"}, names)
	})
	t.Run("DoesNotAdoptAnotherText", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wireOf(t, listed("SM0", "another", testFrom, since, "sent"))
		_, err := carrier.Find(t.Context(), testMessage, since)
		require.ErrorIs(t, err, ErrNotFound)
	})
	t.Run("DoesNotAdoptAnEarlierRound", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wireOf(t, listed("SM0", testMessage.Text, testFrom, since.Add(-7*time.Hour), "sent"))
		_, err := carrier.Find(t.Context(), testMessage, since)
		require.ErrorIs(t, err, ErrNotFound)
	})
	t.Run("MindsTheSenderUnlessAServiceChoseIt", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wireOf(t, listed("SM1", testMessage.Text, "+8615400000999", since, "sent"))
		_, err := carrier.Find(t.Context(), testMessage, since)
		require.ErrorIs(t, err, ErrNotFound)
		carrier.config.MessagingServiceSID = "MG1"
		_, err = carrier.Find(t.Context(), testMessage, since)
		require.NoError(t, err)
	})
	t.Run("FollowsPagesAtTheOtherAddress", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, func(w http.ResponseWriter, r *http.Request) {
			answer := map[string]any{
				"messages":      []any{listed("SM0", "another", testFrom, since, "sent")},
				"next_page_uri": "/2010-04-01/Accounts/" + testAccount + "/Messages.json?Page=1",
			}
			if r.URL.Query().Get("Page") == "1" {
				answer = map[string]any{"messages": []any{ours}}
			}
			answerJSON(200, answer)(w, r)
		})
		_, err := carrier.Find(t.Context(), testMessage, since)
		require.NoError(t, err)
	})
	t.Run("CannotKnowWhenTheListIsCutOff", func(t *testing.T) {
		t.Parallel()
		var many []map[string]any
		for i := range twilioListLimit {
			many = append(many, listed("SM"+strconv.Itoa(i), "another", testFrom, since, "sent"))
		}
		carrier, _ := wireOf(t, many...)
		_, err := carrier.Find(t.Context(), testMessage, since)
		require.ErrorIs(t, err, ErrCannotKnow)
	})
	t.Run("IsTemporaryWhenTheListFails", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, refusal(500, 20500))
		_, err := carrier.Find(t.Context(), testMessage, since)
		requireClass(t, err, Temporary, "20500")
	})
	t.Run("IsMisconfiguredWhenTheAccountIsWrong", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, refusal(401, 20003))
		_, err := carrier.Find(t.Context(), testMessage, since)
		requireClass(t, err, Misconfigured, "20003")
	})
}
