package cache_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

const subscribers = 300

// How long it takes from the call of Invalidate until the key is gone from the
// L1 of each of 300 caches that have a connection each. It looks every
// half millisecond, so the figures are up to that much too large.
func BenchmarkPublishToEvict(b *testing.B) {
	rdb := redistest.Open(b)
	caches := make([]*cache.Cache[product], subscribers)
	for i := range caches {
		caches[i] = benchSubscriber(b, rdb)
	}
	writer := caches[0]
	var delays []time.Duration
	for round := int64(1); b.Loop(); round++ {
		begin := time.Now()
		if err := writer.Invalidate(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
		delays = append(delays, watch(caches, round, begin)...)
	}
	slices.Sort(delays)
	for name, i := range map[string]int{"p50": len(delays) / 2, "p99": len(delays) * 99 / 100, "max": len(delays) - 1} {
		b.ReportMetric(delays[i].Seconds()*1e3, "ms-"+name)
	}
}

// benchSubscriber is a cache on a bus of its own that is connected.
func benchSubscriber(b *testing.B, rdb *redisclient.Client) *cache.Cache[product] {
	b.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		b.Fatal(err)
	}
	ready := make(chan struct{})
	sub := bus.Subscribe("ready", pubsub.Handler{Resync: sync.OnceFunc(func() { close(ready) })})
	c, err := cache.New("product", rdb, cache.Config{}, cache.WithBus[product](bus))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done; sub.Close(); c.Close() })
	<-ready
	return c
}

// watch returns how long after begin each cache had heard so many broadcasts.
func watch(caches []*cache.Cache[product], heard int64, begin time.Time) (delays []time.Duration) {
	for waiting := slices.Clone(caches); len(waiting) > 0; time.Sleep(500 * time.Microsecond) {
		waiting = slices.DeleteFunc(waiting, func(c *cache.Cache[product]) bool {
			if c.Stats().Heard < heard {
				return false
			}
			delays = append(delays, time.Since(begin))
			return true
		})
	}
	return delays
}
