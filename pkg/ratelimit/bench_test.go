package ratelimit_test

import (
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

// A key over its limit.
func BenchmarkRefused(b *testing.B) {
	l := newLimiter(b, redistest.Open(b), ratelimit.Config{Limit: ratelimit.PerMinute(1, 1)})
	for b.Loop() {
		allowN(b, l, "hot", 1)
	}
}
