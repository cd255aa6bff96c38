package ratelimit_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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
			l := newLimiter(t, redistest.DialHasty(t, proxy.Addr()), ratelimit.Config{
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
	l := newLimiter(t, redistest.DialHasty(t, proxy.Addr()), ratelimit.Config{Limit: ratelimit.PerSecond(10, 10), RetryPause: time.Hour})
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

// A refused connection is Redis' failure, in however much of a hurry the caller
// was: it is not asked again before its time.
func TestHastyCallersDoNotStormARedisThatRefusesThem(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redistest.Dial(t, server.Addr())
	l := newLimiter(t, rdb, ratelimit.Config{Limit: ratelimit.PerSecond(10, 10), Timeout: time.Hour, RetryPause: time.Hour})
	var asked tally
	rdb.Write().AddHook(&asked)
	server.Kill()
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a sixtieth of Timeout
		if r, err := l.Allow(ctx, "k"); err != nil || !r.Degraded {
			t.Errorf("%+v, %v", r, err)
		}
		cancel()
	}
	if n := asked.commands.Load(); n != 1 {
		t.Errorf("a Redis that refuses connections was asked %d times, want once", n)
	}
}

// tally is a hook of a client that counts its commands.
type tally struct{ commands atomic.Int64 }

func (t *tally) DialHook(next redis.DialHook) redis.DialHook { return next }

func (t *tally) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (t *tally) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		t.commands.Add(1)
		return next(ctx, cmd)
	}
}
