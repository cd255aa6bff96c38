package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

// must has a batch applied as the inbox does, in as many runs as are wanted.
func (w *world) must(t *testing.T, want int, events ...eventbus.Event) {
	t.Helper()
	runs, once := 0, inbox.TrustOnce(w.handle)
	err := w.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		return once(ctx, tx, events)
	})
	if err != nil || runs != want {
		t.Errorf("%d runs, %v; want %d", runs, err, want)
	}
}

func (w *world) wantPaid(t *testing.T, captured, balance int64, replies int) {
	t.Helper()
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'"); n != captured {
		t.Errorf("%d captured, want %d", n, captured)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM ledger_entry WHERE cause LIKE 'capture:%'"); n != captured {
		t.Errorf("%d entries of captures, want %d", n, captured)
	}
	if n := w.number(t, "SELECT balance FROM wallet WHERE user_id = 1"); n != balance {
		t.Errorf("the wallet holds %d, want %d", n, balance)
	}
	if n := len(w.said.events); n != replies {
		t.Errorf("%d replies, want %d", n, replies)
	}
}

func dues(t *testing.T, from, to int64) (events []eventbus.Event) {
	for order := from; order <= to; order++ {
		events = append(events, due(t, order, 1, 10))
	}
	return events
}

// One order of 500 has been paid by another process, which shares nothing with
// this one but the database.
func TestOneOfABatchIsNotNew(t *testing.T) {
	w := newWorld(t)
	w.fund(t, 10_000, 1)
	w.must(t, 1, due(t, 250, 1, 10))
	w.must(t, 2, dues(t, 1, 500)...)
	w.must(t, 1, append(dues(t, 501, 502), cancelled(t, 250, 1))...) // who cancels looks
	w.wantPaid(t, 502, 4_980, 502)
}

// A process that has lost its partitions applies the batch it had in hand, though
// the wallet would not pay for it twice.
func TestALateBatchChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.fund(t, 1_500, 1)
	batch := dues(t, 1, 100)
	w.must(t, 1, batch...)
	w.must(t, 2, batch...)
	w.must(t, 2, slices.Concat(batch[50:], dues(t, 101, 110))...)
	w.wantPaid(t, 110, 400, 110)
}

// Due and cancelled, in either order, together or one by one, and all of it again.
func TestAnOrderThatIsCancelledAtOnce(t *testing.T) {
	for _, c := range []struct {
		events   func(t *testing.T) []eventbus.Event
		captured int64
	}{
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{due(t, 1, 1, 10), cancelled(t, 1, 1)} }, 1},
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{cancelled(t, 1, 1), due(t, 1, 1, 10)} }, 0},
	} {
		for _, size := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d captured, batches of %d", c.captured, size), func(t *testing.T) {
				w := newWorld(t)
				w.fund(t, 100, 1)
				for range 3 {
					if err := w.deliver(t.Context(), c.events(t), size); err != nil {
						t.Fatal(err)
					}
				}
				w.wantPaid(t, c.captured, 100-10*c.captured, int(c.captured))
			})
		}
	}
}
