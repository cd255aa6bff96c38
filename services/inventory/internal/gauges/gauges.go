// Package gauges exports how much is in stock: one replica of the service at a
// time counts, under a lock, and the others export nothing, so a sum over
// replicas is right and the database is asked once.
package gauges

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redlock"
	"souk.example/services/inventory/internal/inventory"
)

// Counter counts.
type Counter interface {
	Totals(ctx context.Context) (inventory.Totals, error)
}

// Config tunes a Reporter; zero values take the defaults named in the tags.
type Config struct {
	Every time.Duration `env:"SOUK_INVENTORY_GAUGES_EVERY" envDefault:"15s" usage:"time between counts of the whole stock"`
}

const (
	lockName = "inventory:gauges"
	// patience is the pause before another attempt after Redis or SQL failed.
	patience = 5 * time.Second
)

// Reporter counts and exports. Run it once.
type Reporter struct {
	counter Counter
	locker  *redlock.Locker
	logger  *slog.Logger
	every   time.Duration
	totals  atomic.Pointer[inventory.Totals] // nil while another replica counts
}

// New makes a Reporter that exports through registry.
func New(counter Counter, locker *redlock.Locker, registry prometheus.Registerer, logger *slog.Logger, cfg Config) (*Reporter, error) {
	if cfg.Every <= 0 {
		cfg.Every = 15 * time.Second
	}
	r := &Reporter{counter: counter, locker: locker, logger: logger, every: cfg.Every}
	return r, registry.Register(r)
}

// Run waits for the lock and then counts, until ctx ends. Without Redis nobody
// counts and nothing else suffers.
func (r *Reporter) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.locker.Do(ctx, lockName, r.count)
		r.totals.Store(nil)
		if err != nil && ctx.Err() == nil && !errors.Is(err, redlock.ErrLost) {
			r.logger.WarnContext(ctx, "stock gauges pause", "error", err)
		}
		pause(ctx, patience)
	}
	return nil
}

// count refreshes the totals for as long as the lock is ours.
func (r *Reporter) count(ctx context.Context) error {
	for ctx.Err() == nil {
		totals, err := r.counter.Totals(ctx)
		if err != nil {
			return err
		}
		r.totals.Store(&totals)
		pause(ctx, r.every)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
