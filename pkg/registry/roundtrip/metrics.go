package roundtrip

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_roundtrip_requests_total", Help: "Requests sent to instances, repeated ones included, by outcome.",
	}, []string{"outcome"})}
}

func (m *metrics) sent(failed bool) {
	outcome := "answered"
	if failed {
		outcome = "failed"
	}
	m.requests.WithLabelValues(outcome).Inc()
}

var (
	knownDesc = prometheus.NewDesc("souk_roundtrip_instances", "Instances of the service.", []string{"state"}, nil)
)

// Describe implements prometheus.Collector.
func (t *Transport) Describe(ch chan<- *prometheus.Desc) {
	ch <- knownDesc
	t.metrics.requests.Describe(ch)
}

// Collect implements prometheus.Collector: a Transport is registered as it is,
// with a label for its service where there are several.
func (t *Transport) Collect(ch chan<- prometheus.Metric) {
	t.metrics.requests.Collect(ch)
	for state, n := range t.pool.states() {
		ch <- prometheus.MustNewConstMetric(knownDesc, prometheus.GaugeValue, float64(n), state)
	}
}
