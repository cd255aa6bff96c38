package cache_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// headerBytes is what stands before the encoded value in Redis.
const headerBytes = 29

// What a hit in Redis costs above asking for the same bytes and decoding them,
// by one caller and by 64 at a time. A miniredis says nothing about it: set
// SOUK_TEST_REDIS_SERVER.
func BenchmarkRedisHit(b *testing.B) {
	bare, cached := hitWays(b, 1)
	for name, read := range map[string]func(context.Context){"bare": bare, "cache": cached} {
		b.Run(name+"/callers=1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read(b.Context())
			}
		})
		b.Run(name+"/callers=64", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					read(context.Background())
				}
			})
		})
	}
}

// The same for one caller, in turns so short that whatever else the machine
// does falls on both: x-bare is the median of what the turns of the cache cost,
// over those of bare commands beside them.
func BenchmarkRedisHitBesideBare(b *testing.B) {
	for _, keys := range []int{1, 100} {
		b.Run("keys="+strconv.Itoa(keys), func(b *testing.B) {
			bare, cached := hitWays(b, keys)
			var bares, caches []float64
			for b.Loop() {
				bares = append(bares, turn(b.Context(), bare))
				caches = append(caches, turn(b.Context(), cached))
			}
			b.ReportMetric(median(bares), "ns-bare")
			b.ReportMetric(median(caches), "ns-cache")
			b.ReportMetric(median(caches)/median(bares), "x-bare")
		})
	}
}

const perTurn = 10

// turn returns the ns that one call of read takes.
func turn(ctx context.Context, read func(context.Context)) float64 {
	begin := time.Now()
	for range perTurn {
		read(ctx)
	}
	return float64(time.Since(begin)) / perTurn
}

func median(samples []float64) float64 {
	slices.Sort(samples)
	return samples[len(samples)/2]
}

// hitWays stores so many keys and returns two ways to read them all.
func hitWays(b *testing.B, n int) (bare, cached func(context.Context)) {
	b.Helper()
	rdb := redistest.Open(b)
	c := benchCache(b, rdb, cache.Config{NoL1: true})
	keys, full := make([]string, n), make([]string, n)
	for i := range keys {
		keys[i] = "apple" + strconv.Itoa(i)
		full[i] = "souk:cache:product:" + keys[i]
		if err := c.Set(b.Context(), keys[i], product{"apple"}); err != nil {
			b.Fatal(err)
		}
	}
	if n == 1 {
		return func(ctx context.Context) { bareGet(ctx, rdb, full[0]) },
			func(ctx context.Context) { _, _, _ = c.Get(ctx, keys[0], apple) }
	}
	return func(ctx context.Context) { bareMGet(ctx, rdb, full) },
		func(ctx context.Context) { _, _ = c.MGet(ctx, keys, apples) }
}

func bareGet(ctx context.Context, rdb *redisclient.Client, key string) product {
	data, _ := rdb.Read().Get(ctx, key).Bytes()
	p, _ := cache.JSON[product]{}.Decode(data[headerBytes:])
	return p
}

func bareMGet(ctx context.Context, rdb *redisclient.Client, keys []string) map[string]product {
	found := make(map[string]product, len(keys))
	for i, data := range rdb.Read().MGet(ctx, keys...).Val() {
		if s, ok := data.(string); ok {
			found[keys[i]], _ = cache.JSON[product]{}.Decode([]byte(s[headerBytes:]))
		}
	}
	return found
}

func apples(_ context.Context, keys []string) (map[string]product, error) {
	found := make(map[string]product, len(keys))
	for _, key := range keys {
		found[key] = product{"apple"}
	}
	return found, nil
}
