package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func from(address, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/me", nil)
	r.RemoteAddr = address
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestLimits(t *testing.T) {
	t.Parallel()

	t.Run("OneAddressDoesNotTakeTheDoorsFromTheOthers", func(t *testing.T) {
		t.Parallel()
		l := newLimits(1, 0)
		for range burstSeconds {
			require.Zero(t, l.wait(from("192.0.2.1:1000", "")))
		}
		require.NotZero(t, l.wait(from("192.0.2.1:2000", "")), "another port is the same caller")
		require.Zero(t, l.wait(from("192.0.2.2:1000", "")))
	})

	t.Run("OneTokenIsOneCallerWhereverItCallsFrom", func(t *testing.T) {
		t.Parallel()
		l := newLimits(0, 1)
		for i := range burstSeconds {
			require.Zero(t, l.wait(from(fmt.Sprintf("192.0.2.%d:1000", i), "ac_one")))
		}
		require.NotZero(t, l.wait(from("192.0.2.99:1000", "ac_one")))
		require.Zero(t, l.wait(from("192.0.2.99:1000", "ac_two")))
		require.Zero(t, l.wait(from("192.0.2.99:1000", "")))
	})

	t.Run("AnIPv6NetworkIsOneCaller", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, blockOf("[2001:db8::1]:1"), blockOf("[2001:db8::2:3]:9"))
		require.NotEqual(t, blockOf("[2001:db8::1]:1"), blockOf("[2001:db8:0:1::1]:1"))
		require.Equal(t, blockOf("192.0.2.1:1"), blockOf("[::ffff:192.0.2.1]:1"))
	})

	t.Run("InventedTokensOfOneAddressTakeNoRoom", func(t *testing.T) {
		t.Parallel()
		l := newLimits(1, 1)
		for i := range 100 {
			l.wait(from("192.0.2.1:1", fmt.Sprint(i)))
		}
		require.LessOrEqual(t, len(l.buckets), 2*burstSeconds)
	})

	t.Run("InventedCallersFillNoMemory", func(t *testing.T) {
		t.Parallel()
		l := newLimits(0, 1)
		for i := range limitedCallers + 5 {
			l.wait(from("192.0.2.1:1", fmt.Sprint(i)))
		}
		require.LessOrEqual(t, len(l.buckets), limitedCallers)
	})
}

func TestProxies(t *testing.T) {
	t.Parallel()
	ours, err := parseProxies("10.0.0.0/8, 192.0.2.7")
	require.NoError(t, err)
	for name, c := range map[string]struct{ remote, forwarded, client string }{
		"TheProxysWordIsTaken":           {"10.1.1.1:99", "203.0.113.5", "203.0.113.5:99"},
		"NobodyElsesIs":                  {"203.0.113.9:99", "198.51.100.1", "203.0.113.9:99"},
		"TheLastHopThatIsNotOursCounts":  {"10.1.1.1:99", "198.51.100.1, 203.0.113.5, 192.0.2.7", "203.0.113.5:99"},
		"WhatIsNoAddressIsNoAddress":     {"10.1.1.1:99", "localhost", "10.1.1.1:99"},
		"AProxyThatCallsForItselfIsSeen": {"10.1.1.1:99", "", "10.1.1.1:99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := from(c.remote, "")
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			require.Equal(t, c.client, ours.client(r))
		})
	}

	t.Run("AWebhookKeepsTheAddressOfItsConnection", func(t *testing.T) {
		t.Parallel()
		var seen string
		h := outermost(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr }), ours, true)
		r := httptest.NewRequest(http.MethodPost, "/webhooks/aliyun/reply", nil)
		r.RemoteAddr = "10.1.1.1:99"
		r.Header.Set("X-Forwarded-For", "203.0.113.5")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, "10.1.1.1:99", seen)
		require.NotEmpty(t, w.Header().Get("Strict-Transport-Security"))
	})
}
