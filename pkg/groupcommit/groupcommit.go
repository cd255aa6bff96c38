// Package groupcommit lets many callers share one transaction.
//
// Callers block in [Committer.Do] while [Committer.Run] flushes their requests
// in batches: whatever has queued up during one flush is the next batch. So
// batches grow with the load by themselves, and a lone request on an idle system
// is flushed at once. (The technique is the group commit of databases' logs:
// DeWitt et al., "Implementation Techniques for Main Memory Database Systems",
// 1984.)
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"souk.example/pkg/cadence"
)

var (
	// ErrFull: as many requests wait as may; this one was not taken in.
	ErrFull = errors.New("groupcommit: queue full")
	// ErrStopped: the committer takes nothing in any more.
	ErrStopped = errors.New("groupcommit: stopped")
	// ErrExpired: the caller's context ended while the request was still
	// queued. It was not flushed and has no effect.
	ErrExpired = errors.New("groupcommit: request expired in the queue")
	// ErrOutcomeUnknown: the request was flushed, and whether it took effect
	// could not be learned, or not before the caller's context ended.
	ErrOutcomeUnknown = errors.New("groupcommit: outcome unknown")
)

// Outcome is the answer to one request of a batch.
type Outcome[R any] struct {
	Value R
	Err   error
}

// Flush carries out a batch, which is never empty, as a whole or not at all,
// and returns one outcome per request, in the batch's order. An error means
// that no request took effect, except where Config.Retry says otherwise. A
// panic leaves that open, so the batch ends with ErrOutcomeUnknown and is not
// halved; a transaction that turns a panic into an error once it is rolled
// back, as database.InTx does, lets a poisoned request fail alone.
type Flush[Q, R any] func(ctx context.Context, batch []Q) ([]Outcome[R], error)

// Committer gathers requests into batches. Make one with New; it is safe for
// concurrent use.
type Committer[Q, R any] struct {
	cfg       Config
	flush     Flush[Q, R]
	following following[Q]
	cadence   cadence.Cadence // of Run

	// mu orders the closing of queue after every send to it.
	mu      sync.RWMutex
	stopped bool
	queue   chan *request[Q, R]
}

// New returns a committer that flushes with flush, one batch at a time, once
// Run is called.
func New[Q, R any](cfg Config, flush func(ctx context.Context, batch []Q) ([]Outcome[R], error), opts ...Option[Q]) *Committer[Q, R] {
	cfg = cfg.withDefaults()
	c := &Committer[Q, R]{
		cfg:   cfg,
		flush: flush,
		queue: make(chan *request[Q, R], cfg.QueueMax),

		cadence: cadence.Cadence{Longest: cfg.Cadence},
	}
	for _, opt := range opts {
		opt(&c.following)
	}
	return c
}

// Do queues q and blocks until its batch has been flushed or ctx ends. It
// fails at once with ErrFull when the queue is full and with ErrStopped once
// Run is stopping. When ctx ends first, the error says whether q may have
// taken effect: ErrExpired if not, ErrOutcomeUnknown if it may. Any other
// error is the one that q's outcome or its flush ended with.
func (c *Committer[Q, R]) Do(ctx context.Context, q Q) (R, error) {
	r := newRequest[Q, R](ctx, q)
	if err := c.enqueue(r); err != nil {
		var none R
		return none, err
	}
	select {
	case out := <-r.done:
		return out.Value, out.Err
	case <-ctx.Done():
		return r.giveUp()
	}
}

func (c *Committer[Q, R]) enqueue(r *request[Q, R]) error {
	if err := r.ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrExpired, err)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.stopped {
		return ErrStopped
	}
	select {
	case c.queue <- r:
		return nil
	default:
		return ErrFull
	}
}

// Run flushes until ctx ends; then it refuses new requests, flushes those that
// are queued, and returns nil. It must be called once.
func (c *Committer[Q, R]) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, c.stop)()
	// What was taken in is carried out even though ctx has ended.
	flushing := context.WithoutCancel(ctx)
	for first := range c.queue {
		c.gather(ctx)
		if batch := c.collect(first); len(batch) > 0 {
			c.cadence.Begin(len(batch))
			c.cfg.Sizes.Observe(float64(len(batch)))
			c.commit(flushing, batch)
		}
	}
	return nil
}

// gather waits as long as the pace asks, and the cadence for a batch that is not
// full yet, unless Run is stopping.
func (c *Committer[Q, R]) gather(ctx context.Context) {
	d := c.cfg.Pace()
	if len(c.queue)+1 < c.cfg.BatchMax {
		d = max(d, c.cadence.Left())
	}
	if d > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
}

func (c *Committer[Q, R]) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.stopped = true
		close(c.queue)
	}
}

// collect takes what is queued, up to a batch, without waiting for more.
// Requests whose callers have left are dropped.
func (c *Committer[Q, R]) collect(first *request[Q, R]) []*request[Q, R] {
	var batch []*request[Q, R]
	for r, ok := first, true; ok; r, ok = c.poll() {
		if r.take() {
			batch = append(batch, r)
		}
		if len(batch) == c.cfg.BatchMax {
			break
		}
	}
	return batch
}

func (c *Committer[Q, R]) poll() (*request[Q, R], bool) {
	select {
	case r, ok := <-c.queue:
		return r, ok
	default:
		return nil, false
	}
}
