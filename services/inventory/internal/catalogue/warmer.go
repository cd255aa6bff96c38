package catalogue

import (
	"context"
	"log/slog"
	"time"

	"souk.example/pkg/redlock"
	"souk.example/services/inventory/internal/inventory"
)

// Shelf lists the products whose pages are worth keeping warm.
type Shelf func(ctx context.Context) ([]inventory.SKU, error)

// Warmer keeps the pages of the shelf in Redis, so that after a deployment or a
// loss of Redis' memory they are not all asked of the database at once. One
// replica does, the elected one; that two do for a moment costs a few queries.
// Run it once.
type Warmer struct {
	pages   *Pages
	shelf   Shelf
	elector *redlock.Elector
	every   time.Duration
	logger  *slog.Logger
}

// NewWarmer makes a Warmer that looks after the shelf every so often while it is
// elected.
func NewWarmer(pages *Pages, shelf Shelf, elector *redlock.Elector, every time.Duration, logger *slog.Logger) *Warmer {
	return &Warmer{pages: pages, shelf: shelf, elector: elector, every: every, logger: logger}
}

// Run warms whenever it is elected, until ctx ends, and returns nil.
func (w *Warmer) Run(ctx context.Context) error { return w.elector.Run(ctx, w.lead) }

func (w *Warmer) lead(ctx context.Context, _ redlock.Term) error {
	for ctx.Err() == nil {
		if err := w.warm(ctx); err != nil && ctx.Err() == nil {
			w.logger.WarnContext(ctx, "product pages are not kept warm", "error", err)
		}
		pause(ctx, w.every)
	}
	return nil
}

func (w *Warmer) warm(ctx context.Context) error {
	skus, err := w.shelf(ctx)
	if err != nil {
		return err
	}
	return w.pages.Warm(ctx, skus)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
