package order

import (
	"context"
	"log/slog"
	"time"
)

// Catalogue is inventory's product list: every product on sale.
type Catalogue interface {
	Prices(ctx context.Context) ([]Price, error)
}

// PriceBook keeps order's own projection of inventory's prices, so that no
// service is called on the order path. It is fed by product.changed; one
// snapshot of the catalogue tells it what was on sale before those.
type PriceBook struct {
	store     Store
	complete  func(context.Context) (bool, error)
	catalogue Catalogue
	log       *slog.Logger
}

// NewPriceBook makes the projection; complete reports whether a unit that
// noted a snapshot has committed.
func NewPriceBook(store Store, complete func(context.Context) (bool, error), c Catalogue, log *slog.Logger) *PriceBook {
	return &PriceBook{store: store, complete: complete, catalogue: c, log: log}
}

// Run takes the snapshot, trying until it succeeds or ctx ends; then, and when
// it was taken before, it has nothing more to do.
func (b *PriceBook) Run(ctx context.Context) error {
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		taken, err := b.snapshot(ctx)
		if taken {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "no price snapshot yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// snapshot learns the whole catalogue and notes so in one unit, so that half a
// catalogue is never taken for all of it. Prices that events brought first do
// not stand in for it. An empty catalogue is one that is not seeded yet.
func (b *PriceBook) snapshot(ctx context.Context) (taken bool, err error) {
	if done, err := b.complete(ctx); err != nil || done {
		return done, err
	}
	prices, err := b.catalogue.Prices(ctx)
	if err != nil || len(prices) == 0 {
		return false, err
	}
	err = b.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		if err := u.LearnPrices(ctx, prices); err != nil {
			return err
		}
		return u.NoteSnapshot(ctx)
	})
	return err == nil, err
}
