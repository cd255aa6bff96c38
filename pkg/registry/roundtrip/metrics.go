package roundtrip

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests, retries *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"outcome"})
	}
	return &metrics{
		requests: counter("souk_roundtrip_requests_total", "Requests sent to instances, repeated ones included, by outcome."),
		retries:  counter("souk_roundtrip_retries_total", "Failed requests that might be sent again: sent, or over the budget."),
	}
}

func (m *metrics) retried(sent bool) {
	outcome := "over_budget"
	if sent {
		outcome = "sent"
	}
	m.retries.WithLabelValues(outcome).Inc()
}

func (m *metrics) sent(failed bool) {
	outcome := "answered"
	if failed {
		outcome = "failed"
	}
	m.requests.WithLabelValues(outcome).Inc()
}

var knownDesc = prometheus.NewDesc("souk_roundtrip_instances", "Instances of the service.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (t *Transport) Describe(ch chan<- *prometheus.Desc) {
	ch <- knownDesc
	t.metrics.requests.Describe(ch)
	t.metrics.retries.Describe(ch)
}

// Collect implements prometheus.Collector: a Transport is registered as it is,
// with a label for its service where there are several.
func (t *Transport) Collect(ch chan<- prometheus.Metric) {
	t.metrics.requests.Collect(ch)
	t.metrics.retries.Collect(ch)
	for state, n := range t.pool.states() {
		ch <- prometheus.MustNewConstMetric(knownDesc, prometheus.GaugeValue, float64(n), state)
	}
}
