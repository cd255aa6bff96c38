package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
)

// slowly makes a limiter whose Redis answers late and whose time stands still,
// so that callers gather and no token comes back.
func slowly(t *testing.T, algorithm ratelimit.Algorithm, burst int64) (*ratelimit.Limiter, *miniredis.Miniredis) {
	t.Helper()
	server := redistest.Mini(t)
	server.SetTime(time.Now())
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Latency.Store(int64(50 * time.Millisecond))
	return newLimiter(t, redistest.DialHasty(t, proxy.Addr()), ratelimit.Config{
		Limit: ratelimit.PerMinute(1, burst), Algorithm: algorithm, DenyAhead: -1, OnOutage: ratelimit.Closed,
	}), server
}

// Callers that gather while calls are under way share the next, and are decided
// on as if each had come alone.
func TestCallersOfOneKeyShareACall(t *testing.T) {
	t.Parallel()
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			const callers, burst = 200, 70
			l, server := slowly(t, algorithm, burst)
			var allowed, left atomic.Int64
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					if r := allowN(t, l, "k", 1); r.Allowed {
						allowed.Add(1)
						left.Add(r.Remaining)
					}
				})
			}
			wg.Wait()
			if got := allowed.Load(); got != burst {
				t.Errorf("%d of %d allowed, want %d", got, callers, burst)
			}
			if got := left.Load(); got != burst*(burst-1)/2 {
				t.Errorf("what was left of %d adds up to %d, so two took the same", burst, got)
			}
			if got := server.CommandCount(); got >= callers {
				t.Errorf("%d commands for %d callers", got, callers)
			}
		})
	}
}

// Of a call that many share, each gets what it asked for: one that asks for too
// much keeps nobody behind it from what is left.
func TestSharersAskForDifferentCounts(t *testing.T) {
	t.Parallel()
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			const burst = 100
			l, _ := slowly(t, algorithm, burst)
			var taken atomic.Int64
			var wg sync.WaitGroup
			for i := range int64(60) {
				wg.Go(func() {
					if r := allowN(t, l, "k", 1+i%9); r.Allowed {
						taken.Add(1 + i%9)
					} else if r.Remaining > i%9 {
						t.Errorf("%d refused with %d left", 1+i%9, r.Remaining)
					}
				})
			}
			wg.Wait()
			// What is left is told to one who asks for more than there is.
			left := allowN(t, l, "k", burst).Remaining
			if got := taken.Load(); got != burst-left {
				t.Errorf("%d taken of %d, of which %d are left", got, burst, left)
			}
		})
	}
}

// Who gives up while it waits for others' calls is not charged.
func TestWhoGivesUpIsNotCharged(t *testing.T) {
	t.Parallel()
	const burst, callers, much = 1000, 5, 100
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	cfg := ratelimit.Config{Limit: ratelimit.PerMinute(1, burst), DenyAhead: -1, OnOutage: ratelimit.Closed, Timeout: time.Second}
	l, other := newLimiter(t, redistest.DialHasty(t, proxy.Addr()), cfg), newLimiter(t, redistest.Dial(t, server.Addr()), cfg)
	left := func() int64 { return allowN(t, other, "k", burst).Remaining }
	allowN(t, l, "k", 1)
	proxy.DropReplies.Store(true)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { allowN(t, l, "k", 1) })
	}
	redistest.Eventually(t, "a call is under way", func() bool { return left() < burst-1 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if r, err := l.AllowN(ctx, "k", much); err == nil && !r.Degraded {
		t.Errorf("decided: %+v", r)
	}
	proxy.DropReplies.Store(false)
	wg.Wait()
	redistest.Eventually(t, "Redis decides again", func() bool { return !allowN(t, l, "k", 1).Degraded })
	if got := left(); got < burst-much {
		t.Errorf("%d left of %d", got, burst)
	}
}

// Who leaves a call that others share fails none of them.
func TestWhoLeavesFailsNobody(t *testing.T) {
	t.Parallel()
	l, _ := slowly(t, ratelimit.TokenBucket, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var stayed, left sync.WaitGroup
	for range 40 {
		left.Go(func() {
			for {
				if _, err := l.Allow(ctx, "k"); errors.Is(err, context.Canceled) {
					return
				}
			}
		})
	}
	for range 40 {
		stayed.Go(func() {
			for range 4 {
				if r := allowN(t, l, "k", 1); !r.Allowed && r.Degraded {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	cancel()
	left.Wait()
	stayed.Wait()
}
