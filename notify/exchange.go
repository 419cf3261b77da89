package notify

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// exchange is what one call showed on the wire; the carriers' libraries drop all of it on an error.
type exchange struct {
	connected  bool // a connection stood, so the request may have left
	status     int  // 0: no answer
	retryAfter time.Duration
}

// callTripper carries one call of a library that takes no ctx and no base address; the
// libraries run the requests of a call one after another.
type callTripper struct {
	ctx       context.Context
	base      *url.URL // nil: the library's own address
	transport http.RoundTripper
	now       func() time.Time
	connected atomic.Bool // set from the transport's goroutine
	seen      exchange
}

// RoundTrip implements http.RoundTripper.
func (c *callTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) },
	})
	request = request.Clone(ctx)
	if base := c.base; base != nil {
		request.URL.Scheme, request.URL.Host, request.Host = base.Scheme, base.Host, base.Host
		request.URL.Path = strings.TrimRight(base.Path, "/") + request.URL.Path
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		c.seen.status = 0
		return nil, err
	}
	c.seen.status = response.StatusCode
	c.seen.retryAfter = retryAfter(response.Header.Get("Retry-After"), c.now())
	return response, nil
}

func (c *callTripper) exchange() exchange {
	seen := c.seen
	seen.connected = c.connected.Load()
	return seen
}

func ownTransport() http.RoundTripper {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.MaxIdleConnsPerHost = 64 // the default of 2 would dial anew for nearly every message of a batch
	return own
}
