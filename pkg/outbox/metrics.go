package outbox

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	packs, events, failures *prometheus.CounterVec
	owned                   prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer, o *Outbox) *metrics {
	with := promauto.With(registry)
	counter := func(name, help string) *prometheus.CounterVec {
		return with.NewCounterVec(prometheus.CounterOpts{Name: "souk_outbox_" + name + "_total", Help: help}, []string{"topic"})
	}
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "souk_outbox_pending_age_seconds",
		Help: "Age of the oldest pack that this process has to publish; 0 when there is none.",
	}, o.pendingAge)
	return &metrics{
		packs:    counter("packs_published", "Packs acknowledged by the broker."),
		events:   counter("events_published", "Events in the packs acknowledged by the broker."),
		failures: counter("failures", "Rounds of a partition, and deletions of what was acknowledged, that failed, in the database or at the broker."),
		owned: with.NewGauge(prometheus.GaugeOpts{
			Name: "souk_outbox_owned_partitions", Help: "Partitions that this process relays.",
		}),
	}
}

func (o *Outbox) pendingAge() float64 {
	age := time.Duration(0)
	for _, p := range o.partitions {
		if at := p.oldest.Load(); at != 0 {
			age = max(age, time.Since(time.UnixMicro(at)))
		}
	}
	return age.Seconds()
}
