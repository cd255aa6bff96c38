package redlock

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	acquired, refused, failed, lost prometheus.Counter
	waited                          prometheus.Histogram
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_lock_" + name + "_total", Help: help})
	}
	return &metrics{
		acquired: counter("acquired", "Locks acquired."),
		refused:  counter("refused", "Attempts that found the lock held by another."),
		failed:   counter("failed", "Attempts that failed because of Redis."),
		lost:     counter("lost", "Locks lost while they were held."),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_lock_wait_seconds", Help: "Wait of those who found the lock held and got it.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // to 16 s
		}),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.acquired, m.refused, m.failed, m.lost, m.waited} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
