package registry

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	beats, looks *prometheus.CounterVec
	instances    *prometheus.GaugeVec
}

func newMetrics() *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"service", "outcome"})
	}
	return &metrics{
		beats: counter("souk_registry_beats_total", "Heartbeats of this process's instances, by outcome."),
		looks: counter("souk_registry_looks_total", "Readings of a service's list, by outcome."),
		instances: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "souk_registry_instances", Help: "Instances on the last good list of a watched service.",
		}, []string{"service"}),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.beats, m.looks, m.instances} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// outcome is the label of a call that ended with err.
func outcome(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}
