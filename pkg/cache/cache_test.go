package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

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

func TestFillsDoNotBroadcast(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	rdb := redistest.Dial(t, mini.Addr())
	c := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
	broadcasts := func() int { log, _ := mini.Stream("{souk:broadcast}:log"); return len(log) }
	if broadcasts() != 0 {
		t.Error("a fill was broadcast")
	}
	if err := c.Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := broadcasts(); got != 1 {
		t.Errorf("one invalidation was broadcast %d times", got)
	}
}

func TestLostConnectionDropsMemory(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	proxy := redistest.NewProxy(t, mini.Addr())
	rdb := redistest.DialHasty(t, proxy.Addr())
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
	wantBoom(t, "Get", err)
	if st := c.Stats(); st.LoadErrors != 1 || st.Panics != 1 {
		t.Errorf("%+v", st)
	}
}

func TestClosedCacheLoadsNothing(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
	c.Close()
	want(t, c, "a", s.load("a"), "apple")
	if _, _, err := c.Get(t.Context(), "b", s.load("b")); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("got %v", err)
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

// The entry, the flight, the key in Redis and the bound of the wait are what a hit
// there costs, and one more under the race detector; what else a flight may need
// is made when it is.
func TestRedisHitAllocatesLittle(t *testing.T) {
	entry, rdb := storedApple(t), down(t)
	rdb.Read().AddHook(scripted{func(cmd *redis.StringCmd) { cmd.SetVal(entry) }})
	c, s := newCache(t, rdb, cache.Config{NoL1: true}), &shop{}
	load := s.load("a")
	ctx := t.Context()
	least := testing.AllocsPerRun(100, func() { bareGet(ctx, rdb, held) })
	if n := testing.AllocsPerRun(100, func() { _, _, _ = c.Get(ctx, "a", load) }); n > least+5 {
		t.Errorf("%v allocations, %v of a bare command", n, least)
	}
	if n := s.loads.Load(); n > 0 {
		t.Errorf("%d loads", n)
	}
}
