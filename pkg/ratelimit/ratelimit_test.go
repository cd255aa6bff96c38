package ratelimit_test

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(childOf); addr != "" {
		if err := beChild(addr); err != nil {
			log.Fatal(err)
		}
		return
	}
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

var algorithms = map[string]ratelimit.Algorithm{"token bucket": ratelimit.TokenBucket, "gcra": ratelimit.GCRA}

func newLimiter(t testing.TB, rdb *redisclient.Client, cfg ratelimit.Config) *ratelimit.Limiter {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second // on a busy machine, Redis is not away for being slow
	}
	l, err := ratelimit.New(rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func allowN(t testing.TB, l *ratelimit.Limiter, key string, n int64) ratelimit.Result {
	t.Helper()
	r, err := l.AllowN(t.Context(), key, n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBurstThenRefusal(t *testing.T) {
	t.Parallel()
	burstThenRefusal(t, redistest.Open(t))
}

func TestBurstThenRefusalInACluster(t *testing.T) {
	t.Parallel()
	burstThenRefusal(t, redistest.Cluster(t))
}

func burstThenRefusal(t *testing.T, rdb *redisclient.Client) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			l := newLimiter(t, rdb, ratelimit.Config{Name: name, Limit: ratelimit.PerMinute(1, 5), Algorithm: algorithm})
			if r := allowN(t, l, "k", 3); !r.Allowed || r.Limit != 5 || r.Remaining != 2 || r.RetryAfter != 0 || r.Degraded {
				t.Errorf("first: %+v", r)
			}
			if r := allowN(t, l, "k", 3); r.Allowed || r.Remaining != 2 || r.RetryAfter > time.Minute || r.RetryAfter < 55*time.Second {
				t.Errorf("more than is left: %+v", r)
			}
			if r := allowN(t, l, "k", 2); !r.Allowed || r.Remaining != 0 || r.ResetAfter > 5*time.Minute || r.ResetAfter < 295*time.Second {
				t.Errorf("what is left: %+v", r)
			}
			if r := allowN(t, l, "k", 1); r.Allowed || r.RetryAfter > time.Minute || r.RetryAfter < 55*time.Second {
				t.Errorf("empty: %+v", r)
			}
			if r := allowN(t, l, "another", 5); !r.Allowed {
				t.Errorf("another key: %+v", r)
			}
		})
	}
}

// Every window of a random history keeps the bound, and a refusal tells the
// truth: at RetryAfter the same request is allowed, a microsecond before not.
func TestEveryWindowKeepsTheBound(t *testing.T) {
	t.Parallel()
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			server := redistest.Mini(t)
			limit := ratelimit.Limit{Rate: 7, Per: 100 * time.Millisecond, Burst: 5} // 14,285.7 µs between two
			l := newLimiter(t, redistest.Dial(t, server.Addr()), ratelimit.Config{Limit: limit, Algorithm: algorithm, DenyAhead: -1})
			now := time.Now().Truncate(time.Microsecond)
			var at []time.Time // of each event allowed
			for range 1500 {
				server.SetTime(now)
				n := 1 + rand.Int64N(limit.Burst)
				r := allowN(t, l, "k", n)
				if !r.Allowed && rand.IntN(3) == 0 {
					server.SetTime(now.Add(r.RetryAfter - time.Microsecond))
					if early := allowN(t, l, "k", n); early.Allowed {
						t.Fatalf("allowed before RetryAfter: %+v", early)
					}
					now = now.Add(r.RetryAfter)
					server.SetTime(now)
					if r = allowN(t, l, "k", n); !r.Allowed {
						t.Fatalf("refused at RetryAfter: %+v", r)
					}
				}
				if r.Allowed {
					for range n {
						at = append(at, now)
					}
				}
				now = now.Add(time.Duration(rand.IntN(40_000)) * time.Microsecond)
			}
			checkWindows(t, at, limit)
		})
	}
}

// checkWindows holds every window that begins and ends with an event to the
// bound burst + rate × T.
func checkWindows(t *testing.T, at []time.Time, limit ratelimit.Limit) {
	t.Helper()
	for i := range at {
		for j := i; j < len(at); j++ {
			// Multiplied out, so that nothing is rounded.
			count, window := int64(j-i+1)-limit.Burst, at[j].Sub(at[i])
			if count*limit.Per.Nanoseconds() > limit.Rate*window.Nanoseconds() {
				t.Fatalf("%d events in %v", j-i+1, window)
			}
		}
	}
	if len(at) < 100 {
		t.Fatalf("only %d events were allowed", len(at))
	}
}

// Eight processes' worth of callers on one key, each with its own client.
func TestManyClientsShareOneBound(t *testing.T) {
	t.Parallel()
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			first := redistest.Open(t)
			addr := first.Write().(*redis.Client).Options().Addr
			limit := ratelimit.PerSecond(200, 20)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			var allowed atomic.Int64
			var wg sync.WaitGroup
			begun := time.Now()
			for range 8 {
				l := newLimiter(t, redistest.Dial(t, addr), ratelimit.Config{
					Limit: limit, Algorithm: algorithm, DenyAhead: 2 * time.Millisecond,
					OnOutage: ratelimit.Closed, // only Redis' decisions count, not those made as ctx ends
				})
				for range 4 {
					wg.Go(func() {
						for ctx.Err() == nil {
							if r, err := l.Allow(ctx, "hot"); err == nil && r.Allowed {
								allowed.Add(1)
							}
						}
					})
				}
			}
			wg.Wait()
			bound := float64(limit.Burst) + float64(limit.Rate)*time.Since(begun).Seconds()
			if got := allowed.Load(); float64(got) > bound || got < limit.Burst {
				t.Errorf("%d allowed, want at most %.1f", got, bound)
			}
		})
	}
}

// A known refusal costs no round trip, and never lasts longer than Redis said.
func TestKnownRefusalAsksNobody(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	l := newLimiter(t, redistest.Dial(t, server.Addr()), ratelimit.Config{Limit: ratelimit.PerMinute(1, 2), DenyAhead: time.Minute})
	allowN(t, l, "k", 1)
	refused := allowN(t, l, "k", 2)
	server.Close() // whoever asks now is degraded
	if r := allowN(t, l, "k", 2); r.Allowed || r.Degraded || r.RetryAfter > refused.RetryAfter || r.RetryAfter < refused.RetryAfter-10*time.Second {
		t.Errorf("repeated refusal: %+v", r)
	}
	if r := allowN(t, l, "k", 1); !r.Degraded {
		t.Errorf("one event, which may be allowed, was not asked for: %+v", r)
	}
}

func TestAllowedAgainWhenTheRefusalEnds(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, redistest.Open(t), ratelimit.Config{Limit: ratelimit.PerSecond(50, 1)})
	allowN(t, l, "k", 1)
	begun := time.Now()
	redistest.Eventually(t, "the key is allowed again", func() bool { return allowN(t, l, "k", 1).Allowed })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("allowed after %v, want 20 ms", took)
	}
}

// A failover may bring an earlier clock; keys must neither stick nor refill.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			server := redistest.Mini(t)
			now := time.Now()
			server.SetTime(now)
			l := newLimiter(t, redistest.Dial(t, server.Addr()), ratelimit.Config{Limit: ratelimit.PerSecond(1, 3), Algorithm: algorithm, DenyAhead: -1})
			allowN(t, l, "k", 3)
			server.SetTime(now.Add(-time.Hour))
			r := allowN(t, l, "k", 1)
			if r.Allowed || r.RetryAfter > time.Second {
				t.Errorf("after the step: %+v", r)
			}
			server.SetTime(now.Add(-time.Hour + 2*time.Second))
			if r := allowN(t, l, "k", 1); r.Allowed && algorithm == ratelimit.TokenBucket && r.Remaining != 1 {
				t.Errorf("two seconds later: %+v", r)
			} else if algorithm == ratelimit.TokenBucket && !r.Allowed {
				t.Errorf("the key sticks: %+v", r)
			}
		})
	}
}

func TestOutagePolicies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policy  ratelimit.Policy
		allowed int // of ten
	}{
		"open":   {ratelimit.Open, 10},
		"closed": {ratelimit.Closed, 0},
		"local":  {ratelimit.Local, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := redistest.Mini(t)
			rdb := redistest.Dial(t, server.Addr())
			server.Close()
			l := newLimiter(t, rdb, ratelimit.Config{
				Limit: ratelimit.PerMinute(1, 5), Local: ratelimit.PerMinute(1, 2), OnOutage: tt.policy,
			})
			allowed := 0
			for range 10 {
				r := allowN(t, l, "k", 1)
				if r.Allowed {
					allowed++
				}
				if !r.Degraded {
					t.Errorf("not degraded: %+v", r)
				}
			}
			if allowed != tt.allowed {
				t.Errorf("%d of 10 allowed, want %d", allowed, tt.allowed)
			}
		})
	}
}

// A Redis that swallows requests must cost one timeout, not one per caller.
func TestNoPileUpOnADeadRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	proxy := redistest.NewProxy(t, server.Addr())
	l := newLimiter(t, redistest.DialHasty(t, proxy.Addr()), ratelimit.Config{
		Limit: ratelimit.PerMinute(1, 5), OnOutage: ratelimit.Open, Timeout: 50 * time.Millisecond, RetryPause: time.Minute,
	})
	allowN(t, l, "warm", 1)
	proxy.DropReplies.Store(true)
	allowN(t, l, "k", 1)
	begun := time.Now()
	for range 1000 {
		allowN(t, l, "k", 1)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("1000 decisions during an outage took %v", took)
	}
}

func TestRedisIsAskedAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	server, said := redistest.Mini(t), &strings.Builder{}
	l := newLimiter(t, redistest.Dial(t, server.Addr()), ratelimit.Config{
		Limit: ratelimit.PerMinute(600, 1000), RetryPause: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	server.Close()
	for range 10 {
		if r := allowN(t, l, "k", 1); !r.Degraded {
			t.Fatalf("not degraded: %+v", r)
		}
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "Redis decides again", func() bool { return !allowN(t, l, "k", 1).Degraded })
	for _, line := range []string{"rate limiter has no Redis", "rate limiter has Redis again"} {
		if n := strings.Count(said.String(), line); n != 1 {
			t.Errorf("%q stands %d times in the log:\n%s", line, n, said)
		}
	}
}

// The caller's own end is an error and no outage.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, redistest.Open(t), ratelimit.Config{Limit: ratelimit.PerSecond(10, 10)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := l.Allow(ctx, "k"); !errors.Is(err, context.Canceled) || r.Allowed {
		t.Errorf("Allow() = %+v, %v", r, err)
	}
	if r := allowN(t, l, "k", 1); r.Degraded {
		t.Error("a caller's end was taken for an outage")
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, redistest.Open(t), ratelimit.Config{Limit: ratelimit.PerSecond(10, 10)})
	tests := map[string]struct {
		key  string
		n    int64
		want error
	}{
		"empty key":    {"", 1, ratelimit.ErrKey},
		"long key":     {strings.Repeat("k", 513), 1, ratelimit.ErrKey},
		"none":         {"k", 0, ratelimit.ErrCount},
		"negative":     {"k", -1, ratelimit.ErrCount},
		"over a burst": {"k", 11, ratelimit.ErrCount},
	}
	for name, tt := range tests {
		if r, err := l.AllowN(t.Context(), tt.key, tt.n); !errors.Is(err, tt.want) || r.Allowed {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	rdb, good := redistest.Dial(t, "127.0.0.1:1"), ratelimit.PerSecond(1, 1) // not asked
	tests := map[string]struct {
		cfg  ratelimit.Config
		want error
	}{
		"no name":       {ratelimit.Config{Limit: good}, ratelimit.ErrName},
		"no rate":       {ratelimit.Config{Name: "n", Limit: ratelimit.PerSecond(0, 1)}, ratelimit.ErrRate},
		"negative rate": {ratelimit.Config{Name: "n", Limit: ratelimit.PerSecond(-1, 1)}, ratelimit.ErrRate},
		"no period":     {ratelimit.Config{Name: "n", Limit: ratelimit.Limit{Rate: 1, Burst: 1}}, ratelimit.ErrRate},
		"no burst":      {ratelimit.Config{Name: "n", Limit: ratelimit.PerSecond(1, 0)}, ratelimit.ErrBurst},
		"vast burst":    {ratelimit.Config{Name: "n", Limit: ratelimit.PerSecond(1, 1<<60)}, ratelimit.ErrBurst},
		"fast GCRA":     {ratelimit.Config{Name: "n", Limit: ratelimit.PerSecond(1_000_000, 1), Algorithm: ratelimit.GCRA}, ratelimit.ErrRate},
		"bad local":     {ratelimit.Config{Name: "n", Limit: good, Local: ratelimit.PerSecond(1, -1)}, ratelimit.ErrBurst},
		"no algorithm":  {ratelimit.Config{Name: "n", Limit: good, Algorithm: 9}, ratelimit.ErrConfig},
		"no policy":     {ratelimit.Config{Name: "n", Limit: good, OnOutage: 9}, ratelimit.ErrConfig},
		"bad timeout":   {ratelimit.Config{Name: "n", Limit: good, Timeout: -1}, ratelimit.ErrConfig},
		"bad pause":     {ratelimit.Config{Name: "n", Limit: good, RetryPause: -1}, ratelimit.ErrConfig},
	}
	for name, tt := range tests {
		if _, err := ratelimit.New(rdb, tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := ratelimit.New(nil, ratelimit.Config{Name: "n", Limit: good}); !errors.Is(err, ratelimit.ErrConfig) {
		t.Errorf("no client: %v, want ErrConfig", err)
	}
}

// An error that Redis answers with leaves to the policy who got it, and nobody else.
func TestAnAnswerIsNoOutage(t *testing.T) {
	t.Parallel()
	rdb, said := redistest.Open(t), &strings.Builder{}
	l := newLimiter(t, rdb, ratelimit.Config{
		Limit: ratelimit.PerMinute(600, 1000), OnOutage: ratelimit.Closed, RetryPause: time.Minute,
		Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err := rdb.Write().RPush(t.Context(), "souk:limit:test:{list}", "not a limiter's").Err(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if r := allowN(t, l, "list", 1); r.Allowed || !r.Degraded || r.RetryAfter != time.Minute {
			t.Errorf("the key that is no limiter's: %+v", r)
		}
		if r := allowN(t, l, "k", 1); !r.Allowed || r.Degraded {
			t.Fatalf("another key: %+v", r)
		}
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "WRONGTYPE") {
		t.Errorf("the log is not one line that says why:\n%s", said)
	}
}
