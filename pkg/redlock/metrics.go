package redlock

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	acquired, refused, failed, lost prometheus.Counter
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
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Counter{m.acquired, m.refused, m.failed, m.lost} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
