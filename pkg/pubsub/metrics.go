package pubsub

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	published, received, refused, resyncs, reconnects, overflows prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_pubsub_" + name + "_total", Help: help})
	}
	return &metrics{
		published:  counter("published", "Messages broadcast by this process."),
		received:   counter("received", "Messages received."),
		refused:    counter("refused", "Frames and messages that could not be read or have an unknown schema version."),
		resyncs:    counter("resyncs", "Times messages may have been missed."),
		reconnects: counter("reconnects", "Subscriptions opened to Redis after the first."),
		overflows:  counter("overflows", "Times a subscription's queue overflowed."),
	}
}

func (m *metrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Counter{m.published, m.received, m.refused, m.resyncs, m.reconnects, m.overflows} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
