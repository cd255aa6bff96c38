package store

import (
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers with reg how many of the orders that learnt something were
// remembered: a miss is read and locked first.
func (s *Store) Register(reg prometheus.Registerer) error {
	count := func(result string, n *atomic.Int64) error {
		return reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "souk_order_recalled_total", Help: "Orders that learnt a fact, by whether this process remembered them (hit) or read them (miss).",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(n.Load()) }))
	}
	return errors.Join(count("hit", &s.memory.hits), count("miss", &s.memory.misses))
}
