package cache_test

import (
	"sync"
	"testing"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// Every path to Redis, on one server and on a cluster whose nodes each have a
// part of the keys.
func TestEachKindOfRedisKeepsThePromise(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		s, keys := &shop{}, []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		reader := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
		writer := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
		for _, name := range []string{"old", "new"} {
			for _, key := range keys {
				s.set(key, name)
			}
			if err := writer.Invalidate(t.Context(), keys...); err != nil {
				t.Fatal(err)
			}
			before := s.loads.Load()
			var readers sync.WaitGroup
			for _, key := range keys {
				for range 4 {
					readers.Go(func() { want(t, writer, key, s.load(key), name) })
				}
			}
			readers.Wait()
			if n := s.loads.Load() - before; n != int32(len(keys)) {
				t.Errorf("%d loads of %d keys", n, len(keys))
			}
			for _, key := range keys {
				redistest.Eventually(t, "the reader has the "+name, func() bool {
					got, _, _ := reader.Get(t.Context(), key, s.load(key))
					return got.Name == name
				})
			}
		}
		if err := writer.Set(t.Context(), "a", product{"set"}); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "the reader has what was set", func() bool {
			got, _, _ := reader.Get(t.Context(), "a", s.load("a"))
			return got.Name == "set"
		})
		if n := reader.Stats().RedisErrors + writer.Stats().RedisErrors; n > 0 {
			t.Errorf("Redis failed %d times", n)
		}
	})
}
