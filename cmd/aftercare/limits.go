package main

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of callers. What they hold is bounded: past so many callers all are
// forgotten, and everybody begins with a full bucket again.
const (
	limitedCallers = 20_000
	forgottenAfter = 10 * time.Minute
	burstSeconds   = 5
)

// limits slows one caller down so that it cannot take the doors from the others:
// by the address it comes from, and by the token or session it brings. Carriers'
// webhooks and the health checks stand outside: a reply is never turned away.
type limits struct {
	address, caller int // requests a second, a burst of burstSeconds' worth; 0: no limit

	mu      sync.Mutex
	buckets map[[32]byte]*bucket
	swept   time.Time
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newLimits(address, caller int) *limits {
	return &limits{address: address, caller: caller, buckets: map[[32]byte]*bucket{}}
}

// wait is how long the caller of r has to wait before it is let in; 0: not at all.
func (l *limits) wait(r *http.Request) time.Duration {
	now := time.Now()
	if wait := l.take("address\x00"+blockOf(r.RemoteAddr), l.address, now); wait > 0 {
		return wait // whatever token it brings is not looked at: invented ones take no room
	}
	if secret := credential(r); secret != "" {
		return l.take("caller\x00"+secret, l.caller, now)
	}
	return 0
}

func (l *limits) take(key string, perSecond int, now time.Time) time.Duration {
	if perSecond == 0 {
		return 0
	}
	id := sha256.Sum256([]byte(key)) // no secret is kept in memory for this
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[id]
	if !ok {
		l.sweep(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(perSecond), perSecond*burstSeconds)}
		l.buckets[id] = b
	}
	b.used = now
	if b.AllowN(now, 1) {
		return 0
	}
	return time.Second
}

// sweep forgets who has not called for a while, and everybody when there are too many.
func (l *limits) sweep(now time.Time) {
	if len(l.buckets) >= limitedCallers {
		clear(l.buckets)
	}
	if now.Sub(l.swept) < forgottenAfter {
		return
	}
	l.swept = now
	for id, b := range l.buckets {
		if now.Sub(b.used) > forgottenAfter {
			delete(l.buckets, id)
		}
	}
}

// blockOf is what one caller's address is counted as: an IPv6 network of 64 bits
// belongs to one household or office.
func blockOf(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := at.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	block, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return block.String()
}

// credential is the secret a request brings, whether it is good or not.
func credential(r *http.Request) string {
	if given := r.Header.Get("Authorization"); given != "" {
		return given
	}
	for _, cookie := range r.Cookies() {
		if len(cookie.Value) > 20 {
			return cookie.Value
		}
	}
	return ""
}
