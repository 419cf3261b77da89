package notify

import (
	"errors"
	"net/http"
	"strings"
	"time"

	aliyunerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
)

const aliyunOK = "OK"

var errNoTemplate = errors.New("the carrier has approved no template for this wording")

// aliyunClasses sorts the answers of SendSms and QuerySendDetails, without their "isv." or
// "isp.". Another "isv." is Refused: what we sent is at fault.
var aliyunClasses = map[string]Class{
	"BUSINESS_LIMIT_CONTROL": Throttled, "DAY_LIMIT_CONTROL": Throttled,

	"MOBILE_NUMBER_ILLEGAL": Unreachable, "DOMESTIC_NUMBER_NOT_SUPPORTED": Misconfigured,

	"BLACK_KEY_CONTROL_LIMIT": Refused, "INVALID_PARAMETERS": Refused, "INVALID_JSON_PARAM": Refused,
	"TEMPLATE_MISSING_PARAMETERS": Refused, "TEMPLATE_PARAMS_ILLEGAL": Refused, "SMS_CONTENT_ILLEGAL": Refused,

	"SMS_TEMPLATE_ILLEGAL": Misconfigured, "SMS_SIGNATURE_ILLEGAL": Misconfigured, "SMS_SIGN_ILLEGAL": Misconfigured,
	"SMS_SIGNATURE_SCENE_ILLEGAL": Misconfigured, "SignatureNotFound": Misconfigured, "TemplateNotFound": Misconfigured,
	"AMOUNT_NOT_ENOUGH": Misconfigured, "OUT_OF_SERVICE": Misconfigured, "MONTH_LIMIT_CONTROL": Misconfigured,
	"PRODUCT_UN_SUBSCRIPT": Misconfigured, "PRODUCT_UNSUBSCRIBE": Misconfigured, "DENY_IP_RANGE": Misconfigured,
	"RAM_PERMISSION_DENY": Misconfigured, "SECURITY_FROZEN_ACCOUNT": Misconfigured, "EXTEND_CODE_ERROR": Misconfigured,
	"SignatureDoesNotMatch": Misconfigured, "IncompleteSignature": Misconfigured, "InvalidTimeStamp.Expired": Misconfigured,

	// A nonce is used once: somebody on the way sent the request again, so the first may have counted.
	"SignatureNonceUsed": Ambiguous,
}

// aliyunDeliveryClasses sorts the error codes of reports. Its codes for "not in service" do not
// tell a phone that is off from one that is no more, so only a person can give a number up.
var aliyunDeliveryClasses = map[string]Class{
	"MOBILE_IN_BLACK": OptedOut, "USER_REJECT": OptedOut,

	"MOBILE_NOT_ON_SERVICE": Temporary, "INVALID_NUMBER": Temporary, "MOBILE_ACCOUNT_ABNORMAL": Temporary,
	"MOBLLE_TERMINAL_ERROR": Temporary, "MOBILE_TERMINAL_ERROR": Temporary, "REQUEST_SUCCESS": Temporary,
	"SP_UNKNOWN_ERROR": Temporary, "IS_CLOSE": Temporary, "NO_ROUTE": Temporary,

	"MOBILE_SEND_LIMIT": Throttled,

	"SIGNATURE_BLACKLIST": Misconfigured,
}

// AliyunDeliveryClass sorts the error code of a report: why a message that was accepted did not
// arrive. What is not known is Refused: a person looks.
func AliyunDeliveryClass(code string) Class {
	if class, ok := aliyunDeliveryClasses[bareCode(code)]; ok {
		return class
	}
	if class, ok := aliyunClasses[bareCode(code)]; ok {
		return class
	}
	return Refused
}

func bareCode(code string) string {
	return strings.TrimPrefix(strings.TrimPrefix(code, "isv."), "isp.")
}

// sendError sorts the outcome of a call. The library's errors quote the address with number,
// template and key id, so only what is known to be safe is kept of them.
func (a *Aliyun) sendError(err error, code, message string, x exchange) *SendError {
	var refused *aliyunerrors.ServerError
	if errors.As(err, &refused) {
		code, message = refused.ErrorCode(), refused.Message()
	}
	failure := &SendError{Code: safeCode(code), RetryAfter: x.retryAfter, Err: safeCause(err, x)}
	failure.Class = classifyAliyun(failure.Code, x)
	if code != "" && x.status >= 200 && x.status < 300 {
		failure.Err = nil // the code says it
	}
	if failure.Class == Throttled && failure.RetryAfter == 0 {
		failure.RetryAfter = aliyunPause(code, message, a.config.Now())
	}
	return failure
}

func classifyAliyun(code string, x exchange) Class {
	answered := x.status >= 200 && x.status < 300
	class, known := aliyunClasses[bareCode(code)]
	switch {
	case x.status == 0 && x.connected:
		return Ambiguous
	case x.status == 0:
		return Temporary
	case x.status == http.StatusTooManyRequests, strings.HasPrefix(code, "Throttling"):
		return Throttled
	case x.status >= 500, x.status == http.StatusRequestTimeout:
		return Ambiguous
	case known:
		return class
	case strings.HasPrefix(bareCode(code), "ACCOUNT_"), strings.HasPrefix(code, "InvalidAccessKeyId"), strings.HasPrefix(code, "Forbidden"):
		return Misconfigured
	case strings.HasPrefix(code, "isv."):
		return Refused
	case answered: // "isp." is trouble of its own, and so is what cannot be read
		return Ambiguous
	}
	switch x.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return Refused
	}
	return Misconfigured
}

// china is the zone of the carrier's days and clocks.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// aliyunPause is how long a limit lasts: the answer names its unit in words only.
func aliyunPause(code, message string, now time.Time) time.Duration {
	switch {
	case strings.Contains(message, "分钟"): // minute
		return time.Minute
	case strings.Contains(message, "小时"): // hour
		return time.Hour
	case strings.Contains(message, "天级"), bareCode(code) == "DAY_LIMIT_CONTROL": // day
		today := now.In(china)
		return time.Date(today.Year(), today.Month(), today.Day()+1, 0, 0, 0, 0, china).Sub(now)
	}
	return 0
}

// safeCode keeps a code that looks like one: it is stored and logged in clear.
func safeCode(code string) string {
	odd := func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(code) > 64 || strings.ContainsFunc(code, odd) {
		return ""
	}
	return code
}
