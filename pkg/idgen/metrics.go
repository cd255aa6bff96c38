package idgen

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counts is what a Worker's Run met with.
type counts struct{ lost, failures atomic.Int64 }

var (
	heldDesc     = prometheus.NewDesc("souk_id_lease_held", "1 while ids can be had.", nil, nil)
	aheadDesc    = prometheus.NewDesc("souk_id_ahead_seconds", "How far the last id is ahead of the clock, by borrowing.", nil, nil)
	lostDesc     = prometheus.NewDesc("souk_id_leases_lost_total", "Leases that another process took.", nil, nil)
	failuresDesc = prometheus.NewDesc("souk_id_renewals_failed_total", "Renewals of a lease that failed.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *Worker) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(w, ch) }

// Collect implements prometheus.Collector: a Worker is registered as it is.
func (w *Worker) Collect(ch chan<- prometheus.Metric) {
	held, ahead := 0.0, time.Duration(0)
	if l := w.lease.Load(); l != nil {
		now, alive := l.now(w.cfg.now())
		if alive {
			held = 1
		}
		ahead = max(time.Duration(highWater(l.last.Load())-highWater(now))*time.Millisecond, 0)
	}
	ch <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, held)
	ch <- prometheus.MustNewConstMetric(aheadDesc, prometheus.GaugeValue, ahead.Seconds())
	ch <- prometheus.MustNewConstMetric(lostDesc, prometheus.CounterValue, float64(w.counts.lost.Load()))
	ch <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(w.counts.failures.Load()))
}
