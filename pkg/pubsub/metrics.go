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
	published, frames, received, refused, skipped, caughtUp, reconnects prometheus.Counter

	resyncs *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_pubsub_" + name + "_total", Help: help})
	}
	return &metrics{
		published:  counter("published", "Messages broadcast by this process."),
		frames:     counter("frames", "Frames those messages were sent in."),
		received:   counter("received", "Messages received."),
		refused:    counter("refused", "Frames and messages that could not be read or have an unknown schema version."),
		skipped:    counter("skipped", "Messages whose version had been handled already."),
		caughtUp:   counter("caught_up", "Missed frames taken from the log."),
		reconnects: counter("reconnects", "Subscriptions opened to Redis after the first."),
		resyncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_pubsub_resyncs_total", Help: "Times messages may have been missed, by cause.",
		}, []string{"cause"}),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.published, m.frames, m.received, m.refused, m.skipped, m.caughtUp, m.reconnects, m.resyncs} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
