package cache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

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
	return runBusWith(t, rdb, pubsub.Config{Idle: 50 * time.Millisecond})
}

func runBusWith(t *testing.T, rdb *redisclient.Client, cfg pubsub.Config) *pubsub.Bus {
	t.Helper()
	bus, err := pubsub.New(rdb, cfg)
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
