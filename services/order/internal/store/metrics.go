package store

import (
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/services/order/internal/order"
)

// newEntered counts orders by status, all of which are there from the start.
func newEntered() *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_orders_total", Help: "Orders that entered a status, as this process committed it.",
	}, []string{"status"})
	for _, s := range order.Statuses() {
		c.WithLabelValues(string(s))
	}
	return c
}

// countEntered counts orders once the unit stands.
func (u unit) countEntered(n map[order.Status]int) {
	u.tx.OnCommit(func() {
		for status, orders := range n {
			u.entered.WithLabelValues(string(status)).Add(float64(orders))
		}
	})
}

// enteredBy counts the statuses that updates pass through or end in. A change
// that stays in its status asks others for something.
func enteredBy(updates []order.Update) map[order.Status]int {
	n := make(map[order.Status]int)
	for _, up := range updates {
		status := up.Before.Status
		for _, c := range up.Changes {
			if c.Status != status {
				status = c.Status
				n[status]++
			}
		}
	}
	return n
}

// Register registers with reg the orders by status, and how many of those that
// learnt something were remembered: a miss is read and locked first.
func (s *Store) Register(reg prometheus.Registerer) error {
	count := func(result string, n *atomic.Int64) error {
		return reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "souk_order_recalled_total", Help: "Orders that learnt a fact, by whether this process remembered them (hit) or read them (miss).",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(n.Load()) }))
	}
	return errors.Join(reg.Register(s.entered), count("hit", &s.memory.Hits), count("miss", &s.memory.Misses))
}
