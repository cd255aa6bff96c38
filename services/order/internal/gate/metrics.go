package gate

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	gates    prometheus.Gauge
	refused  *prometheus.CounterVec
	failures *prometheus.CounterVec
}

func newMetrics() metrics {
	return metrics{
		gates: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "souk_order_gates", Help: "Products whose orders are asked about at a stock gate.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_order_gate_refused_total", Help: "Requests for an order that a stock gate refused, by code.",
		}, []string{"code"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_order_gate_failures_total", Help: "Orders that Redis failed to answer about (admit) or whose units it failed to give back (withdraw).",
		}, []string{"op"}),
	}
}

func (m metrics) register(reg prometheus.Registerer) error {
	return errors.Join(reg.Register(m.gates), reg.Register(m.refused), reg.Register(m.failures))
}
