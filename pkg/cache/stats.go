package cache

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats counts since the cache was made.
type Stats struct {
	L1Hits      int64 // answered from memory
	L2Hits      int64 // lookups answered from Redis; callers who joined one count once
	Loads       int64 // calls of a loader
	LoadErrors  int64 // of them failed
	Stale       int64 // answered with an expired value because the source failed or was busy
	RedisErrors int64 // lookups, fills and leases that Redis failed
}

// Stats returns the counters; they are read one by one, not as one snapshot.
func (c *Cache[T]) Stats() Stats { return c.counts.snapshot() }

type counts struct {
	l1, l2, loads, loadErrors, stale, redisErrors atomic.Int64
}

func (c *counts) snapshot() Stats {
	return Stats{
		L1Hits: c.l1.Load(), L2Hits: c.l2.Load(), Loads: c.loads.Load(), LoadErrors: c.loadErrors.Load(),
		Stale: c.stale.Load(), RedisErrors: c.redisErrors.Load(),
	}
}

func (c *counts) register(reg prometheus.Registerer, cache string) error {
	for result, n := range map[string]*atomic.Int64{
		"l1_hit": &c.l1, "l2_hit": &c.l2, "load": &c.loads, "load_error": &c.loadErrors,
		"stale": &c.stale, "redis_error": &c.redisErrors,
	} {
		counter := prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "souk_cache_events_total", Help: "What happened to lookups in a cache.",
			ConstLabels: prometheus.Labels{"cache": cache, "event": result},
		}, func() float64 { return float64(n.Load()) })
		if err := reg.Register(counter); err != nil {
			return err
		}
	}
	return nil
}
