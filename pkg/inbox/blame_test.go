package inbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
)

// A handler that lacks ids for a while lacks them for every event.
func TestLackOfIDsBlamesNoEvent(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a"), event("2-1", "b"), event("3-1", "c")))
	var runs atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if runs.Add(1) <= 4 {
			return fmt.Errorf("id of an effect: %w", idgen.ErrNoLease)
		}
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 3)
}

// A table that is missing, because a migration is late, is nobody's fault.
func TestOperationalErrorsBlameNoEvent(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a"), event("2-1", "b")))
	var runs atomic.Int32
	b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if runs.Add(1) <= 4 {
			_, err := tx.Exec(ctx, "DELETE FROM table_to_come")
			return err
		}
		return inbox.Each(count)(ctx, tx, events)
	})
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
}

// A value that its column refuses is the event's own fault.
func TestDataErrorsBlameTheirEvent(t *testing.T) {
	b := newBench(t, onMemory)
	b.publish(b.pack(0, event("1-1", "a"), poison("2-1", "b", "null"), event("3-1", "c")))
	b.run(inbox.Each(func(ctx context.Context, tx *database.Tx, e eventbus.Event) error {
		if len(e.Payload) > 0 {
			return tx.Insert(ctx, "effect", []string{"event_id", "k"}, [][]any{{e.ID, nil}})
		}
		return count(ctx, tx, e)
	}))
	b.awaitEnd()
	b.wantEqual("parked keys", b.parkedKeys(), []string{"b"})
	b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
}

// What a search found need not hold any more when the batch is run again after
// a pause, so it is searched for anew.
func TestFaultsDoNotOutliveAFailureToPark(t *testing.T) {
	everywhere(t, func(b *bench) {
		b.publish(b.pack(0, event("1-1", "a"), event("2-1", "b"), poison("3-1", "c", "error")))
		b.ids.refusals.Store(1)
		b.run(func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
			if b.ids.refusals.Load() > 0 { // until something was to be parked
				return errPoison
			}
			return inbox.Each(poisoned)(ctx, tx, events)
		})
		b.awaitEnd()
		b.wantEqual("parked keys", b.parkedKeys(), []string{"c"})
		b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 2)
	})
}
