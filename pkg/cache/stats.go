package cache

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats counts since the cache was made, in keys if nothing else is said.
type Stats struct {
	L1Hits      int64 // answered from memory
	L2Hits      int64 // answered from Redis
	Misses      int64 // neither had it: waited for a load, here or elsewhere
	Rejected    int64 // answered by the filter
	Loads       int64 // calls of a loader
	LoadErrors  int64 // of them failed
	Refreshes   int64 // of them in the background
	Voided      int64 // loaded and not kept: invalidated or written meanwhile
	Stale       int64 // answered with an expired value because the source failed or was busy
	Heard       int64 // broadcasts about a key
	Unreadable  int64 // entries of Redis that could not be decoded and were loaded anew
	RedisErrors int64 // lookups, fills and leases that Redis failed
	Panics      int64 // in loaders, codecs and the functions of WithCost and WithLifetime

	// As of now.
	Loading   int    // calls of a loader under way
	L1Entries int    // approximately
	L1Cost    uint64 // in the units of WithCost
}

// L1HitRate is the share of keys answered from memory; 0 before the first.
func (s Stats) L1HitRate() float64 { return share(s.L1Hits, s.L2Hits+s.Misses+s.Rejected) }

// L2HitRate is the share of lookups in Redis that it answered.
func (s Stats) L2HitRate() float64 { return share(s.L2Hits, s.Misses) }

func share(part, rest int64) float64 {
	if part == 0 {
		return 0
	}
	return float64(part) / float64(part+rest)
}

// Stats returns the counters; they are read one by one, not as one snapshot.
func (c *Cache[T]) Stats() Stats {
	n := c.counts
	return Stats{
		L1Hits: n.l1.Load(), L2Hits: n.l2.Load(), Misses: n.misses.Load(), Rejected: n.rejected.Load(),
		Loads: n.loads.Load(), LoadErrors: n.loadErrors.Load(), Refreshes: n.refreshes.Load(),
		Voided: n.voided.Load(), Stale: n.stale.Load(), Heard: n.heard.Load(),
		Unreadable: n.unreadable.Load(), RedisErrors: n.redisErrors.Load(), Panics: n.panics.Load(),
		Loading: len(c.slots), L1Entries: c.local.entries.EstimatedSize(), L1Cost: c.local.entries.WeightedSize(),
	}
}

type counts struct {
	l1, l2, misses, rejected, loads, loadErrors, refreshes, voided, stale, heard, unreadable, redisErrors, panics atomic.Int64

	seconds prometheus.Histogram
}

func newCounts(cache string) *counts {
	return &counts{seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "souk_cache_load_seconds", Help: "Time a loader took.",
		ConstLabels: prometheus.Labels{"cache": cache},
		Buckets:     prometheus.ExponentialBuckets(0.0005, 2.5, 11), // to 4.8 s
	})}
}

func (n *counts) loaded(took time.Duration, err error) {
	n.loads.Add(1)
	n.seconds.Observe(took.Seconds())
	if err != nil {
		n.loadErrors.Add(1)
	}
}

// failed counts what Redis failed to do, not what it was spared.
func (c *Cache[T]) failed(err error) {
	if err != errAway { //nolint:errorlint // never wrapped
		c.counts.redisErrors.Add(1)
	}
}
