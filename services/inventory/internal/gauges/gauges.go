// Package gauges exports how much is in stock: one replica of the service, the
// elected one, counts, and the others export nothing, so a sum over
// replicas is right and the database is asked once.
package gauges

import (
	"context"
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

// Reporter counts and exports. Run it once.
type Reporter struct {
	counter Counter
	elector *redlock.Elector
	logger  *slog.Logger
	every   time.Duration
	totals  atomic.Pointer[inventory.Totals] // nil while another replica counts
}

// New makes a Reporter that counts while elected and exports through registry.
func New(counter Counter, elector *redlock.Elector, registry prometheus.Registerer, logger *slog.Logger, cfg Config) (*Reporter, error) {
	if cfg.Every <= 0 {
		cfg.Every = 15 * time.Second
	}
	r := &Reporter{counter: counter, elector: elector, logger: logger, every: cfg.Every}
	return r, registry.Register(r)
}

// Run counts whenever it is elected, until ctx ends. Without Redis nobody counts
// and nothing else suffers.
func (r *Reporter) Run(ctx context.Context) error { return r.elector.Run(ctx, r.lead) }

// lead refreshes the totals until the term is over. While they cannot be counted
// there are none.
func (r *Reporter) lead(ctx context.Context, _ redlock.Term) error {
	defer r.totals.Store(nil)
	for ctx.Err() == nil {
		totals, err := r.counter.Totals(ctx)
		if err != nil {
			r.totals.Store(nil)
			r.logger.WarnContext(ctx, "stock is not counted", "error", err)
		} else {
			r.totals.Store(&totals)
		}
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
