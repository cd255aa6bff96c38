package cache

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// register registers the metrics. The hit rate of L1 is l1_hit over the sum of
// l1_hit, l2_hit, miss and rejected; that of L2, l2_hit over l2_hit and miss.
func (c *Cache[T]) register(reg prometheus.Registerer) error {
	labels := prometheus.Labels{"cache": c.name}
	collectors := []prometheus.Collector{
		c.counts.seconds,
		gauge("souk_cache_loads_in_flight", "Calls of a loader under way.", labels,
			func() float64 { return float64(len(c.slots)) }),
		gauge("souk_cache_l1_cost", "Cost of the entries in memory.", labels,
			func() float64 { return float64(c.local.entries.WeightedSize()) }),
	}
	for event, n := range c.counts.events() {
		collectors = append(collectors, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "souk_cache_events_total", Help: "What happened to lookups in a cache.",
			ConstLabels: prometheus.Labels{"cache": c.name, "event": event},
		}, func() float64 { return float64(n.Load()) }))
	}
	for _, collector := range collectors {
		if err := reg.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

func gauge(name, help string, labels prometheus.Labels, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value)
}

func (n *counts) events() map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{
		"l1_hit": &n.l1, "l2_hit": &n.l2, "miss": &n.misses, "rejected": &n.rejected,
		"load": &n.loads, "load_error": &n.loadErrors, "refresh": &n.refreshes, "voided": &n.voided,
		"stale": &n.stale, "heard": &n.heard, "unreadable": &n.unreadable, "redis_error": &n.redisErrors, "panic": &n.panics,
	}
}
