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
// service is called on the order path. It is fed by product.changed; a
// snapshot fills it when it starts empty.
type PriceBook struct {
	store     Store
	has       func(context.Context) (bool, error)
	catalogue Catalogue
	log       *slog.Logger
}

// NewPriceBook makes the projection; has reports whether any price is known.
func NewPriceBook(store Store, has func(context.Context) (bool, error), c Catalogue, log *slog.Logger) *PriceBook {
	return &PriceBook{store: store, has: has, catalogue: c, log: log}
}

// Learn takes prices in. Versions decide, so any order of arrival will do.
func (b *PriceBook) Learn(ctx context.Context, prices []Price) error {
	if len(prices) == 0 {
		return nil
	}
	return b.store.InUnit(ctx, func(ctx context.Context, u Unit) error { return u.LearnPrices(ctx, prices) })
}

// Run fills an empty book from the catalogue, trying until it has prices, from
// there or from events, or ctx ends; then it has nothing more to do.
func (b *PriceBook) Run(ctx context.Context) error {
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		filled, err := b.fill(ctx)
		if filled {
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

// fill loads the whole snapshot in one unit, so that half a catalogue is never
// taken for all of it.
func (b *PriceBook) fill(ctx context.Context) (bool, error) {
	if known, err := b.has(ctx); err != nil || known {
		return known, err
	}
	prices, err := b.catalogue.Prices(ctx)
	if err != nil {
		return false, err
	}
	return len(prices) > 0, b.Learn(ctx, prices)
}
