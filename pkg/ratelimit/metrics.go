package ratelimit

import "github.com/prometheus/client_golang/prometheus"

// Who decided.
const (
	sourceRedis  = "redis"
	sourceMemory = "memory" // a refusal of Redis', repeated
	sourcePolicy = "policy" // in an outage
)

type metrics struct {
	decisions *prometheus.CounterVec
	failures  prometheus.Counter
}

func newMetrics(name string) *metrics {
	labels := prometheus.Labels{"limiter": name}
	return &metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_ratelimit_decisions_total", Help: "Decisions, by outcome and by who decided.", ConstLabels: labels,
		}, []string{"outcome", "source"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "souk_ratelimit_redis_failures_total", Help: "Decisions that Redis failed to make.", ConstLabels: labels,
		}),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	if err := reg.Register(m.decisions); err != nil {
		return err
	}
	return reg.Register(m.failures)
}

func (m *metrics) count(r Result, source string) Result {
	outcome := "refused"
	if r.Allowed {
		outcome = "allowed"
	}
	m.decisions.WithLabelValues(outcome, source).Inc()
	return r
}
