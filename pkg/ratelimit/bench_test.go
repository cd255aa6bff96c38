package ratelimit_test

import (
	"runtime"
	"testing"
	"time"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
)

func BenchmarkAllowed(b *testing.B) {
	for name, algorithm := range algorithms {
		b.Run(name, func(b *testing.B) {
			limit := ratelimit.Limit{Rate: 100_000, Per: time.Second, Burst: 1_000_000_000}
			l := newLimiter(b, redistest.Open(b), ratelimit.Config{Limit: limit, Algorithm: algorithm})
			for b.Loop() {
				if !allowN(b, l, "hot", 1).Allowed {
					b.Fatal("refused")
				}
			}
		})
	}
}

// Many callers of one process on one key.
func BenchmarkAllowedToMany(b *testing.B) {
	for name, algorithm := range algorithms {
		b.Run(name, func(b *testing.B) {
			limit := ratelimit.Limit{Rate: 100_000, Per: time.Second, Burst: 1_000_000_000}
			l := newLimiter(b, redistest.Open(b), ratelimit.Config{Limit: limit, Algorithm: algorithm})
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if r, err := l.Allow(b.Context(), "hot"); err != nil || !r.Allowed {
						b.Error(r, err)
						return
					}
				}
			})
		})
	}
}

// A key over its limit.
func BenchmarkRefused(b *testing.B) {
	l := newLimiter(b, redistest.Open(b), ratelimit.Config{Limit: ratelimit.PerMinute(1, 1)})
	for b.Loop() {
		allowN(b, l, "hot", 1)
	}
}
