package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

type freshKey struct{}

// Fresh reports, within a handler, that nothing speaks for any of its events
// having come before: they are run for the first time, none was redelivered,
// replayed or nudged. A fresh handler may leave out looking for what it did
// already, provided that its transaction proves that there is nothing: by plain
// INSERTs of rows that each of the events is known by, or by conditional UPDATEs.
// If it was wrong it returns database.ErrDuplicate or ErrStale, everything is
// rolled back, and it is run again at once, not fresh.
func Fresh(ctx context.Context) bool { return ctx.Value(freshKey{}) != nil }

// TrustOnce has h take its events for new the first time that it is called, as
// the inbox does with a batch that looks so. In database.DB.InTx a duplicate
// then means no more than that h is called again. For one batch, one call at a
// time.
func TrustOnce(h Batch) Batch {
	tried := false
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if tried {
			return h(ctx, tx, events)
		}
		tried = true
		err := h(context.WithValue(ctx, freshKey{}, true), tx, events)
		if errors.Is(err, database.ErrDuplicate) {
			return fmt.Errorf("taken for new: %w: %w", database.ErrStale, err)
		}
		return err
	}
}

// fresh reports whether the batch looks new.
func (b *batch) fresh() bool {
	replayed := func(it item) bool { return it.record.Replay != "" }
	known := func(e entry) bool { return e.redelivered || e.event.Nudge }
	return !slices.ContainsFunc(b.items, replayed) && !slices.ContainsFunc(b.entries, known)
}
