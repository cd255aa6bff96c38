package ratelimit_test

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
)

// Callers that cannot wait for Config.Timeout are decided on by the policy too
// when Redis does not answer, also those whose haste opens no breaker.
func TestThePolicyDecidesBeforeTheCallersDeadline(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string]time.Duration{"breaker opens": 400 * time.Millisecond, "hasty": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := redistest.NewProxy(t, redistest.Start(t).Addr())
			l := newLimiter(t, redistest.Dial(t, proxy.Addr()), ratelimit.Config{
				Limit: ratelimit.PerSecond(10, 10), OnOutage: ratelimit.Open, Timeout: timeout,
			})
			allowN(t, l, "k", 1)
			proxy.DropReplies.Store(true)
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				if r, err := l.Allow(ctx, "k"); err != nil || !r.Allowed || !r.Degraded {
					t.Errorf("%+v, %v", r, err)
				}
				cancel()
			}
		})
	}
}

// A caller in too much of a hurry for Redis does not keep others from asking.
func TestAHastyCallerOpensNoBreaker(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Start(t).Addr())
	l := newLimiter(t, redistest.Dial(t, proxy.Addr()), ratelimit.Config{Limit: ratelimit.PerSecond(10, 10), RetryPause: time.Hour})
	allowN(t, l, "k", 1)
	proxy.Latency.Store(int64(300 * time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if r, err := l.Allow(ctx, "k"); err == nil && !r.Degraded {
		t.Errorf("Redis answered in time: %+v", r)
	}
	proxy.Latency.Store(0)
	if r := allowN(t, l, "k", 1); r.Degraded {
		t.Errorf("Redis was not asked: %+v", r)
	}
}
