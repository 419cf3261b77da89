package notify

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 50, 0, 0, china)
	t.Run("TwilioSaysWhatBecameOfATextAndWhy", func(t *testing.T) {
		t.Parallel()
		carrier, seen := wire(t, answerJSON(200, map[string]any{"sid": "SM1", "status": "undelivered", "error_code": 30003}))
		report, class, err := carrier.Follow(t.Context(), testMessage, "SM1", at)
		require.NoError(t, err)
		require.Equal(t, Report{CarrierMessageID: "SM1", MessageID: testMessage.ID, Status: DeliveryUndelivered, RawStatus: "undelivered", ErrorCode: "30003"}, report)
		require.Equal(t, Temporary, class)
		require.Contains(t, (<-seen).path, "/Messages/SM1.json")
	})
	t.Run("TwilioKnowsNoSuchText", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, refusal(404, 20404))
		_, _, err := carrier.Follow(t.Context(), testMessage, "SM1", at)
		require.ErrorIs(t, err, ErrNotFound)
		_, _, err = carrier.Follow(t.Context(), testMessage, "", at)
		require.ErrorIs(t, err, ErrNotFound)
	})
	t.Run("AliyunSaysItByOurId", func(t *testing.T) {
		t.Parallel()
		answer := details(1, aliyunMessage.ID)
		detail := answer["SmsSendDetailDTOs"].(map[string]any)["SmsSendDetailDTO"].([]any)[0].(map[string]any)
		detail["SendStatus"], detail["ErrCode"] = 2, "USER_REJECT"
		carrier, _ := aliyunWire(t, answerJSON(200, answer))
		report, class, err := carrier.Follow(t.Context(), aliyunMessage, "", at)
		require.NoError(t, err)
		require.Equal(t, DeliveryUndelivered, report.Status)
		require.Equal(t, "out-"+aliyunMessage.ID, report.CarrierMessageID)
		require.Equal(t, OptedOut, class)
	})
}

func TestHeard(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 24, 9, 0, 0, 0, china)
	t.Run("BringsWhatPeopleSentAndNothingOfOurs", func(t *testing.T) {
		t.Parallel()
		theirs := listed("SM1", "K7Q2M 1", testTo, since, "received")
		theirs["direction"], theirs["to"] = "inbound", testFrom
		ours := listed("SM2", "text", testFrom, since, "sent")
		ours["direction"] = "outbound-api"
		carrier, seen := wire(t, answerJSON(200, map[string]any{"messages": []any{theirs, ours}}))
		heard, err := carrier.Heard(t.Context(), testFrom, since)
		require.NoError(t, err)
		require.Equal(t, []Inbound{{CarrierMessageID: "SM1", From: testTo, To: testFrom, Text: "K7Q2M 1"}}, heard)
		request := <-seen
		require.Equal(t, http.MethodGet, request.method)
		require.Equal(t, testFrom, request.form.Get("To"))
		require.Equal(t, "2026-11-24T01:00:00Z", request.form.Get("DateSent>"))
	})
	t.Run("IsTemporaryWhenTheListFails", func(t *testing.T) {
		t.Parallel()
		carrier, _ := wire(t, refusal(500, 20500))
		_, err := carrier.Heard(t.Context(), testFrom, since)
		requireClass(t, err, Temporary, "20500")
	})
}
