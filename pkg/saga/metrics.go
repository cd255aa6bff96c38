package saga

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// result is what an attempt at an op, or its reply, came to.
type result string

const (
	resultDone     result = "done"
	resultWaiting  result = "waiting"
	resultReissued result = "reissued" // its reply did not come in time
	resultRefused  result = "refused"
	resultFailed   result = "failed"
)

// attempt is one go at an op; the zero attempt is none.
type attempt struct {
	step   string
	op     Op
	result result
}

// metrics are of one registry; engines that share it share the families.
type metrics struct {
	steps *prometheus.CounterVec
	ends  *prometheus.CounterVec
	open  *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	return &metrics{
		steps: register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_saga_steps_total",
			Help: "Attempts at the ops of steps, and replies to them, by what they came to.",
		}, []string{"type", "step", "op", "result"})),
		ends: register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_sagas_ended_total",
			Help: "Sagas that have ended.",
		}, []string{"type", "status"})),
		open: register(registry, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "souk_sagas",
			Help: "Sagas in the database that have not ended; the STUCK ones wait for an operator.",
		}, []string{"type", "status"})),
	}
}

// register returns the collector that the registry has under this name.
func register[C prometheus.Collector](registry prometheus.Registerer, c C) C {
	err := registry.Register(c)
	if there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := there.ExistingCollector.(C); ok {
			return existing
		}
	}
	return c
}

func (m *metrics) step(sagaType string, a attempt) {
	if a.result != "" {
		m.steps.WithLabelValues(sagaType, a.step, string(a.op), string(a.result)).Inc()
	}
}

func (m *metrics) ended(sagaType string, s Status) {
	m.ends.WithLabelValues(sagaType, string(s)).Inc()
}

// count shows how many sagas have not ended, as they stand in the database.
func (e *Engine) count(ctx context.Context) {
	for sagaType := range e.defs {
		for _, s := range []Status{Running, Stuck} {
			var n int64
			const query = "SELECT COUNT(*) FROM saga WHERE status = ? AND type = ?"
			if err := e.db.QueryRow(ctx, query, string(s), sagaType).Scan(&n); err != nil {
				e.logger.DebugContext(ctx, "saga engine cannot count", slog.Any("error", err))
				return
			}
			e.metrics.open.WithLabelValues(sagaType, string(s)).Set(float64(n))
		}
	}
}
