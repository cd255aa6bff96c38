package order

import (
	"sync"
	"time"
)

// The bounds of pacing. A trip is the way of an order to another service and
// back: a tenth of a second on an idle system.
const (
	tripTarget  = 500 * time.Millisecond // longer trips mean that a backlog grows
	paceStep    = 5 * time.Millisecond
	paceMax     = 200 * time.Millisecond
	paceBatch   = 500             // orders: of fewer, a batch gathers so much less long
	paceSilence = 2 * time.Second // without a trip for so long nothing follows that could catch up
)

// Pacer slows the intake of orders down while what follows falls behind, so
// that a burst is answered later and not completed minutes later: its delay
// grows while trips take longer than they should and shrinks when they do not
// (additive increase, multiplicative decrease: Chiu and Jain, 1989). It never
// refuses an order, and it holds up nobody when the services that follow stand
// still. The zero value is ready; safe for concurrent use.
type Pacer struct {
	mu    sync.Mutex
	delay time.Duration
	heard time.Time
}

// Observe takes note of how long the quickest trip of a batch took.
func (p *Pacer) Observe(trip time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = time.Now()
	if trip > tripTarget {
		p.delay = min(paceMax, p.delay+paceStep*min(4, trip/tripTarget))
		return
	}
	p.delay = max(0, p.delay*7/8-time.Millisecond)
}

// Delay is how long the next batch is to gather, of up to so many orders.
func (p *Pacer) Delay(batch int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.heard) > paceSilence {
		p.delay = 0
	}
	return p.delay * time.Duration(min(batch, paceBatch)) / paceBatch
}

// observe tells p of the quickest trip among updates. What waits for a payment
// provider is no trip of ours.
func (p *Pacer) observe(updates []Update) {
	quickest := time.Duration(-1)
	for _, up := range updates {
		if trip, ok := up.trip(); ok && (quickest < 0 || trip < quickest) {
			quickest = trip
		}
	}
	if quickest >= 0 {
		p.Observe(quickest)
	}
}

// trip is how long the order waited for what it has just learned: from its
// placement to the reservation, or from its payment to the points.
func (up Update) trip() (time.Duration, bool) {
	was, is := up.Before, up.After
	switch {
	case was.ReservedAt.IsZero() && !is.ReservedAt.IsZero():
		return is.ReservedAt.Sub(is.CreatedAt), true
	case !was.PaidAt.IsZero() && was.CompletedAt.IsZero() && !is.CompletedAt.IsZero():
		return is.CompletedAt.Sub(is.PaidAt), true
	}
	return 0, false
}
