package pubsub

import "github.com/prometheus/client_golang/prometheus"

// Why subscriptions resync.
const (
	causeFirst   = "first"    // the first connection
	causeEpoch   = "epoch"    // Redis has lost the channel's history
	causeForked  = "forked"   // Redis has another history: it came back with an older memory
	causeTrimmed = "trimmed"  // the log does not reach back far enough
	causeQueue   = "overflow" // a handler was too slow
)

type metrics struct {
	published, frames, received, refused, skipped, caughtUp, reconnects, panics prometheus.Counter

	resyncs, stateSeeds, stateFailures *prometheus.CounterVec

	stateVersion *prometheus.GaugeVec
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_pubsub_" + name + "_total", Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "souk_pubsub_" + name + "_total", Help: help}, []string{label})
	}
	return &metrics{
		published:  counter("published", "Messages broadcast by this process."),
		frames:     counter("frames", "Frames those messages were sent in."),
		received:   counter("received", "Messages received."),
		refused:    counter("refused", "Frames and messages that could not be read or have an unknown schema version."),
		skipped:    counter("skipped", "Messages whose version had been handled already."),
		caughtUp:   counter("caught_up", "Missed frames taken from the log."),
		reconnects: counter("reconnects", "Subscriptions opened to Redis after the first."),
		panics:     counter("panics", "Handlers that panicked."),
		resyncs:    vector("resyncs", "Times messages may have been missed, by cause.", "cause"),

		stateSeeds:    vector("state_seeds", "Times this process gave a state back to Redis.", "state"),
		stateFailures: vector("state_failures", "Times a state could not be compared with Redis or read.", "state"),
		stateVersion: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "souk_pubsub_state_version_seconds", Help: "Version in force of a state: when it was written, by Redis' clock.",
		}, []string{"state"}),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{
		m.published, m.frames, m.received, m.refused, m.skipped, m.caughtUp, m.reconnects, m.panics, m.resyncs,
		m.stateSeeds, m.stateFailures, m.stateVersion,
	} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
