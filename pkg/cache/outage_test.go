package cache_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

// gauge notes how many are inside at most.
type gauge struct{ inside, most atomic.Int64 }

func (g *gauge) enter() {
	n := g.inside.Add(1)
	for old := g.most.Load(); n > old && !g.most.CompareAndSwap(old, n); old = g.most.Load() {
	}
}

func (g *gauge) leave() { g.inside.Add(-1) }

// Redis is killed while 32 readers are at work and comes back empty: not one
// read fails, of keys in memory or of others, and the source never sees more
// than MaxLoads of them.
func TestRedisKilledUnderLoad(t *testing.T) {
	t.Parallel()
	server, s, loading := redistest.Start(t), &shop{}, &gauge{}
	rdb := redistest.Dial(t, server.Addr())
	c := newCache(t, rdb, cache.Config{MaxLoads: 4, RetryAfter: 20 * time.Millisecond}, cache.WithBus[product](runBus(t, rdb)))
	s.set("warm", "apple")
	want(t, c, "warm", s.load("warm"), "apple")
	cold := func(context.Context) (product, bool, error) {
		loading.enter()
		defer loading.leave()
		time.Sleep(100 * time.Microsecond) // the source's own time
		return product{"cold"}, true, nil
	}
	var reads atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 32 {
		readers.Go(func() {
			for ctx.Err() == nil {
				want(t, c, "warm", s.load("warm"), "apple")
				want(t, c, strconv.FormatInt(reads.Add(1), 10), cold, "cold")
			}
		})
	}
	more := func(n int64) {
		from := reads.Load()
		redistest.Eventually(t, "the readers go on", func() bool { return reads.Load() > from+n })
	}
	more(200)
	server.Kill()
	more(500)
	server.Restart()
	redistest.Eventually(t, "Redis is used again", func() bool { return rdb.Read().DBSize(t.Context()).Val() > 10 })
	more(200)
	stop()
	readers.Wait()
	if n := loading.most.Load(); n > 4 {
		t.Errorf("%d loads at a time", n)
	}
	if c.Stats().RedisErrors == 0 {
		t.Error("Redis was not missed")
	}
}

// Redis falls silent under 64 readers: they wait for it together, and not one
// after the other.
func TestSilentRedisHoldsUpReadersOnce(t *testing.T) {
	t.Parallel()
	const timeout = redistest.Haste
	proxy := redistest.NewProxy(t, redistest.Start(t).Addr())
	c := newCache(t, redistest.DialHasty(t, proxy.Addr()), cache.Config{LoadTimeout: time.Minute})
	load := func(context.Context) (product, bool, error) { return product{"apple"}, true, nil }
	read := func(kind string) {
		var readers sync.WaitGroup
		for i := range 64 {
			readers.Go(func() { want(t, c, kind+strconv.Itoa(i), load, "apple") })
		}
		readers.Wait()
	}
	read("warm") // and connections are open
	proxy.DropReplies.Store(true)
	begin := time.Now()
	read("cold")
	if took := time.Since(begin); took > 5*timeout {
		t.Errorf("readers waited %v", took)
	}
}

// A Redis that takes requests and never answers holds up one reader at a time.
func TestSilentRedisHoldsUpOneReader(t *testing.T) {
	t.Parallel()
	mini, s := redistest.Mini(t), &shop{}
	proxy := redistest.NewProxy(t, mini.Addr())
	c := newCache(t, redistest.DialHasty(t, proxy.Addr()), cache.Config{RetryAfter: 20 * time.Millisecond})
	proxy.DropReplies.Store(true)
	s.set("first", "apple")
	want(t, c, "first", s.load("first"), "apple")
	slow := func(context.Context) (product, bool, error) {
		time.Sleep(2 * time.Millisecond) // the source's own time
		return product{"apple"}, true, nil
	}
	before := c.Stats().RedisErrors
	var readers sync.WaitGroup
	for reader := range 50 {
		readers.Go(func() {
			for i := range 30 { // past the end of the pause
				want(t, c, strconv.Itoa(reader*100+i), slow, "apple")
			}
		})
	}
	readers.Wait()
	if n := c.Stats().RedisErrors - before; n > 10 {
		t.Errorf("Redis was waited for %d times", n)
	}
	proxy.DropReplies.Store(false)
	redistest.Eventually(t, "Redis is used again", func() bool {
		_, _, _ = c.Refresh(t.Context(), "first", s.load("first"))
		stored, _ := mini.Get("souk:cache:product:first")
		return len(stored) > 0
	})
}

// Those who want a key while Redis is away share a load, also without memory.
func TestReadersShareALoadWithoutRedis(t *testing.T) {
	rdb := down(t)
	synctest.Test(t, func(t *testing.T) {
		s, gate := &shop{}, make(chan struct{})
		c := newCache(t, rdb, cache.Config{NoL1: true, RetryAfter: 24 * time.Hour})
		s.set("a", "apple")
		want(t, c, "a", s.load("a"), "apple") // and Redis is known to be away
		var readers sync.WaitGroup
		for range 10 {
			readers.Go(func() { want(t, c, "a", s.gated("a", gate), "apple") })
			synctest.Wait()
		}
		close(gate)
		readers.Wait()
		if n := s.loads.Load(); n != 2 {
			t.Errorf("%d loads, want one for each time", n)
		}
	})
}

// A load that began without Redis reads an old value. Redis is back and the
// value is invalidated by another process: a reader who asks Redis after that
// must not share the load.
func TestLoadWithoutRedisIsNotForWhoAsksRedisLater(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	writer := newCache(t, redistest.Dial(t, server.Addr()), cache.Config{})
	reader := newCache(t, redistest.DialHasty(t, proxy.Addr()), cache.Config{NoL1: true, RetryAfter: 20 * time.Millisecond})
	s, gate := &shop{}, make(chan struct{})
	s.set("a", "old")
	want(t, reader, "warm", func(context.Context) (product, bool, error) { return product{"warm"}, true, nil }, "warm")
	proxy.DropReplies.Store(true)
	var readers sync.WaitGroup
	readers.Go(func() { want(t, reader, "a", s.gated("a", gate), "old") })
	redistest.Eventually(t, "the load has read", func() bool { return s.loads.Load() == 1 })
	proxy.DropReplies.Store(false)
	proxy.Cut()
	redistest.Eventually(t, "Redis is used again", func() bool {
		before := reader.Stats().L2Hits
		want(t, reader, "warm", func(context.Context) (product, bool, error) { return product{"warm"}, true, nil }, "warm")
		return reader.Stats().L2Hits > before
	})
	s.set("a", "new")
	if err := writer.Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(t, reader, "a", s.load("a"), "new")
	close(gate)
	readers.Wait()
}
