package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
)

// hourly is a limit whose tokens no test outlives.
var hourly = ratelimit.Limit{Rate: 1, Per: time.Hour, Burst: 2}

// What was given back may be taken again, and never more than the burst.
func TestReturnedTokensCanBeTaken(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			l := newLimiter(t, rdb, ratelimit.Config{Name: name, Limit: hourly, Algorithm: algorithm, DenyAhead: time.Hour})
			takeAndReturn(t, l)
		})
	}
}

func TestReturnedTokensCanBeTakenWithoutRedis(t *testing.T) {
	rdb := deadRedis(t)
	synctest.Test(t, func(t *testing.T) {
		takeAndReturn(t, newLimiter(t, rdb, ratelimit.Config{Limit: hourly, RetryPause: 24 * time.Hour}))
	})
}

func takeAndReturn(t *testing.T, l *ratelimit.Limiter) {
	t.Helper()
	first, second := allowN(t, l, "k", 1), allowN(t, l, "k", 1)
	refused := allowN(t, l, "k", 1)
	if !first.Allowed || !second.Allowed || refused.Allowed {
		t.Fatalf("%+v, %+v, %+v", first, second, refused)
	}
	l.Return(t.Context(), "k", 1, refused)
	if r := allowN(t, l, "k", 1); r.Allowed {
		t.Errorf("a refusal gave something back: %+v", r)
	}
	l.Return(t.Context(), "k", 1, first)
	if r := allowN(t, l, "k", 1); !r.Allowed {
		t.Errorf("what was given back is refused: %+v", r)
	}
	for range 5 {
		l.Return(t.Context(), "k", 2, second)
	}
	if r := allowN(t, l, "k", 2); !r.Allowed {
		t.Errorf("the burst is refused: %+v", r)
	}
	if r := allowN(t, l, "k", 1); r.Allowed {
		t.Errorf("more than the burst: %+v", r)
	}
}
