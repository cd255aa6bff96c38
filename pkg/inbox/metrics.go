package inbox

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/tracing"
)

// metrics are one group's; groups that share a registry share the families.
type metrics struct {
	group   string
	events  *prometheus.CounterVec
	sizes   prometheus.Observer
	seconds prometheus.Observer
	losses  prometheus.Counter
	retries *prometheus.CounterVec
	letters *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer, group string) *metrics {
	sizes := register(registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "souk_inbox_batch_events",
		Help:    "Events per transaction.",
		Buckets: prometheus.ExponentialBuckets(1, 4, 7),
	}, []string{"group"}))
	seconds := register(registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "souk_inbox_batch_seconds",
		Help:    "Time to apply a batch of events, repetitions included.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"group"}))
	losses := register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_inbox_loss_total",
		Help: "Partitions whose log did not go on where the database stands: records were lost.",
	}, []string{"group"}))
	return &metrics{
		group:   group,
		sizes:   sizes.WithLabelValues(group),
		seconds: seconds.WithLabelValues(group),
		losses:  losses.WithLabelValues(group),
		events: register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_inbox_events_total",
			Help: "Events by what became of them.",
		}, []string{"group", "type", "result"})),
		retries: register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_inbox_retries_total",
			Help: "Attempts to apply parked events, by what became of the event.",
		}, []string{"group", "status"})),
		letters: register(registry, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "souk_inbox_dead_letters",
			Help: "Events that wait for their turn or their next attempt, or, dead, for an operator.",
		}, []string{"group", "status"})),
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

// batch counts the events of a committed batch. Types that are not ours to
// know are counted together: anyone may invent them.
func (m *metrics) batch(ctx context.Context, b *batch, p plan, known vocabulary, took time.Duration) {
	tracing.Observe(ctx, m.seconds, took.Seconds())
	m.sizes.Observe(float64(len(b.entries)))
	type label struct {
		eventType string
		result    result
	}
	counts := make(map[label]int)
	for n, e := range b.entries {
		eventType := e.event.Type
		if !known.types[eventType] {
			eventType = "other"
		}
		counts[label{eventType, p.results[n]}]++
	}
	counts[label{"other", ignored}] += b.skipped
	for l, n := range counts {
		m.events.WithLabelValues(m.group, l.eventType, string(l.result)).Add(float64(n))
	}
}

func (m *metrics) retried(s Status) { m.retries.WithLabelValues(m.group, string(s)).Inc() }

func (m *metrics) unresolved(s Status, n int64) {
	m.letters.WithLabelValues(m.group, string(s)).Set(float64(n))
}
