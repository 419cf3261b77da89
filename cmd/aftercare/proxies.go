package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the addresses whose word about where a request came from is taken.
type proxies []netip.Prefix

// parseProxies reads addresses and CIDR ranges, separated by commas.
func parseProxies(list string) (proxies, error) {
	var found proxies
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		block, err := netip.ParsePrefix(text)
		if err != nil {
			ip, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("AFTERCARE_TRUSTED_PROXIES: %q is neither an address nor a range such as 10.0.0.0/8", text)
			}
			block = netip.PrefixFrom(ip, ip.BitLen())
		}
		found = append(found, block)
	}
	return found, nil
}

func (p proxies) trust(ip netip.Addr) bool {
	return slices.ContainsFunc(p, func(block netip.Prefix) bool { return block.Contains(ip.Unmap()) })
}

// client is where a request really came from: the last address of X-Forwarded-For
// that is not a proxy of ours, when a proxy of ours brought it.
func (p proxies) client(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.trust(at.Addr()) {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return r.RemoteAddr
		}
		if !p.trust(ip) {
			return netip.AddrPortFrom(ip, at.Port()).String()
		}
	}
	return r.RemoteAddr
}

// outermost sets what every answer carries, and where the request came from.
// Webhooks keep the address of the connection: an address list of a carrier is
// trusted by it alone.
func outermost(next http.Handler, from proxies, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasPrefix(r.URL.Path, "/webhooks/") {
			r.RemoteAddr = from.client(r)
		}
		next.ServeHTTP(w, r)
	})
}
