package ratelimit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
)

// deadRedis is a client that cannot connect, so that a bubble holds no socket.
func deadRedis(t *testing.T) *redisclient.Client {
	t.Helper()
	rdb, err := redisclient.Open(t.Context(), redisclient.Config{Addrs: []string{"192.0.2.1:0"}, DialTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestLocalLimitKeepsTheBound(t *testing.T) {
	rdb := deadRedis(t)
	synctest.Test(t, func(t *testing.T) {
		limit := ratelimit.PerSecond(30, 5)
		l := newLimiter(t, rdb, ratelimit.Config{Limit: limit, RetryPause: 24 * time.Hour})
		var at []time.Time
		for range 2000 {
			if allowN(t, l, "k", 1).Allowed {
				at = append(at, time.Now())
			}
			time.Sleep(3 * time.Millisecond) // of the bubble's clock
		}
		checkWindows(t, at, limit)
		if len(at) < 180 { // six seconds' worth
			t.Errorf("%d allowed", len(at))
		}
	})
}

// A flood of keys may make the limiter forget, but not the one that is most
// over its limit.
func TestLocalMemoryForgetsTheIdleFirst(t *testing.T) {
	rdb := deadRedis(t)
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, rdb, ratelimit.Config{Limit: ratelimit.PerMinute(1, 50), RetryPause: 24 * time.Hour, MaxLocal: 64})
		allowN(t, l, "busy", 50)
		for i := range 10_000 {
			allowN(t, l, fmt.Sprint("flood", i), 1)
		}
		if allowN(t, l, "busy", 1).Allowed {
			t.Error("the busy key was forgotten")
		}
	})
}
