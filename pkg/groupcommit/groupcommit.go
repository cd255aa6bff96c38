// Package groupcommit lets many callers share one transaction.
package groupcommit

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrFull: the queue is at its bound; nothing was taken in.
	ErrFull = errors.New("groupcommit: queue full")
	// ErrStopped: the committer takes nothing in any more.
	ErrStopped = errors.New("groupcommit: stopped")
	// ErrExpired: the request left the queue unflushed; it had no effect.
	ErrExpired = errors.New("groupcommit: request expired in the queue")
	// ErrOutcomeUnknown: the request was flushed, and whether it took effect
	// is not known to its caller.
	ErrOutcomeUnknown = errors.New("groupcommit: outcome unknown")
)

// Config bounds a committer.
type Config struct {
	BatchMax int           `env:"SOUK_BATCH_MAX" envDefault:"500" usage:"largest batch of one transaction"`
	QueueMax int           `env:"SOUK_QUEUE_MAX" envDefault:"10000" usage:"requests that may wait for a batch"`
	Timeout  time.Duration `env:"SOUK_FLUSH_TIMEOUT" envDefault:"10s" usage:"longest time one flush may take"`
	// Retry says which errors of a flush are worth the same batch again.
	Retry func(error) bool `env:"-"`
}

// Outcome is the answer to one request of a batch.
type Outcome[R any] struct {
	Value R
	Err   error
}

// Committer gathers requests into batches.
type Committer[Q, R any] struct{}

// New returns a committer.
func New[Q, R any](cfg Config, flush func(ctx context.Context, batch []Q) ([]Outcome[R], error)) *Committer[Q, R] {
	return &Committer[Q, R]{}
}

// Do answers q.
func (c *Committer[Q, R]) Do(ctx context.Context, q Q) (R, error) {
	var zero R
	return zero, errors.New("not built")
}

// Run flushes.
func (c *Committer[Q, R]) Run(ctx context.Context) error { return errors.New("not built") }
