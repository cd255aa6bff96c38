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

// wantAccount is what user 1 has, and how often order was told something.
func (w *world) wantAccount(t *testing.T, balance, frozen int64, replies int) {
	t.Helper()
	if n := w.number(t, "SELECT balance FROM points_account WHERE user_id = 1"); n != balance {
		t.Errorf("%d points, want %d", n, balance)
	}
	if n := w.number(t, "SELECT SUM(amount) FROM points_entry WHERE user_id = 1"); n != balance {
		t.Errorf("entries say %d points, want %d", n, balance)
	}
	if n := w.number(t, "SELECT frozen FROM points_account WHERE user_id = 1"); n != frozen {
		t.Errorf("%d points frozen, want %d", n, frozen)
	}
	if n := len(w.said.events); n != replies {
		t.Errorf("%d replies, want %d", n, replies)
	}
}

func allPaid(t *testing.T, from, to int64) (events []eventbus.Event) {
	for order := from; order <= to; order++ {
		events = append(events, paid(t, order, 1, 1000))
	}
	return events
}

// One order of 500 has been rewarded by another process, which shares nothing
// with this one but the database.
func TestOneOfABatchIsNotNew(t *testing.T) {
	w := newWorld(t)
	w.must(t, 1, paid(t, 250, 1, 1000))
	w.must(t, 2, allPaid(t, 1, 500)...)
	w.wantAccount(t, 5_000, 0, 500)
}

// A process that has lost its partitions applies the batch it had in hand.
func TestALateBatchChangesNothing(t *testing.T) {
	w := newWorld(t)
	batch := append(allPaid(t, 1, 100), placed(t, 900, 1, 5))
	w.must(t, 1, allPaid(t, 901, 901)...)
	w.must(t, 1, batch...)
	w.must(t, 2, batch...)
	w.must(t, 2, placed(t, 900, 1, 5))
	w.must(t, 2, slices.Concat(batch[50:], allPaid(t, 101, 110))...)
	w.must(t, 1, paidWith(t, 900, 1, 0, 5)) // what is frozen is looked up
	w.must(t, 2, paidWith(t, 900, 1, 0, 5))
	w.wantAccount(t, 1_105, 0, 113)
}

// Placed with points and cancelled, in either order, together or one by one, and
// all of it again.
func TestAnOrderThatIsCancelledAtOnce(t *testing.T) {
	for _, c := range []struct {
		events func(t *testing.T) []eventbus.Event
		says   int
	}{
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{placed(t, 1, 1, 5), cancelled(t, 1, 1)} }, 1},
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{cancelled(t, 1, 1), placed(t, 1, 1, 5)} }, 0},
	} {
		for _, size := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d replies, batches of %d", c.says, size), func(t *testing.T) {
				w := newWorld(t)
				w.must(t, 1, paid(t, 2, 1, 1000))
				for range 3 {
					if err := w.deliver(t.Context(), c.events(t), size); err != nil {
						t.Fatal(err)
					}
				}
				w.wantAccount(t, 10, 0, c.says+1)
			})
		}
	}
}
