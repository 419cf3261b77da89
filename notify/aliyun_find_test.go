package notify

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func details(total int, ids ...string) map[string]any {
	listed := []any{}
	for _, id := range ids {
		listed = append(listed, map[string]any{"OutId": id, "PhoneNum": "15400000001", "SendStatus": 3, "ErrCode": "DELIVERED"})
	}
	return map[string]any{"Code": "OK", "TotalCount": total, "SmsSendDetailDTOs": map[string]any{"SmsSendDetailDTO": listed}}
}

func TestAliyunFind(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 24, 8, 50, 0, 0, china) // now is 09:00
	t.Run("AdoptsTheMessageWithOurIdAndNoOther", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, answerJSON(200, details(2, "another", aliyunMessage.ID)))
		receipt, err := carrier.Find(t.Context(), aliyunMessage, since)
		require.NoError(t, err)
		require.Equal(t, []Receipt{{Delivery: DeliveryDelivered}}, receipt)
		form := <-seen
		require.Equal(t, "QuerySendDetails", form.Get("Action"))
		require.Equal(t, "15400000001", form.Get("PhoneNumber"))
		require.Equal(t, "20261124", form.Get("SendDate"))
		require.Equal(t, "50", form.Get("PageSize"))
		carrier, _ = aliyunWire(t, answerJSON(200, details(1, aliyunMessage.ID+"0")))
		_, err = carrier.Find(t.Context(), aliyunMessage, since)
		require.ErrorIs(t, err, ErrNotFound)
	})
	t.Run("LooksAtBothDaysAcrossMidnightInChina", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, func(w http.ResponseWriter, r *http.Request) {
			answer := details(0)
			if r.FormValue("SendDate") == "20261124" {
				answer = details(1, aliyunMessage.ID)
			}
			answerJSON(200, answer)(w, r)
		})
		carrier.config.Now = func() time.Time { return time.Date(2026, 11, 23, 16, 3, 0, 0, time.UTC) }
		_, err := carrier.Find(t.Context(), aliyunMessage, time.Date(2026, 11, 23, 15, 59, 58, 0, time.UTC))
		require.NoError(t, err)
		require.Equal(t, "20261123", (<-seen).Get("SendDate"))
		require.Equal(t, "20261124", (<-seen).Get("SendDate"))
	})
	t.Run("FollowsPagesOfFifty", func(t *testing.T) {
		t.Parallel()
		others := make([]string, 50)
		carrier, seen := aliyunWire(t, func(w http.ResponseWriter, r *http.Request) {
			answer := details(51, others...)
			if r.FormValue("CurrentPage") == "2" {
				answer = details(51, aliyunMessage.ID)
			}
			answerJSON(200, answer)(w, r)
		})
		_, err := carrier.Find(t.Context(), aliyunMessage, since)
		require.NoError(t, err)
		require.Len(t, seen, 2)
	})
	t.Run("CannotKnow", func(t *testing.T) {
		t.Parallel()
		carrier, _ := aliyunWire(t, answerJSON(200, details(3)))
		_, err := carrier.Find(t.Context(), aliyunMessage, since)
		require.ErrorIs(t, err, ErrCannotKnow, "it counts more than it shows")
		carrier, seen := aliyunWire(t, answerJSON(200, details(100_000, make([]string, 50)...)))
		_, err = carrier.Find(t.Context(), aliyunMessage, since)
		require.ErrorIs(t, err, ErrCannotKnow, "a list without end")
		require.Len(t, seen, aliyunPages)
		carrier, seen = aliyunWire(t, answerJSON(200, details(0)))
		_, err = carrier.Find(t.Context(), aliyunMessage, since.AddDate(0, 0, -30))
		require.ErrorIs(t, err, ErrCannotKnow, "longer ago than the list reaches")
		require.Empty(t, seen)
	})
	t.Run("ErrsWhenTheListFails", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			class  Class
			code   string
		}{
			"ServerError": {aliyunRefusal(500, "InternalError", ""), Temporary, "InternalError"},
			"Trouble":     {aliyunRefusal(200, "isp.SYSTEM_ERROR", ""), Temporary, "isp.SYSTEM_ERROR"},
			"NoCount":     {answerJSON(200, map[string]any{"Code": "OK"}), Temporary, ""},
			"NoRight":     {aliyunRefusal(403, "Forbidden.RAM", ""), Misconfigured, "Forbidden.RAM"},
		} {
			carrier, _ := aliyunWire(t, c.answer)
			_, err := carrier.Find(t.Context(), aliyunMessage, since)
			require.Error(t, err, name)
			requireAliyunClass(t, err, c.class, c.code)
		}
	})
	t.Run("KnowsWhatIsOnItsWayAndWhatFailed", func(t *testing.T) {
		t.Parallel()
		for status, delivery := range map[int]string{1: DeliveryQueued, 2: DeliveryUndelivered, 3: DeliveryDelivered, 9: ""} {
			answer := details(1, aliyunMessage.ID)
			answer["SmsSendDetailDTOs"].(map[string]any)["SmsSendDetailDTO"].([]any)[0].(map[string]any)["SendStatus"] = status
			carrier, _ := aliyunWire(t, answerJSON(200, answer))
			receipt, err := carrier.Find(t.Context(), aliyunMessage, since)
			require.NoError(t, err, strconv.Itoa(status))
			require.Equal(t, delivery, receipt[0].Delivery)
		}
	})
}
