package cache_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func benchCache(b *testing.B, rdb *redisclient.Client, cfg cache.Config) *cache.Cache[product] {
	b.Helper()
	c, err := cache.New[product]("product", rdb, cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

func apple(context.Context) (product, bool, error) { return product{"apple"}, true, nil }

func BenchmarkMemoryHit(b *testing.B) {
	c := benchCache(b, redistest.Open(b), cache.Config{})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = c.Get(ctx, "a", apple)
	}
}

func BenchmarkMGet(b *testing.B) {
	c := benchCache(b, redistest.Open(b), cache.Config{NoL1: true})
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := c.MGet(b.Context(), keys, apples); err != nil || len(got) != len(keys) {
			b.Fatal(fmt.Errorf("%d values, %w", len(got), err))
		}
	}
}

// What it costs to be told that a key does not exist.
func BenchmarkFilterRejects(b *testing.B) {
	rdb := redistest.Open(b)
	f, err := cache.NewFilter((&index{keys: []string{"a"}}).scan, cache.FilterConfig{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 2)
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		b.Fatal(err)
	}
	c, err := cache.New("product", rdb, cache.Config{}, cache.WithBus[product](bus), cache.WithFilter[product](f))
	if err != nil {
		b.Fatal(err)
	}
	go func() { done <- bus.Run(ctx) }()
	go func() { done <- f.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done; <-done; c.Close() })
	redistest.Eventually(b, "the filter is built", func() bool { return !f.MayExist("none") })
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := c.Get(ctx, "none", apple); found || err != nil {
			b.Fatal("it was looked for")
		}
	}
}

// 64 readers of one process come for a key that nobody has read before. A
// miniredis says nothing about it: set SOUK_TEST_REDIS_SERVER.
func BenchmarkColdKey(b *testing.B) {
	c := benchCache(b, redistest.Open(b), cache.Config{})
	for n := 0; b.Loop(); n++ {
		var readers sync.WaitGroup
		for range 64 {
			readers.Go(func() {
				if _, _, err := c.Get(b.Context(), strconv.Itoa(n), apple); err != nil {
					b.Error(err)
				}
			})
		}
		readers.Wait()
	}
}
