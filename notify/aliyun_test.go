package notify

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	aliyunKeyID  = "LTAI0123456789"
	aliyunSecret = "aliyun-secret"
	aliyunSign   = "沂源县检察院"
)

var (
	aliyunMessage = Message{
		ID: "0190a1b2-0000-7000-8000-000000000001", To: testTo, Text: testMessage.Text,
		Template: "SMS_1", Params: map[string]string{"code": "K7Q2M", "day": "9月21日"},
	}
	taken = answerJSON(200, map[string]any{"Code": "OK", "Message": "OK", "BizId": "9006^0", "RequestId": "R1"})
)

// aliyunWire is a fake of dysmsapi.aliyuncs.com: the vendor's own library talks to it.
func aliyunWire(t *testing.T, answer http.HandlerFunc) (*Aliyun, chan url.Values) {
	t.Helper()
	seen := make(chan url.Values, 64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen <- r.Form
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return newTestAliyun(t, func(c *AliyunConfig) { c.APIURL = server.URL }), seen
}

func newTestAliyun(t *testing.T, change func(*AliyunConfig)) *Aliyun {
	t.Helper()
	config := AliyunConfig{
		AccessKeyID: aliyunKeyID, AccessKeySecret: aliyunSecret, SignName: "\u3010" + aliyunSign + "\u3011",
		Now: func() time.Time { return time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC) },
	}
	change(&config)
	carrier, err := NewAliyun(config)
	require.NoError(t, err)
	return carrier
}

func aliyunRefusal(status int, code, message string) http.HandlerFunc {
	return answerJSON(status, map[string]any{"Code": code, "Message": message + testTo, "RequestId": "R1"})
}

func requireAliyunClass(t *testing.T, err error, class Class, code string) *SendError {
	t.Helper()
	failure := requireClass(t, err, class, code)
	for _, secret := range []string{strings.TrimPrefix(testTo, "+86"), aliyunKeyID, aliyunSecret, "K7Q2M", aliyunMessage.ID} {
		require.NotContains(t, err.Error(), secret)
	}
	return failure
}

func TestAliyunSend(t *testing.T) {
	t.Parallel()
	t.Run("HandsTheTemplateOverWithOurId", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, taken)
		receipt, err := carrier.Send(t.Context(), aliyunMessage)
		require.NoError(t, err)
		require.Equal(t, Receipt{CarrierMessageID: "9006^0", Delivery: DeliveryQueued}, receipt)
		form := <-seen
		require.Equal(t, "SendSms", form.Get("Action"))
		require.Equal(t, "15400000001", form.Get("PhoneNumbers"))
		require.Equal(t, aliyunMessage.ID, form.Get("OutId"))
		require.Equal(t, aliyunSign, form.Get("SignName"))
		require.Equal(t, "SMS_1", form.Get("TemplateCode"))
		require.JSONEq(t, `{"code":"K7Q2M","day":"9月21日"}`, form.Get("TemplateParam"))
		require.Equal(t, aliyunKeyID, form.Get("AccessKeyId"))
		require.NotEmpty(t, form.Get("Signature"))
		require.Empty(t, seen)
	})
	t.Run("UsesTheMessagesOrTheLinesSignature", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, taken)
		m := aliyunMessage
		m.From = "淄博市检察院"
		_, err := carrier.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "淄博市检察院", (<-seen).Get("SignName"))
		m.Signature = "\u3010山东省检察院\u3011"
		_, err = carrier.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "山东省检察院", (<-seen).Get("SignName"))
	})
	t.Run("WritesAForeignNumberWithItsCountry", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, taken)
		m := aliyunMessage
		m.To = "+85261234567"
		_, err := carrier.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "85261234567", (<-seen).Get("PhoneNumbers"))
	})
	t.Run("SendsNothingWithoutAnApprovedTemplate", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, taken)
		m := aliyunMessage
		m.Template = ""
		_, err := carrier.Send(t.Context(), m)
		requireAliyunClass(t, err, Refused, "no_approved_template")
		require.ErrorContains(t, err, "approved no template for this wording")
		require.Empty(t, seen)
	})
}

func TestAliyunSortsRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  Class
		code   string
	}{
		"BadNumber":           {aliyunRefusal(200, "isv.MOBILE_NUMBER_ILLEGAL", ""), Unreachable, "isv.MOBILE_NUMBER_ILLEGAL"},
		"ForbiddenWord":       {aliyunRefusal(200, "isv.BLACK_KEY_CONTROL_LIMIT", ""), Refused, "isv.BLACK_KEY_CONTROL_LIMIT"},
		"ParameterTooLong":    {aliyunRefusal(200, "isv.PARAM_LENGTH_LIMIT", ""), Refused, "isv.PARAM_LENGTH_LIMIT"},
		"LinkAsParameter":     {aliyunRefusal(200, "isv.PARAM_NOT_SUPPORT_URL", ""), Refused, "isv.PARAM_NOT_SUPPORT_URL"},
		"CodeOfTomorrow":      {aliyunRefusal(200, "isv.TOMORROW", ""), Refused, "isv.TOMORROW"},
		"UnknownTemplate":     {aliyunRefusal(200, "isv.SMS_TEMPLATE_ILLEGAL", ""), Misconfigured, "isv.SMS_TEMPLATE_ILLEGAL"},
		"UnknownSignature":    {aliyunRefusal(200, "isv.SMS_SIGNATURE_ILLEGAL", ""), Misconfigured, "isv.SMS_SIGNATURE_ILLEGAL"},
		"NoMoney":             {aliyunRefusal(200, "isv.AMOUNT_NOT_ENOUGH", ""), Misconfigured, "isv.AMOUNT_NOT_ENOUGH"},
		"OutOfService":        {aliyunRefusal(200, "isv.OUT_OF_SERVICE", ""), Misconfigured, "isv.OUT_OF_SERVICE"},
		"AccountAbnormal":     {aliyunRefusal(200, "isv.ACCOUNT_ABNORMAL", ""), Misconfigured, "isv.ACCOUNT_ABNORMAL"},
		"NoRight":             {aliyunRefusal(200, "isp.RAM_PERMISSION_DENY", ""), Misconfigured, "isp.RAM_PERMISSION_DENY"},
		"WrongKey":            {aliyunRefusal(404, "InvalidAccessKeyId.NotFound", ""), Misconfigured, "InvalidAccessKeyId.NotFound"},
		"WrongSecret":         {aliyunRefusal(400, "SignatureDoesNotMatch", ""), Misconfigured, "SignatureDoesNotMatch"},
		"Gateway400":          {aliyunRefusal(400, "MissingParameter", ""), Refused, "MissingParameter"},
		"GatewayThrottles":    {aliyunRefusal(400, "Throttling.User", ""), Throttled, "Throttling.User"},
		"GatewayThrottles503": {aliyunRefusal(503, "Throttling", ""), Throttled, "Throttling"},
		"TooManyRequests":     {aliyunRefusal(429, "", ""), Throttled, ""},

		"TheirTrouble":          {aliyunRefusal(200, "isp.SYSTEM_ERROR", ""), Ambiguous, "isp.SYSTEM_ERROR"},
		"SentAgainOnTheWay":     {aliyunRefusal(400, "SignatureNonceUsed", ""), Ambiguous, "SignatureNonceUsed"},
		"ServerError":           {aliyunRefusal(500, "InternalError", ""), Ambiguous, "InternalError"},
		"ServerErrorAsHTML":     {answerText(502, "<html>"+testTo), Ambiguous, ""},
		"CodeThatIsANumber":     {answerJSON(500, map[string]any{"Code": 500}), Ambiguous, ""},
		"CodeThatIsANumber404":  {answerJSON(404, map[string]any{"Code": 404}), Misconfigured, ""},
		"AcceptedButUnreadable": {answerText(200, "<html>"+testTo), Ambiguous, ""},
		"AcceptedButEmpty":      {answerText(200, ""), Ambiguous, ""},
		"AcceptedWithoutId":     {answerJSON(200, map[string]any{"Code": "OK"}), Ambiguous, ""},
		"CodeThatIsNoCode":      {aliyunRefusal(200, "the number "+testTo, ""), Ambiguous, ""},
		"DroppedAfterReading":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Ambiguous, ""},
		"Redirected": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		}, Misconfigured, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			carrier, seen := aliyunWire(t, c.answer)
			_, err := carrier.Send(t.Context(), aliyunMessage)
			requireAliyunClass(t, err, c.class, c.code)
			<-seen
			require.Empty(t, seen, "nothing is ever sent twice")
		})
	}
	for message, pause := range map[string]time.Duration{
		"触发分钟级流控Permits:1": time.Minute, "触发小时级流控Permits:5": time.Hour, "触发天级流控Permits:10": 15 * time.Hour, "slowly": 0,
	} {
		t.Run("ThrottledFor"+pause.String(), func(t *testing.T) {
			t.Parallel()
			carrier, seen := aliyunWire(t, aliyunRefusal(200, "isv.BUSINESS_LIMIT_CONTROL", message))
			_, err := carrier.Send(t.Context(), aliyunMessage)
			require.Equal(t, pause, requireAliyunClass(t, err, Throttled, "isv.BUSINESS_LIMIT_CONTROL").RetryAfter)
			<-seen
			require.Empty(t, seen)
		})
	}
}

func answerText(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestAliyunSortsFailuresOfTheWire(t *testing.T) {
	t.Parallel()
	held := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("AmbiguousWhenTheAnswerTakesTooLong", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, held)
		carrier.config.Timeout = 50 * time.Millisecond
		_, err := carrier.Send(t.Context(), aliyunMessage)
		requireAliyunClass(t, err, Ambiguous, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		<-seen
		require.Empty(t, seen, "nothing is ever sent twice")
	})
	t.Run("AmbiguousWhenTheBodyTakesTooLong", func(t *testing.T) {
		t.Parallel()
		carrier, _ := aliyunWire(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			held(w, r)
		})
		carrier.config.Timeout = 50 * time.Millisecond
		_, err := carrier.Send(t.Context(), aliyunMessage)
		requireAliyunClass(t, err, Ambiguous, "")
	})
	t.Run("StopsWithItsCaller", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, held)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-seen
			cancel()
		}()
		_, err := carrier.Send(ctx, aliyunMessage)
		requireAliyunClass(t, err, Ambiguous, "")
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("TemporaryWhenCancelledBeforehand", func(t *testing.T) {
		t.Parallel()
		carrier, seen := aliyunWire(t, held)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := carrier.Send(ctx, aliyunMessage)
		requireAliyunClass(t, err, Temporary, "")
		require.Empty(t, seen)
	})
	t.Run("TemporaryWhenTheConnectionIsRefused", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		carrier := newTestAliyun(t, func(c *AliyunConfig) { c.APIURL = "http://" + listener.Addr().String() })
		_, err = carrier.Send(t.Context(), aliyunMessage)
		requireAliyunClass(t, err, Temporary, "")
	})
}

func TestAliyunGoesToItsOwnAddressOverTLS(t *testing.T) {
	t.Parallel()
	var went []string
	carrier := newTestAliyun(t, func(c *AliyunConfig) {
		c.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			went = append(went, r.Method+" "+r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
			return nil, net.ErrClosed
		})
	})
	_, err := carrier.Send(t.Context(), aliyunMessage)
	requireAliyunClass(t, err, Temporary, "")
	require.Equal(t, []string{"POST https://dysmsapi.aliyuncs.com/"}, went)
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewAliyunReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := NewAliyun(AliyunConfig{APIURL: "ftp://x", SignName: "\u3010\u3011"})
	for _, says := range []string{"access key", "signature", "API URL"} {
		require.ErrorContains(t, err, says)
	}
}

func TestAliyunDeliveryClass(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]Class{
		"MOBILE_IN_BLACK": OptedOut, "USER_REJECT": OptedOut, "MOBILE_NOT_ON_SERVICE": Temporary, "MOBILE_SEND_LIMIT": Throttled,
		"CONTENT_KEYWORD": Refused, "isv.MOBILE_NUMBER_ILLEGAL": Unreachable, "": Refused, "TOMORROW": Refused,
	} {
		require.Equal(t, class, AliyunDeliveryClass(code), code)
	}
}
