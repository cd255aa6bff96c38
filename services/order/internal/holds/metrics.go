package holds

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	refused  prometheus.Counter
	failures *prometheus.CounterVec
}

func newMetrics() metrics {
	return metrics{
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "souk_order_holds_refused_total", Help: "Requests for an order that found their user's open orders at the cap.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_order_holds_failures_total", Help: "Orders that Redis failed to count (take) or to strike off (free).",
		}, []string{"op"}),
	}
}

func (m metrics) register(reg prometheus.Registerer) error {
	return errors.Join(reg.Register(m.refused), reg.Register(m.failures))
}
