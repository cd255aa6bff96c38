package overload

import "github.com/prometheus/client_golang/prometheus"

func limitDesc() *prometheus.Desc {
	return prometheus.NewDesc("souk_overload_limit", "Requests that may be in hand at a time.", nil, nil)
}

func inFlightDesc() *prometheus.Desc {
	return prometheus.NewDesc("souk_overload_in_flight", "Requests in hand.", nil, nil)
}

func rejectedDesc() *prometheus.Desc {
	return prometheus.NewDesc("souk_overload_rejected_total", "Requests refused because too many were in hand.", nil, nil)
}

// Describe implements prometheus.Collector.
func (l *Limiter) Describe(ch chan<- *prometheus.Desc) {
	ch <- limitDesc()
	ch <- inFlightDesc()
	ch <- rejectedDesc()
}

// Collect implements prometheus.Collector.
func (l *Limiter) Collect(ch chan<- prometheus.Metric) {
	s := l.State()
	ch <- prometheus.MustNewConstMetric(limitDesc(), prometheus.GaugeValue, float64(s.Limit))
	ch <- prometheus.MustNewConstMetric(inFlightDesc(), prometheus.GaugeValue, float64(s.InFlight))
	ch <- prometheus.MustNewConstMetric(rejectedDesc(), prometheus.CounterValue, float64(s.Rejected))
}
