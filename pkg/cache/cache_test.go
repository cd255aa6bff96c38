package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type product struct{ Name string }

// shop is a source that can be slow, broken and changed.
type shop struct {
	mu    sync.Mutex
	names map[string]string
	err   error
	loads atomic.Int32
}

func (s *shop) set(key, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string]string)
	}
	s.names[key] = name
}

func (s *shop) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shop) load(key string) cache.Loader[product] {
	return func(context.Context) (product, bool, error) {
		s.loads.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		name, ok := s.names[key]
		return product{name}, ok, s.err
	}
}

func newCache(t *testing.T, rdb *redisclient.Client, cfg cache.Config, opts ...cache.Option[product]) *cache.Cache[product] {
	t.Helper()
	c, err := cache.New("product", rdb, cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func want(t *testing.T, c *cache.Cache[product], key string, load cache.Loader[product], name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, found, err := c.Get(ctx, key, load)
	if err != nil || !found || got.Name != name {
		t.Errorf("Get(%s) = %q, %v, %v, want %q", key, got.Name, found, err, name)
	}
}

func TestReadsGoThroughMemoryThenRedisThenSource(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "apple")
	first, second := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	want(t, first, "a", s.load("a"), "apple")
	want(t, first, "a", s.load("a"), "apple")
	want(t, second, "a", s.load("a"), "apple")
	if st := first.Stats(); st.Loads != 1 || st.L1Hits != 1 {
		t.Errorf("first: %+v", st)
	}
	if st := second.Stats(); st.Loads != 0 || st.L2Hits != 1 {
		t.Errorf("second: %+v", st)
	}
}

func TestAbsenceIsAnAnswer(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	first, second := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	for _, c := range []*cache.Cache[product]{first, first, second} {
		if _, found, err := c.Get(t.Context(), "none", s.load("none")); found || err != nil {
			t.Errorf("found %v, %v", found, err)
		}
	}
	if s.loads.Load() != 1 {
		t.Errorf("%d loads, want 1", s.loads.Load())
	}
}

func TestOneLoadPerKeyAndLease(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "apple")
	gate := make(chan struct{})
	slow := func(ctx context.Context) (product, bool, error) {
		<-gate
		return s.load("a")(ctx)
	}
	var wg sync.WaitGroup
	for range 4 {
		c := newCache(t, rdb, cache.Config{})
		for range 8 {
			wg.Go(func() { want(t, c, "a", slow, "apple") })
		}
	}
	close(gate)
	wg.Wait()
	if s.loads.Load() != 1 {
		t.Errorf("%d loads, want 1", s.loads.Load())
	}
}

func TestCancelledLeaderFailsNobodyElse(t *testing.T) {
	t.Parallel()
	c := newCache(t, redistest.Open(t), cache.Config{})
	loading, gate := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context) (product, bool, error) {
		close(loading)
		<-gate
		return product{"apple"}, true, ctx.Err()
	}
	leaderCtx, cancel := context.WithCancel(t.Context())
	leader := make(chan error)
	go func() {
		_, _, err := c.Get(leaderCtx, "a", load)
		leader <- err
	}()
	<-loading
	cancel()
	if err := <-leader; !errors.Is(err, context.Canceled) {
		t.Errorf("leader got %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { want(t, c, "a", load, "apple") })
	close(gate)
	wg.Wait()
}

// A slow load of the old value must not survive a change that was made and
// invalidated meanwhile, in memory or in Redis, here or elsewhere.
func TestSlowLoadCannotPutBackWhatWasInvalidated(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	reader, writer := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	for name, invalidator := range map[string]*cache.Cache[product]{"same": reader, "other": writer} {
		s.set(name, "old")
		loaded, gate := make(chan struct{}), make(chan struct{})
		slow := func(ctx context.Context) (product, bool, error) {
			p, ok, err := s.load(name)(ctx)
			close(loaded)
			<-gate
			return p, ok, err
		}
		var wg sync.WaitGroup
		wg.Go(func() { want(t, reader, name, slow, "old") }) // it began before
		<-loaded
		s.set(name, "new")
		if err := invalidator.Invalidate(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		want(t, invalidator, name, s.load(name), "new") // although the slow one is under way
		close(gate)
		wg.Wait()
		want(t, reader, name, s.load(name), "new")
		want(t, newCache(t, rdb, cache.Config{}), name, s.load(name), "new")
	}
}

func TestSlowLoadCannotPutBackInMemoryWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, down(t), cache.Config{}), &shop{}
	s.set("a", "old")
	loaded, gate := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context) (product, bool, error) {
		p, ok, err := s.load("a")(ctx)
		close(loaded)
		<-gate
		return p, ok, err
	}
	var wg sync.WaitGroup
	wg.Go(func() { want(t, c, "a", slow, "old") })
	<-loaded
	s.set("a", "new")
	_ = c.Invalidate(t.Context(), "a")
	close(gate)
	wg.Wait()
	want(t, c, "a", s.load("a"), "new")
}

func TestBroadcastDropsOthersMemory(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "old")
	bus := runBus(t, rdb)
	reader := newCache(t, rdb, cache.Config{}, cache.WithBus[product](bus))
	writer := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
	want(t, reader, "a", s.load("a"), "old")
	s.set("a", "new")
	if err := writer.Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the reader sees the change", func() bool {
		got, _, _ := reader.Get(t.Context(), "a", s.load("a"))
		return got.Name == "new"
	})
}

func runBus(t *testing.T, rdb *redisclient.Client) *pubsub.Bus {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{Idle: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{}, 100)
	sub := bus.Subscribe("", pubsub.Handler{Resync: func() { ready <- struct{}{} }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		sub.Close()
	})
	<-ready
	return bus
}

func TestFillsDoNotBroadcast(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	rdb := redistest.Dial(t, mini.Addr())
	c := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
	if mini.HGet("{souk:broadcast}:state", "seq") != "" {
		t.Error("a fill was broadcast")
	}
	if err := c.Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := mini.HGet("{souk:broadcast}:state", "seq"); got != "1" {
		t.Errorf("after one invalidation seq = %q", got)
	}
}

func TestLostConnectionDropsMemory(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	proxy := redistest.NewProxy(t, mini.Addr())
	rdb := redistest.Dial(t, proxy.Addr())
	c := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
	s.set("a", "old")
	want(t, c, "a", s.load("a"), "old")
	s.set("a", "new")
	mini.Del("souk:cache:product:a") // an invalidation whose broadcast is lost
	proxy.Cut()
	redistest.Eventually(t, "the reconnect drops what was kept", func() bool {
		got, _, _ := c.Get(t.Context(), "a", s.load("a"))
		return got.Name == "new"
	})
}

func TestSetWritesThrough(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	first, second := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	if err := first.Set(t.Context(), "a", product{"apple"}); err != nil {
		t.Fatal(err)
	}
	want(t, first, "a", s.load("a"), "apple")
	want(t, second, "a", s.load("a"), "apple")
	if s.loads.Load() != 0 {
		t.Errorf("%d loads after Set", s.loads.Load())
	}
}

func TestRedisDownServesMemoryAndBoundsTheSource(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	c := newCache(t, redistest.Dial(t, mini.Addr()), cache.Config{MaxLoads: 3})
	s.set("warm", "apple")
	want(t, c, "warm", s.load("warm"), "apple")
	mini.Close()
	want(t, c, "warm", s.load("warm"), "apple")

	var running, most atomic.Int32
	slow := func(context.Context) (product, bool, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(time.Millisecond) // the source's own time
		return product{"cold"}, true, nil
	}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() { want(t, c, "cold"+string(rune('a'+i)), slow, "cold") })
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d loads at a time, want at most 3", most.Load())
	}
	if err := c.Invalidate(t.Context(), "warm"); err == nil {
		t.Error("an invalidation that Redis did not hear reported success")
	}
	s.set("warm", "pear")
	want(t, c, "warm", s.load("warm"), "pear")
}

func TestFailedLoadIsNotCachedAndFreesTheLease(t *testing.T) {
	t.Parallel()
	rdb, s, broken := redistest.Open(t), &shop{}, errors.New("broken")
	c, other := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
	s.set("a", "apple")
	s.fail(broken)
	if _, _, err := c.Get(t.Context(), "a", s.load("a")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	s.fail(nil)
	begin := time.Now()
	want(t, other, "a", s.load("a"), "apple")
	if took := time.Since(begin); took > time.Second {
		t.Errorf("waited %v for a lease that was given up", took)
	}
}

func TestPanicInLoaderIsAnError(t *testing.T) {
	t.Parallel()
	c := newCache(t, redistest.Open(t), cache.Config{})
	_, _, err := c.Get(t.Context(), "a", func(context.Context) (product, bool, error) { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableEntryIsAMiss(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	rdb := redistest.Dial(t, mini.Addr())
	s.set("a", "apple")
	for _, held := range []string{"\x01not json", "\x80later version", "?"} {
		if err := mini.Set("souk:cache:product:a", held); err != nil {
			t.Fatal(err)
		}
		want(t, newCache(t, rdb, cache.Config{}), "a", s.load("a"), "apple")
	}
}

// Ages are those of the bubble's clock; the closed port answers at once, so
// everything here is L1 and source.
func TestAgeInMemory(t *testing.T) {
	rdb := down(t)
	synctest.Test(t, func(t *testing.T) {
		s := &shop{}
		c := newCache(t, rdb, cache.Config{
			L1TTL: time.Minute, NullTTL: 10 * time.Second, StaleFor: time.Hour, Jitter: 0.5, RetryAfter: 24 * time.Hour,
		})
		s.set("a", "old")
		want(t, c, "a", s.load("a"), "old")
		s.set("a", "new")
		time.Sleep(29 * time.Second) // reading does not renew it
		want(t, c, "a", s.load("a"), "old")
		time.Sleep(31 * time.Second)
		want(t, c, "a", s.load("a"), "new")

		time.Sleep(2 * time.Minute)
		s.fail(errors.New("broken"))
		want(t, c, "a", s.load("a"), "new") // stale
		time.Sleep(2 * time.Hour)
		if _, _, err := c.Get(t.Context(), "a", s.load("a")); err == nil {
			t.Error("served beyond StaleFor")
		}
	})
}

func down(t *testing.T) *redisclient.Client {
	t.Helper()
	mini := redistest.Mini(t)
	rdb := redistest.Dial(t, mini.Addr())
	mini.Close()
	return rdb
}

func TestEntriesDoNotExpireTogether(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	c := newCache(t, redistest.Dial(t, mini.Addr()), cache.Config{TTL: time.Hour, Jitter: 0.5})
	lives := make(map[time.Duration]bool)
	for _, key := range []string{"a", "b", "c", "d"} {
		s.set(key, key)
		want(t, c, key, s.load(key), key)
		ttl := mini.TTL("souk:cache:product:" + key)
		lives[ttl] = true
		if ttl > time.Hour || ttl < 30*time.Minute {
			t.Errorf("%s lives for %v", key, ttl)
		}
	}
	if len(lives) < 2 {
		t.Errorf("all entries live for %v", lives)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	for _, key := range []string{"", strings.Repeat("k", 513)} {
		if _, _, err := c.Get(t.Context(), key, s.load(key)); !errors.Is(err, cache.ErrKey) {
			t.Errorf("Get: %v", err)
		}
		if err := c.Set(t.Context(), key, product{}); !errors.Is(err, cache.ErrKey) {
			t.Errorf("Set: %v", err)
		}
		if err := c.Invalidate(t.Context(), "ok", key); !errors.Is(err, cache.ErrKey) {
			t.Errorf("Invalidate: %v", err)
		}
	}
	if _, _, err := c.Get(t.Context(), "a", nil); !errors.Is(err, cache.ErrNoLoader) {
		t.Errorf("nil loader: %v", err)
	}
	for _, cfg := range []cache.Config{{TTL: -1}, {Jitter: 2}, {MaxLoads: -1}} {
		if _, err := cache.New[product]("x", down(t), cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestMemoryHitAllocatesNothing(t *testing.T) {
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	s.set("a", "apple")
	load := s.load("a")
	want(t, c, "a", load, "apple")
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _, _ = c.Get(ctx, "a", load) }); n > 0 {
		t.Errorf("%v allocations per hit", n)
	}
}

func BenchmarkMemoryHit(b *testing.B) {
	c, err := cache.New[product]("product", redistest.Open(b), cache.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	load := func(context.Context) (product, bool, error) { return product{"apple"}, true, nil }
	for b.Loop() {
		_, _, _ = c.Get(b.Context(), "a", load)
	}
}
