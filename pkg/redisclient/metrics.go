package redisclient

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// WithMetrics registers the connection pools' figures, per handle.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(c *Client) error { return reg.Register(poolCollector{c}) }
}

// poolCollector reads the pools when it is asked, so commands pay nothing.
type poolCollector struct{ client *Client }

var (
	poolHits = prometheus.NewDesc("souk_redis_pool_hits_total",
		"Connections that were found idle.", []string{"handle"}, nil)
	poolMisses = prometheus.NewDesc("souk_redis_pool_misses_total",
		"Connections that had to be opened.", []string{"handle"}, nil)
	poolTimeouts = prometheus.NewDesc("souk_redis_pool_timeouts_total",
		"Commands that found no free connection in time.", []string{"handle"}, nil)
	poolWaits = prometheus.NewDesc("souk_redis_pool_waits_total",
		"Commands that waited for a free connection and got one.", []string{"handle"}, nil)
	poolWaited = prometheus.NewDesc("souk_redis_pool_wait_seconds_total",
		"How long they waited.", []string{"handle"}, nil)
	poolStale = prometheus.NewDesc("souk_redis_pool_stale_total",
		"Connections that were removed for their age or a failure.", []string{"handle"}, nil)
	poolConns = prometheus.NewDesc("souk_redis_pool_connections",
		"Open connections.", []string{"handle"}, nil)
	poolIdle = prometheus.NewDesc("souk_redis_pool_idle_connections",
		"Open connections that no command uses.", []string{"handle"}, nil)
)

func (p poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolHits, poolMisses, poolTimeouts, poolWaits, poolWaited, poolStale, poolConns, poolIdle} {
		out <- d
	}
}

func (p poolCollector) Collect(out chan<- prometheus.Metric) {
	for handle, rdb := range map[string]redis.UniversalClient{
		"read": p.client.read, "write": p.client.write, "hot": p.client.hotClient,
	} {
		s := withPipelines(rdb.PoolStats())
		count := func(d *prometheus.Desc, kind prometheus.ValueType, n uint32) {
			out <- prometheus.MustNewConstMetric(d, kind, float64(n), handle)
		}
		count(poolHits, prometheus.CounterValue, s.Hits)
		count(poolMisses, prometheus.CounterValue, s.Misses)
		count(poolTimeouts, prometheus.CounterValue, s.Timeouts)
		count(poolWaits, prometheus.CounterValue, s.WaitCount)
		out <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, time.Duration(s.WaitDurationNs).Seconds(), handle)
		count(poolStale, prometheus.CounterValue, s.StaleConns)
		count(poolConns, prometheus.GaugeValue, s.TotalConns)
		count(poolIdle, prometheus.GaugeValue, s.IdleConns)
	}
}

// withPipelines adds the second pool of a handle, which carries its pipelines.
func withPipelines(s *redis.PoolStats) redis.PoolStats {
	sum := *s
	if p := s.PipelineStats; p != nil {
		sum.Hits += p.Hits
		sum.Misses += p.Misses
		sum.Timeouts += p.Timeouts
		sum.WaitCount += p.WaitCount
		sum.WaitDurationNs += p.WaitDurationNs
		sum.StaleConns += p.StaleConns
		sum.TotalConns += p.TotalConns
		sum.IdleConns += p.IdleConns
	}
	return sum
}
