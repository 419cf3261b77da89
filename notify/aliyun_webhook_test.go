package notify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const pushSecret = "a-secret-of-the-proxy"

func TestAliyunTrust(t *testing.T) {
	t.Parallel()
	t.Run("IsNamedAndComplete", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct{ trust, secret, addresses, says string }{
			{"", pushSecret, "203.0.113.7", "name what to trust"},
			{"everybody", "", "", "none of header, addresses, pull"},
			{"header", "", "", "push secret"},
			{"header", "short", "", "at least 16"},
			{"addresses", "", "", "push addresses"},
			{"addresses", "", "203.0.113.7, nowhere", "nowhere"},
			{"addresses", "", "0.0.0.0/0", "everybody"},
			{"addresses", "", "::/0", "everybody"},
		} {
			_, err := NewAliyunWebhook(c.trust, c.secret, c.addresses)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), pushSecret)
		}
	})
	t.Run("InAHeader", func(t *testing.T) {
		t.Parallel()
		w, err := NewAliyunWebhook("header", pushSecret, "")
		require.NoError(t, err)
		require.True(t, w.Listens())
		require.True(t, w.Trusts([]string{pushSecret}, "198.51.100.1:1"))
		for _, given := range [][]string{nil, {""}, {pushSecret + "x"}, {pushSecret[1:]}, {pushSecret, pushSecret}, {"x", pushSecret}} {
			require.False(t, w.Trusts(given, "203.0.113.7:1"), given)
		}
	})
	t.Run("InAddresses", func(t *testing.T) {
		t.Parallel()
		w, err := NewAliyunWebhook("addresses", "", "203.0.113.7, 198.51.100.0/24 2001:db8::/32")
		require.NoError(t, err)
		require.True(t, w.Listens())
		for _, peer := range []string{"203.0.113.7:9", "[::ffff:203.0.113.7]:9", "198.51.100.250:9", "[2001:db8::9]:9"} {
			require.True(t, w.Trusts(nil, peer), peer)
		}
		for _, peer := range []string{"203.0.113.8:9", "198.51.101.1:9", "[2001:db9::9]:9", "", "203.0.113.7", "x"} {
			require.False(t, w.Trusts([]string{"", pushSecret}, peer), peer)
		}
	})
	t.Run("InNobodyElse", func(t *testing.T) {
		t.Parallel()
		pull, err := NewAliyunWebhook("pull", pushSecret, "203.0.113.7")
		require.NoError(t, err)
		for _, w := range []AliyunWebhook{{}, pull} {
			require.False(t, w.Listens())
			require.False(t, w.Trusts([]string{""}, "203.0.113.7:9"))
			require.False(t, w.Trusts([]string{pushSecret}, "203.0.113.7:9"))
		}
	})
}

func TestReadAliyunReplies(t *testing.T) {
	t.Parallel()
	t.Run("ReadsWhatTheCarrierWrites", func(t *testing.T) {
		t.Parallel()
		replies, unreadable, err := ReadAliyunReplies([]byte(` [
			{"phone_number":"15400000001","send_time":"2026-11-24 09:00:00","content":"1","sign_name":"【沂源县检察院】","dest_code":"1069001","sequence_id":9007199254740993},
			{"phone_number":8615400000002,"send_time":"2026-11-24 09:00:01","content":2,"dest_code":"1069001","sequence_id":"77","new_field":{}}]`))
		require.NoError(t, err)
		require.Zero(t, unreadable)
		require.Equal(t, []Inbound{
			{"9007199254740993", "+8615400000001", "沂源县检察院", "1", "2026-11-24 09:00:00"},
			{"77", "+8615400000002", "1069001", "2", "2026-11-24 09:00:01"},
		}, replies)
	})
	t.Run("KeepsWhatItCannotReadForAPerson", func(t *testing.T) {
		t.Parallel()
		replies, unreadable, err := ReadAliyunReplies([]byte(`[7,{"content":["1"]},{"phone_number":"15400000001","content":"平安"},null,{}]`))
		require.NoError(t, err)
		require.Equal(t, 4, unreadable)
		require.Equal(t, []Inbound{{Text: "7"}, {Text: `{"content":["1"]}`}, {From: "+8615400000001", Text: "平安"}, {Text: "null"}, {Text: "{}"}}, replies)
	})
	t.Run("TakesNoRepeatWhereThereIsNoId", func(t *testing.T) {
		t.Parallel()
		replies, _, err := ReadAliyunReplies([]byte(`[{"content":"1","sequence_id":0},{"content":"1","sequence_id":null},{"content":"1","sequence_id":"a b"}]`))
		require.NoError(t, err)
		for _, r := range replies {
			require.Empty(t, r.CarrierMessageID)
		}
	})
	t.Run("RefusesWhatIsNoList", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{"", "null", "{}", `"x"`, "[", "[{]", "[1,]"} {
			_, _, err := ReadAliyunReplies([]byte(body))
			require.Error(t, err, body)
			_, _, err = ReadAliyunReports([]byte(body))
			require.Error(t, err, body)
		}
	})
}

func TestReadAliyunReports(t *testing.T) {
	t.Parallel()
	reports, unreadable, err := ReadAliyunReports([]byte(`[
		{"phone_number":"15400000001","success":true,"err_code":"DELIVERED","err_msg":"用户接收成功","sms_size":"1","biz_id":"9006^0","out_id":"m-1"},
		{"success":"false","err_code":"MOBILE_IN_BLACK","biz_id":"9007^0"},
		{"success":false,"out_id":12},
		{"biz_id":"9008^0"},
		{"success":true}, 7]`))
	require.NoError(t, err)
	require.Equal(t, 2, unreadable)
	require.Equal(t, []Report{
		{"9006^0", "m-1", DeliveryDelivered, "", "DELIVERED"},
		{"9007^0", "", DeliveryUndelivered, "MOBILE_IN_BLACK", "MOBILE_IN_BLACK"},
		{"out:12", "12", DeliveryUndelivered, "", "success:false"},
		{"9008^0", "", "", "", "success:unknown"},
	}, reports)
}
