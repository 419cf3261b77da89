package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/client"
)

// twilioClasses sorts the error codes of api.twilio.com and of status callbacks. What is not
// listed is decided by the HTTP status.
var twilioClasses = map[string]Class{
	"14107": Throttled, "20429": Throttled, "21611": Throttled, "30001": Throttled, "63018": Throttled,

	"21610": OptedOut,

	"21211": Unreachable, "21214": Unreachable, "21217": Unreachable, "21604": Unreachable, "21614": Unreachable,
	"30004": Unreachable, "30005": Unreachable, "30006": Unreachable,

	// A phone that is off comes back, and "unknown" may be anything: worth a second try.
	"30003": Temporary, "30008": Temporary, "30009": Temporary, "30017": Temporary, "30022": Throttled,

	"21602": Refused, "21617": Refused, "30007": Refused, "30018": Refused, "30019": Refused, "30410": Temporary,

	"20003": Misconfigured, "20005": Misconfigured, "20404": Misconfigured, "20403": Misconfigured,
	"21212": Misconfigured, "21222": Misconfigured, "21224": Misconfigured, "21408": Misconfigured,
	"21603": Misconfigured, "21606": Misconfigured, "21608": Misconfigured, "21609": Misconfigured,
	"21612": Misconfigured, "21659": Misconfigured, "21660": Misconfigured, "21701": Misconfigured,
	"21703": Misconfigured, "21704": Misconfigured, "21705": Misconfigured, "30002": Misconfigured,
	"30010": Misconfigured, "30034": Misconfigured, "35118": Misconfigured, "60220": Misconfigured,
}

// DeliveryClass sorts the error code of a status callback: why a message that was accepted did
// not arrive. An empty or unknown code is Refused: a person looks, nothing is sent again by itself.
func DeliveryClass(code string) Class {
	if class, ok := twilioClasses[code]; ok {
		return class
	}
	return Refused
}

var (
	errUnreadable = errors.New("the carrier's answer could not be read")
	errNoSID      = errors.New("the carrier's answer names no message")
)

// sendError sorts the outcome of a call. The library's errors quote numbers and addresses, so
// only what is known to be safe is kept of them.
func sendError(err error, x exchange) *SendError {
	failure := &SendError{RetryAfter: x.retryAfter}
	var rest *client.TwilioRestError
	if errors.As(err, &rest) {
		if rest.Code != 0 {
			failure.Code = strconv.Itoa(rest.Code)
		}
		if x.status == 0 {
			x.status = rest.Status // refused by the library before any request
		}
	}
	failure.Class, failure.Err = classify(failure.Code, x), safeCause(err, x)
	return failure
}

func classify(code string, x exchange) Class {
	switch {
	case x.status == 0 && code == "":
		if x.connected {
			return Ambiguous
		}
		return Temporary
	case x.status == http.StatusTooManyRequests:
		return Throttled
	case x.status >= 500, x.status == http.StatusRequestTimeout, x.status >= 200 && x.status < 300:
		return Ambiguous
	}
	if class, ok := twilioClasses[code]; ok {
		return class
	}
	switch {
	case x.status >= 300 && x.status < 400, x.status == http.StatusUnauthorized, x.status == http.StatusForbidden,
		x.status == http.StatusNotFound, x.status == http.StatusMethodNotAllowed, x.status == http.StatusProxyAuthRequired:
		return Misconfigured
	}
	return Refused
}

func safeCause(err error, x exchange) error {
	var transport *url.Error
	switch {
	case errors.Is(err, errNoSID):
		return errNoSID
	case x.status != 0 && (x.status < 200 || x.status >= 300):
		return fmt.Errorf("the carrier answered %d", x.status)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case x.status != 0:
		return errUnreadable
	case errors.As(err, &transport):
		return transport.Err // without the address, which names account and recipient
	}
	return errors.New("the request could not be made")
}

// retryAfter reads seconds or an HTTP date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return max(0, min(time.Duration(seconds)*time.Second, 24*time.Hour))
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, min(at.Sub(now), 24*time.Hour))
	}
	return 0
}
