package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/failpoint"
)

const (
	publishTimeout = 30 * time.Second // above the broker client's own retries
	backoffFirst   = 50 * time.Millisecond
	backoffMax     = 2 * time.Second
)

// errLeaseUnsure: the lease could not be renewed in time, so that somebody else
// may be publishing by now.
var errLeaseUnsure = errors.New("lease not renewed in time")

// partition is what a process knows of one partition, its own or not.
type partition struct {
	address
	working *atomic.Int32 // of the process
	woken   chan struct{} // holds a token when there may be something to publish
	idle    atomic.Bool   // a loop waits for a token
	oldest  atomic.Int64  // when the oldest pending pack was written, µs; 0 is none
	busy    sync.Mutex    // held by the one loop that may run
}

// stir counts a loop that waits as one that works: it is about to get a token.
func (p *partition) stir() {
	if p.idle.CompareAndSwap(true, false) {
		p.working.Add(1)
	}
}

func (p *partition) wake() {
	p.stir()
	select {
	case p.woken <- struct{}{}:
	default: // a token is there already
	}
}

// loop relays one partition while this process holds its lease.
type loop struct {
	*partition
	o     *Outbox
	table *pointers
	valid func() bool     // whether the lease surely holds
	quit  <-chan struct{} // closed: finish the round in hand and return

	failures int  // since the last round that went well
	behind   bool // the last round left packs behind
}

// run returns when quit is closed, or at once when ctx ends: the lease is lost.
func (l *loop) run(ctx context.Context) {
	l.busy.Lock() // the loop of a lease that was lost and regained may be at its end
	defer l.busy.Unlock()
	defer l.oldest.Store(0)
	l.working.Add(1)
	defer l.working.Add(-1)
	for l.going(ctx) {
		more, err := l.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.failed(err)
			l.pause(ctx)
		default:
			l.recovered()
		}
		if err == nil && !more {
			l.waitForToken(ctx)
		}
	}
}

func (l *loop) going(ctx context.Context) bool {
	select {
	case <-l.quit:
		return false
	default:
		return ctx.Err() == nil
	}
}

func (l *loop) waitForToken(ctx context.Context) {
	l.oldest.Store(0)
	l.working.Add(-1)
	l.idle.Store(true)
	defer l.stir()
	select {
	case <-l.woken:
	case <-l.quit:
	case <-ctx.Done():
	}
}

// pause is not cut short by tokens: whatever failed needs its rest. Nobody is to
// wait for the loop meanwhile.
func (l *loop) pause(ctx context.Context) {
	l.working.Add(-1)
	defer l.working.Add(1)
	limit := min(backoffFirst<<min(l.failures-1, 10), backoffMax)
	select {
	case <-time.After(limit/2 + rand.N(limit/2)):
	case <-l.quit:
	case <-ctx.Done():
	}
}

func (l *loop) failed(err error) {
	l.o.metrics.failures.WithLabelValues(l.topic).Inc()
	if l.failures++; l.failures == 1 { // the metric tells the rest
		l.o.log.Warn("outbox partition fails and backs off", l.attrs("error", err)...)
	}
}

func (l *loop) recovered() {
	if l.failures > 0 {
		l.o.log.Info("outbox partition works again", l.attrs("failures", l.failures)...)
	}
	l.failures = 0
}

func (l *loop) attrs(key string, value any) []any {
	return []any{slog.String("topic", l.topic), slog.Int("partition", int(l.part)), slog.Any(key, value)}
}

// round publishes the first pending packs; those that are acknowledged are
// spent. more tells that others wait behind them.
func (l *loop) round(ctx context.Context) (more bool, err error) {
	if err := l.keepUp(ctx); err != nil {
		return false, err
	}
	packs, more, err := l.read(ctx)
	if err != nil || len(packs) == 0 {
		return false, err
	}
	if !l.valid() {
		return false, errLeaseUnsure
	}
	failpoint.Hit("outbox-before-publish")
	acked, err := l.publish(ctx, packs)
	failpoint.Hit("outbox-after-publish")
	l.table.spent.add(l.address, acked)
	return more, err
}

// keepUp deletes by itself when those that should have been deleted are many,
// and fails until it can: they are named in each read, and come again after a
// crash.
func (l *loop) keepUp(ctx context.Context) error {
	if l.table.spent.count(l.address) < spentMax {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, aloneTimeout)
	defer cancel()
	return l.table.forget(ctx, l.address)
}

// read asks for the start of the partition.
func (l *loop) read(ctx context.Context) (packs []pack, more bool, err error) {
	r, err := l.table.reads.do(ctx, l.address, !l.behind && l.failures == 0)
	if err != nil {
		return nil, false, fmt.Errorf("read outbox: %w", err)
	}
	if len(r.packs) > 0 {
		l.oldest.Store(r.packs[0].at)
	}
	l.behind = r.more
	return r.packs, r.more, nil
}

// publish returns the packs that were acknowledged, and an error when those
// are not all.
func (l *loop) publish(ctx context.Context, packs []pack) (acked []pack, err error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	records := make([]eventbus.Record, len(packs))
	for i, p := range packs {
		records[i] = eventbus.Record{Topic: p.topic, Partition: p.part, Value: p.value}
	}
	errs := l.o.pub.Publish(ctx, records)
	events := 0
	for i, p := range packs {
		if errs == nil || errs[i] == nil {
			acked = append(acked, p)
			events += p.n
			l.o.trace(p)
		} else if err == nil {
			err = fmt.Errorf("publish pack %d: %w", p.id, errs[i])
		}
	}
	l.o.metrics.packs.WithLabelValues(l.topic).Add(float64(len(acked)))
	l.o.metrics.events.WithLabelValues(l.topic).Add(float64(events))
	return acked, err
}
