package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// soon is a Config whose values are due for a refresh at once and live on.
func soon() cache.Config {
	return cache.Config{TTL: time.Hour, L1TTL: time.Hour, SoftTTL: time.Millisecond}
}

// gated waits for the gate after it has read the source.
func (s *shop) gated(key string, gate <-chan struct{}) cache.Loader[product] {
	return func(ctx context.Context) (product, bool, error) {
		p, found, err := s.load(key)(ctx)
		<-gate
		return p, found, err
	}
}

func refreshed(t *testing.T, c *cache.Cache[product], key string, load cache.Loader[product]) {
	t.Helper()
	redistest.Eventually(t, "a refresh begins", func() bool {
		_, _, _ = c.Get(t.Context(), key, load)
		return c.Stats().Refreshes == 1
	})
}

func TestReadersGetTheOldValueWhileOneRefreshes(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		s, gate := &shop{}, make(chan struct{})
		c, other := newCache(t, rdb, soon()), newCache(t, rdb, soon())
		begun := func() int64 { return c.Stats().Refreshes + other.Stats().Refreshes }
		s.set("a", "old")
		want(t, c, "a", s.load("a"), "old")
		s.set("a", "new")
		for i := 0; i < 100 || begun() == 0; i++ {
			want(t, c, "a", s.gated("a", gate), "old")
			want(t, other, "a", s.gated("a", gate), "old")
		}
		if n := begun(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
		close(gate)
		redistest.Eventually(t, "the new value is there", func() bool {
			got, _, _ := newCache(t, rdb, cache.Config{}).Get(t.Context(), "a", s.load("b"))
			return got.Name == "new"
		})
	})
}

func TestRefreshCannotPutBackWhatWasInvalidated(t *testing.T) {
	t.Parallel()
	rdb, s, gate := redistest.Open(t), &shop{}, make(chan struct{})
	c, writer := newCache(t, rdb, soon()), newCache(t, rdb, cache.Config{})
	s.set("a", "old")
	want(t, c, "a", s.load("a"), "old")
	refreshed(t, c, "a", s.gated("a", gate))
	redistest.Eventually(t, "the refresh has read", func() bool { return s.loads.Load() == 2 })
	s.set("a", "new")
	if err := writer.Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, writer, "a", s.load("a"), "new")
	close(gate)
	redistest.Eventually(t, "the refresh ends", func() bool { return c.Stats().Voided == 1 })
	want(t, newCache(t, rdb, cache.Config{}), "a", s.load("a"), "new")
}

func TestFailedRefreshIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "old")
	want(t, newCache(t, rdb, soon()), "a", s.load("a"), "old")
	s.fail(errors.New("broken"))
	first := newCache(t, rdb, soon())
	refreshed(t, first, "a", s.load("a"))
	first.Close() // and so the refresh has ended
	later := newCache(t, rdb, soon())
	for range 10 {
		want(t, later, "a", s.load("a"), "old")
	}
	later.Close()
	if n := s.loads.Load(); n != 2 {
		t.Errorf("%d loads, want 2", n)
	}
}

// A load of 5 ms and this Beta spread refreshes over hours before the end.
func TestValuesAreRefreshedBeforeTheirEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		beta float64
		want int64
	}{"by chance": {1e7, 1}, "never": {-1, 0}} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, redistest.Open(t), cache.Config{TTL: time.Hour, L1TTL: time.Hour, Beta: tt.beta})
			slow := func(context.Context) (product, bool, error) {
				time.Sleep(5 * time.Millisecond) // the source's own time
				return product{"apple"}, true, nil
			}
			want(t, c, "a", slow, "apple")
			for range 100 {
				want(t, c, "a", slow, "apple")
			}
			c.Close() // waits for what began
			if got := c.Stats().Refreshes; got != tt.want {
				t.Errorf("%d refreshes, want %d", got, tt.want)
			}
		})
	}
}

func TestRefreshReplaces(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		s := &shop{}
		c := newCache(t, rdb, cache.Config{})
		for _, name := range []string{"first", "second"} { // nothing was there, then something
			s.set("a", name)
			if got, found, err := c.Refresh(t.Context(), "a", s.load("a")); got.Name != name || !found || err != nil {
				t.Errorf("Refresh = %v, %v, %v", got, found, err)
			}
			want(t, c, "a", s.load("b"), name)
			want(t, newCache(t, rdb, cache.Config{}), "a", s.load("b"), name)
		}
		s.fail(errors.New("broken"))
		if _, _, err := c.Refresh(t.Context(), "a", s.load("a")); err == nil {
			t.Error("a failed load is no error")
		}
		want(t, c, "a", s.load("b"), "second")
	})
}

// Who gives up on a Refresh leaves at once. The load goes on, and fills.
func TestRefreshGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	rdb, s, gate := redistest.Open(t), &shop{}, make(chan struct{})
	c, tired := newCache(t, rdb, cache.Config{LoadTimeout: time.Minute}), errors.New("tired")
	s.set("a", "apple")
	ctx, leave := context.WithCancelCause(t.Context())
	_, _, err := c.Refresh(ctx, "a", func(ctx context.Context) (product, bool, error) {
		leave(tired)
		<-gate
		if ctx.Err() != nil {
			t.Errorf("the loader's context: %v", context.Cause(ctx))
		}
		return s.load("a")(ctx)
	})
	if !errors.Is(err, tired) {
		t.Errorf("Refresh: %v, want the cause", err)
	}
	close(gate)
	redistest.Eventually(t, "the load has ended", func() bool { return c.Stats().Loading == 0 })
	want(t, newCache(t, rdb, cache.Config{}), "a", s.load("b"), "apple")
}

func TestRefreshWaitsForASlotUntilItsDeadline(t *testing.T) {
	t.Parallel()
	s, gate := &shop{}, make(chan struct{})
	c := newCache(t, redistest.Open(t), cache.Config{MaxLoads: 1})
	s.set("a", "apple")
	var reader sync.WaitGroup
	reader.Go(func() { want(t, c, "a", s.gated("a", gate), "apple") })
	redistest.Eventually(t, "the slot is taken", func() bool { return s.loads.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := c.Refresh(ctx, "b", s.load("b")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Refresh: %v, want the deadline", err)
	}
	close(gate)
	reader.Wait()
}

// A Refresh does not wait for a load that began before it, whose answer may be
// older, and that load does not overwrite the newer answer.
func TestRefreshOvertakesALoad(t *testing.T) {
	t.Parallel()
	rdb, s, gate := redistest.Open(t), &shop{}, make(chan struct{})
	c := newCache(t, rdb, cache.Config{})
	s.set("a", "old")
	var wg sync.WaitGroup
	wg.Go(func() { want(t, newCache(t, rdb, cache.Config{}), "a", s.gated("a", gate), "old") })
	redistest.Eventually(t, "the load has read", func() bool { return s.loads.Load() == 1 })
	s.set("a", "new")
	if got, _, err := c.Refresh(t.Context(), "a", s.load("a")); got.Name != "new" || err != nil {
		t.Errorf("Refresh = %v, %v", got, err)
	}
	close(gate)
	wg.Wait()
	want(t, newCache(t, rdb, cache.Config{}), "a", s.load("a"), "new")
}

// A Refresh that fails leaves the lease of a load that is under way elsewhere.
func TestFailedRefreshLeavesTheLeaseOfAnother(t *testing.T) {
	t.Parallel()
	rdb, s, gate := redistest.Open(t), &shop{}, make(chan struct{})
	loader, c := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	s.set("a", "apple")
	var wg sync.WaitGroup
	wg.Go(func() { want(t, loader, "a", s.gated("a", gate), "apple") })
	redistest.Eventually(t, "the load has read", func() bool { return s.loads.Load() == 1 })
	broken := errors.New("broken")
	_, _, err := c.Refresh(t.Context(), "a", func(context.Context) (product, bool, error) { return product{}, false, broken })
	if !errors.Is(err, broken) {
		t.Errorf("Refresh: %v", err)
	}
	close(gate)
	wg.Wait()
	want(t, c, "a", s.load("a"), "apple")
	if n := s.loads.Load(); n != 1 || loader.Stats().Voided != 0 {
		t.Errorf("%d loads, %d of them void", n, loader.Stats().Voided)
	}
}

func TestValuesChooseTheirLifetime(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	lifetime := func(_ string, p product) cache.Lifetime {
		return map[string]cache.Lifetime{"short": {Hard: time.Minute}, "over": {Hard: -1}}[p.Name]
	}
	c := newCache(t, redistest.Dial(t, mini.Addr()), cache.Config{TTL: time.Hour, Jitter: 1e-9}, cache.WithLifetime(lifetime))
	for name, ttl := range map[string]time.Duration{"short": time.Minute, "other": time.Hour, "over": 0} {
		s.set(name, name)
		want(t, c, name, s.load(name), name)
		if got := mini.TTL("souk:cache:product:" + name); got > ttl || got < ttl-time.Second {
			t.Errorf("%s lives for %v, want %v", name, got, ttl)
		}
	}
	before := s.loads.Load()
	want(t, c, "over", s.load("over"), "over")
	if s.loads.Load() == before {
		t.Error("a value that is over was kept")
	}
	if err := c.Set(t.Context(), "x", product{"over"}); !errors.Is(err, cache.ErrTTL) {
		t.Errorf("Set of a value that is over: %v", err)
	}
}

// Nobody can read what stands there, and every entry begins like that: what
// another process stores while the load runs must not be taken for it.
func TestRefreshOfAnUnreadableEntryBringsBackNoOldValue(t *testing.T) {
	t.Parallel()
	for name, spoilt := range map[string]string{"flag of a value": "\x01", "flag of a lease": "\x04", "longer than a header": strings.Repeat("?", 40)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb, s, gate := redistest.Open(t), &shop{}, make(chan struct{})
			c, other := newCache(t, rdb, cache.Config{NoL1: true}), newCache(t, rdb, cache.Config{NoL1: true})
			spoil(t, rdb, spoilt)
			s.set("a", "old")
			var refresh sync.WaitGroup
			refresh.Go(func() {
				if _, _, err := c.Refresh(t.Context(), "a", s.gated("a", gate)); err != nil {
					t.Error(err)
				}
			})
			redistest.Eventually(t, "the load has read", func() bool { return s.loads.Load() == 1 })
			s.set("a", "new")
			if err := other.Invalidate(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			spoil(t, rdb, spoilt) // the very same again
			want(t, other, "a", s.load("a"), "new")
			close(gate)
			refresh.Wait()
			want(t, other, "a", s.load("a"), "new")
		})
	}
}

func spoil(t *testing.T, rdb *redisclient.Client, content string) {
	t.Helper()
	if err := rdb.Write().Set(t.Context(), held, content, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// A Refresh replaces what nobody can read.
func TestRefreshReplacesAnUnreadableEntry(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	c, other := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	spoil(t, rdb, "?!")
	s.set("a", "apple")
	if _, found, err := c.Refresh(t.Context(), "a", s.load("a")); !found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	want(t, other, "a", s.load("a"), "apple")
	if n := s.loads.Load(); n != 1 {
		t.Errorf("%d loads", n)
	}
	if n := c.Stats().Unreadable; n != 1 {
		t.Errorf("%d counted as unreadable", n)
	}
}
