package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// Hooks posts what changed to addresses that subscribed, signed as Standard Webhooks
// does: webhook-signature is v1, and the HMAC-SHA256 of "id.timestamp.body".
type Hooks struct {
	Private bool             // private and loopback addresses may be called too
	Now     func() time.Time // stamps the calls
	client  *http.Client
}

// NewHooks makes a caller. Redirects are not followed, and the address is looked at
// when it is dialled: a name may point elsewhere than it did when it was registered.
func NewHooks(private bool, now func() time.Time) *Hooks {
	h := &Hooks{Private: private, Now: now}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !h.Private && !isPublic(at.Addr().Unmap()) {
			return errNotPublic
		}
		return nil
	}}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second, MaxIdleConns: 10, IdleConnTimeout: time.Minute}
	h.client = &http.Client{Timeout: 10 * time.Second, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h
}

var errNotPublic = errors.New("the address is not a public one")

func isPublic(a netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10")
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// Call posts once and tells what was wrong, "" when it was taken (any 2xx). It never
// tells the body of the answer.
func (h *Hooks) Call(ctx context.Context, url, id string, secret, body []byte) (problem string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "the address cannot be called"
	}
	stamp := strconv.FormatInt(h.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", stamp)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	answer, err := h.client.Do(request)
	switch {
	case errors.Is(err, errNotPublic):
		return errNotPublic.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case err != nil:
		return "the address did not answer"
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return "answered " + strconv.Itoa(answer.StatusCode)
	}
	return ""
}
