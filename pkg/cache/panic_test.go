package cache_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

// touchy is a codec that panics over one value.
type touchy struct{ cache.JSON[product] }

func (c touchy) Encode(p product) ([]byte, error) {
	boom(p)
	return c.JSON.Encode(p)
}

func boom(p product) {
	if p.Name == "bomb" {
		panic("boom")
	}
}

// panicking are the options whose functions a cache calls on goroutines of its
// own.
var panicking = map[string]cache.Option[product]{
	"encode":   cache.WithCodec[product](touchy{}),
	"lifetime": cache.WithLifetime(func(_ string, p product) cache.Lifetime { boom(p); return cache.Lifetime{} }),
	"cost":     cache.WithCost(func(_ string, p product) uint32 { boom(p); return 1 }),
}

// The process goes on, who wanted the value gets an error, and whoever wanted
// another does not notice, also of the same batch.
func TestPanicInAnOptionIsAnErrorOfItsKey(t *testing.T) {
	t.Parallel()
	for name, option := range panicking {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := newCache(t, redistest.Open(t), cache.Config{}, option), &shop{}
			s.set("a", "apple")
			s.set("b", "bomb")
			got, err := c.MGet(t.Context(), []string{"a", "b"}, s.many(nil))
			wantBoom(t, "MGet", err)
			if got["a"].Name != "apple" || len(got) != 1 {
				t.Errorf("MGet found %v", got)
			}
			_, _, err = c.Get(t.Context(), "b", s.load("b"))
			wantBoom(t, "Get", err)
			_, _, err = c.Refresh(t.Context(), "b", s.load("b"))
			wantBoom(t, "Refresh", err)
			if n := c.Stats().Panics; n != 3 {
				t.Errorf("%d panics counted, want 3", n)
			}
			s.set("b", "berry")
			if err := c.Invalidate(t.Context(), "b"); err != nil {
				t.Error(err)
			}
			want(t, c, "b", s.load("b"), "berry")
		})
	}
}

// What a process cannot measure is an error there, and stays for the others.
func TestPanicOverAValueOfRedis(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	c, other := newCache(t, rdb, cache.Config{}, panicking["cost"]), newCache(t, rdb, cache.Config{})
	if err := other.Set(t.Context(), "b", product{"bomb"}); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.Get(t.Context(), "b", s.load("b"))
	wantBoom(t, "Get", err)
	want(t, other, "b", s.load("b"), "bomb")
	if n := s.loads.Load(); n > 0 {
		t.Errorf("%d loads", n)
	}
}

func TestPanicInSetInvalidates(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"encode", "lifetime"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := newCache(t, redistest.Open(t), cache.Config{}, panicking[name]), &shop{}
			s.set("a", "old")
			want(t, c, "a", s.load("a"), "old")
			wantBoom(t, "Set", c.Set(t.Context(), "a", product{"bomb"}))
			s.set("a", "new")
			want(t, c, "a", s.load("a"), "new")
		})
	}
}

func TestPanicInARefreshAhead(t *testing.T) {
	t.Parallel()
	for name, option := range panicking {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := cache.Config{SoftTTL: time.Millisecond, TTL: time.Hour, Jitter: 0.01}
			c, s := newCache(t, redistest.Open(t), cfg, option), &shop{}
			s.set("a", "apple")
			want(t, c, "a", s.load("a"), "apple")
			s.set("a", "bomb")
			redistest.Eventually(t, "it is refreshed", func() bool {
				_, _, _ = c.Get(t.Context(), "a", s.load("a"))
				return c.Stats().Panics > 0
			})
			c.Close() // waits for the refresh
		})
	}
}

// As a test does that fails in a loader.
func TestLoaderThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _, err := c.Get(ctx, "a", func(context.Context) (product, bool, error) {
		runtime.Goexit()
		return product{}, false, nil
	})
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
}

func wantBoom(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("%s: %v", call, err)
	}
}
