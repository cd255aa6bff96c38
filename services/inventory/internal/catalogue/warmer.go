package catalogue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"souk.example/pkg/redlock"
	"souk.example/services/inventory/internal/inventory"
)

// Shelf lists the products whose pages are worth keeping warm.
type Shelf func(ctx context.Context) ([]inventory.Listing, error)

const (
	warmLock = "inventory:warm"
	// patience is the pause before another attempt after Redis or SQL failed.
	patience = 5 * time.Second
)

// Warmer keeps the pages of the shelf in Redis, so that after a deployment or a
// loss of Redis' memory they are not all asked of the database at once. One
// replica at a time does, under a lock; that two do for a moment costs a few
// queries. Run it once.
type Warmer struct {
	pages  *Pages
	shelf  Shelf
	locker *redlock.Locker
	every  time.Duration
	logger *slog.Logger
}

// NewWarmer makes a Warmer that looks after the shelf every so often.
func NewWarmer(pages *Pages, shelf Shelf, locker *redlock.Locker, every time.Duration, logger *slog.Logger) *Warmer {
	return &Warmer{pages: pages, shelf: shelf, locker: locker, every: every, logger: logger}
}

// Run warms until ctx ends, and returns nil.
func (w *Warmer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := w.locker.Do(ctx, warmLock, w.keepWarm)
		if err != nil && ctx.Err() == nil && !errors.Is(err, redlock.ErrLost) {
			w.logger.WarnContext(ctx, "product pages are not kept warm", "error", err)
		}
		pause(ctx, patience)
	}
	return nil
}

func (w *Warmer) keepWarm(ctx context.Context) error {
	for ctx.Err() == nil {
		products, err := w.shelf(ctx)
		if err != nil {
			return err
		}
		if err := w.pages.Warm(ctx, products); err != nil {
			return err
		}
		pause(ctx, w.every)
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
