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

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/failpoint"
)

const (
	publishTimeout = 30 * time.Second // above the broker client's own retries
	deleteTimeout  = 10 * time.Second
	readMax        = 64      // packs in one round
	readMaxBytes   = 8 << 20 // of payload in one round, or one pack
	backoffFirst   = 50 * time.Millisecond
	backoffMax     = 2 * time.Second
)

// errLeaseUnsure: the lease could not be renewed in time, so that somebody else
// may be publishing by now.
var errLeaseUnsure = errors.New("lease not renewed in time")

// partition is what a process knows of one partition, its own or not.
type partition struct {
	address
	woken  chan struct{} // holds a token when there may be something to publish
	idle   atomic.Bool   // a loop waits for a token
	oldest atomic.Int64  // when the oldest pending pack was written, µs; 0 is none
	busy   sync.Mutex    // held by the one loop that may run
}

func (p *partition) wake() {
	select {
	case p.woken <- struct{}{}:
	default: // a token is there already
	}
}

// loop relays one partition while this process holds its lease.
type loop struct {
	*partition
	o     *Outbox
	valid func() bool     // whether the lease surely holds
	quit  <-chan struct{} // closed: finish the round in hand and return
}

// run returns when quit is closed, or at once when ctx ends: the lease is lost.
func (l *loop) run(ctx context.Context) {
	l.busy.Lock() // the loop of a lease that was lost and regained may be at its end
	defer l.busy.Unlock()
	defer l.oldest.Store(0)
	failures := 0
	for l.going(ctx) {
		more, err := l.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			l.failed(err, failures)
			l.pause(ctx, failures)
		default:
			l.recovered(failures)
			failures = 0
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
	l.idle.Store(true)
	defer l.idle.Store(false)
	select {
	case <-l.woken:
	case <-l.quit:
	case <-ctx.Done():
	}
}

// pause is not cut short by tokens: whatever failed needs its rest.
func (l *loop) pause(ctx context.Context, failures int) {
	limit := min(backoffFirst<<min(failures-1, 10), backoffMax)
	select {
	case <-time.After(limit/2 + rand.N(limit/2)):
	case <-l.quit:
	case <-ctx.Done():
	}
}

func (l *loop) failed(err error, failures int) {
	l.o.metrics.failures.WithLabelValues(l.topic).Inc()
	if failures == 1 { // the metric tells the rest
		l.o.log.Warn("outbox partition fails and backs off", l.attrs("error", err)...)
	}
}

func (l *loop) recovered(failures int) {
	if failures > 0 {
		l.o.log.Info("outbox partition works again", l.attrs("failures", failures)...)
	}
}

func (l *loop) attrs(key string, value any) []any {
	return []any{slog.String("topic", l.topic), slog.Int("partition", int(l.part)), slog.Any(key, value)}
}

// round publishes the first pending packs and deletes the pointers of those
// that were acknowledged. more tells that others wait behind them.
func (l *loop) round(ctx context.Context) (more bool, err error) {
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
	err = errors.Join(err, l.remove(ctx, acked))
	failpoint.Hit("outbox-after-mark")
	return more, err
}

// read is the start of the partition, always: a pack whose transaction
// commits late may carry a lower id than one that is published already.
func (l *loop) read(ctx context.Context) (packs []pack, more bool, err error) {
	rows, err := l.o.db.Query(ctx, `SELECT o.id, e.n, e.at, e.payload
		FROM outbox o LEFT JOIN event_log e ON e.id = o.id
		WHERE o.topic = ? AND o.part = ? ORDER BY o.id LIMIT ?`, l.topic, l.part, readMax)
	if err != nil {
		return nil, false, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	size := 0
	for size < readMaxBytes && rows.Next() {
		p := pack{address: l.address}
		if err := rows.Scan(&p.id, &p.n, &p.at, &p.value); err != nil {
			return nil, false, fmt.Errorf("read outbox, after %d packs: %w", len(packs), err)
		}
		packs, size = append(packs, p), size+len(p.value)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("read outbox: %w", err)
	}
	if len(packs) > 0 {
		l.oldest.Store(packs[0].at)
	}
	return packs, len(packs) == readMax || size >= readMaxBytes, nil
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
		} else if err == nil {
			err = fmt.Errorf("publish pack %d: %w", p.id, errs[i])
		}
	}
	l.o.metrics.packs.WithLabelValues(l.topic).Add(float64(len(acked)))
	l.o.metrics.events.WithLabelValues(l.topic).Add(float64(events))
	return acked, err
}

// remove deletes the pointers of acked and no others. It does so even when the
// lease was lost meanwhile: whoever has it now need not publish them again.
func (l *loop) remove(ctx context.Context, acked []pack) error {
	if len(acked) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	keys := make([][]any, len(acked))
	for i, p := range acked {
		keys[i] = []any{p.topic, p.part, p.id}
	}
	err := l.o.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.DeleteMany(ctx, "outbox", []string{"topic", "part", "id"}, keys)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget acknowledged packs: %w", err)
	}
	return nil
}
