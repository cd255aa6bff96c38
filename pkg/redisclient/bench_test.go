package redisclient_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// BenchmarkGet compares the handles; ns/op is the time between two replies,
// whoever gets them, not how long one caller waits.
func BenchmarkGet(b *testing.B) {
	client := redistest.Open(b)
	if err := client.Write().Set(b.Context(), "k", "value", 0).Err(); err != nil {
		b.Fatal(err)
	}
	handles := map[string]func(ctx context.Context, c *redisclient.Client) error{
		"plain": func(ctx context.Context, c *redisclient.Client) error { return c.Read().Get(ctx, "k").Err() },
		"hot": func(ctx context.Context, c *redisclient.Client) error {
			_, err := c.Hot().Get(ctx, "k")
			return err
		},
	}
	for _, callers := range []int{2, 64, 512} {
		for name, get := range handles {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				b.SetParallelism(callers / runtime.GOMAXPROCS(0))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := get(b.Context(), client); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
