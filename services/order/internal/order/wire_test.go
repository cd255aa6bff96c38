package order_test

import "pgregory.net/rapid"

// wire carries messages the way the outbox and Kafka may: in any order, more
// than once, or, while it is lossy, not at all.
type wire[M any] struct {
	inFlight []M
	safe     bool // loses and repeats nothing, but for the message that
	loses    int  // says: the n-th that is received while it is safe
	received int
}

func (w *wire[M]) send(ms ...M) { w.inFlight = append(w.inFlight, ms...) }

// receive takes any message; ok is false when none arrives this time.
func (w *wire[M]) receive(t *rapid.T) (m M, ok bool) {
	if len(w.inFlight) == 0 {
		return m, false
	}
	i := rapid.IntRange(0, len(w.inFlight)-1).Draw(t, "message")
	m = w.inFlight[i]
	fate := "arrives"
	if !w.safe {
		fate = rapid.SampledFrom([]string{"arrives", "arrives", "arrives", "comes again", "is lost"}).Draw(t, "fate")
	}
	if w.safe {
		if w.received++; w.received == w.loses {
			fate = "is lost"
		}
	}
	if fate != "comes again" {
		w.inFlight = append(w.inFlight[:i], w.inFlight[i+1:]...)
	}
	return m, fate != "is lost"
}
