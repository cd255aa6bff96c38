package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/services/inventory/internal/inventory"
)

// must has a batch applied, in as many runs as are wanted.
func (w *world) must(t *testing.T, handle inbox.Batch, want int, events ...eventbus.Event) {
	t.Helper()
	if runs, err := w.applyBy(t, handle, events); err != nil || runs != want {
		t.Errorf("%d runs, %v; want %d", runs, err, want)
	}
}

// wantStock is what there is of A, and that all of it has its reasons.
func (w *world) wantStock(t *testing.T, available, reserved, sold int64) {
	t.Helper()
	got := [3]int64{
		w.number(t, "SELECT available FROM stock WHERE sku = 'A'"), w.number(t, "SELECT reserved FROM stock WHERE sku = 'A'"),
		w.number(t, "SELECT sold FROM stock WHERE sku = 'A'"),
	}
	if want := [3]int64{available, reserved, sold}; got != want {
		t.Errorf("available, reserved, sold = %v, want %v", got, want)
	}
	w.balanced(t)
}

func orders(t *testing.T, from, to int64) (events []eventbus.Event) {
	for order := from; order <= to; order++ {
		events = append(events, placed(t, order, "A"))
	}
	return events
}

// One order of 500 has been decided by another process.
func TestOneOfABatchIsNotNew(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 1000})
	w.must(t, w.anotherProcess(), 1, placed(t, 250, "A"))
	w.must(t, w.handle, 2, orders(t, 1, 500)...)
	if n := len(w.said.events); n != 500 {
		t.Errorf("%d replies to 500 orders", n)
	}
	w.wantStock(t, 500, 500, 0)
}

// A process that has lost its partitions applies the batch it had in hand.
func TestALateBatchChangesNothing(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 1000})
	zombie, batch := w.anotherProcess(), orders(t, 1, 100)
	paidFor := make([]eventbus.Event, len(batch))
	for i := range batch {
		paidFor[i] = paid(t, int64(i+1))
	}
	w.must(t, w.handle, 1, batch...)
	w.must(t, zombie, 2, batch...)
	w.must(t, w.handle, 1, paidFor...)
	w.must(t, zombie, 1, paidFor...) // which remembers nothing of them, and so looks
	w.must(t, zombie, 2, slices.Concat(batch[50:], orders(t, 101, 110))...)
	if n := len(w.said.events); n != 110 {
		t.Errorf("%d replies to 110 orders", n)
	}
	w.wantStock(t, 890, 10, 100)
}

// What this process remembers of a hold was true once.
func TestARememberedHoldThatHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		elsewhere, here           eventbus.Event
		available, reserved, sold int64
		runs                      int
		status                    string
	}{
		"sold":                        {paid(t, 1), paid(t, 1), 9, 0, 1, 2, "COMMITTED"},
		"released":                    {cancelled(t, 1), cancelled(t, 1), 10, 0, 0, 2, "RELEASED"},
		"sold, and comes back":        {paid(t, 1), restock(t, 1), 10, 0, 0, 2, "RETURNED"},
		"sold, as another is by here": {paid(t, 1), paid(t, 2), 8, 0, 2, 1, "COMMITTED"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[inventory.SKU]int64{"A": 10})
			w.must(t, w.handle, 1, placed(t, 1, "A"))
			w.must(t, w.anotherProcess(), 1, c.elsewhere)
			if c.runs == 1 {
				w.must(t, w.handle, 1, placed(t, 2, "A"))
			}
			w.must(t, w.handle, c.runs, c.here)
			w.must(t, w.handle, 1, c.here) // forgotten, and so looked up
			if s := w.status(t, 1); s != c.status {
				t.Errorf("order 1 is %s, want %s", s, c.status)
			}
			w.wantStock(t, c.available, c.reserved, c.sold)
		})
	}
}

// recalling is a unit that has recalled what the memory has forgotten since.
type recalling struct {
	inventory.Unit
	known map[inventory.OrderID]inventory.Reservation
}

func (r recalling) Recall([]inventory.OrderID) map[inventory.OrderID]inventory.Reservation {
	return r.known
}

// Another batch of this process ends a hold, and has it forgotten, between the
// recall and the update of one that is late.
func TestAHoldThatEndsAfterItIsRecalled(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 10})
	w.must(t, w.handle, 1, placed(t, 1, "A"))
	recalled := w.store.Unit(nil).Recall([]inventory.OrderID{1})
	w.must(t, w.handle, 1, paid(t, 1))
	late := func(ctx context.Context, tx *database.Tx, _ []eventbus.Event) error {
		return inventory.NewSettler(time.Now).Settle(ctx, recalling{w.store.Unit(tx), recalled},
			[]inventory.Request{{Order: 1, Action: inventory.Commit}})
	}
	w.must(t, late, 2, paid(t, 1))
	w.wantStock(t, 9, 0, 1)
}

// A hold that ended elsewhere does not keep the others of its batch from being
// sold, each once.
func TestOneOfABatchIsRememberedWrong(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 1000})
	w.must(t, w.handle, 1, orders(t, 1, 500)...)
	w.must(t, w.anotherProcess(), 1, paid(t, 250))
	var batch []eventbus.Event
	for order := int64(1); order <= 500; order++ {
		batch = append(batch, paid(t, order))
	}
	w.must(t, w.handle, 2, batch...)
	w.wantStock(t, 500, 0, 500)
}

// Who has just reserved does not read what he reserved: it is sold as it is
// remembered, and then forgotten.
func TestAHoldIsRecalled(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 10})
	w.must(t, w.handle, 1, placed(t, 1, "A", "A"))
	if _, err := w.db.Exec(t.Context(), "UPDATE reservation SET items = '[]'"); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.handle, 1, paid(t, 1))
	w.wantStock(t, 8, 0, 2)
	databasetest.InTx(t, w.db, func(tx *database.Tx) error {
		if known := w.store.Unit(tx).Recall([]inventory.OrderID{1}); len(known) > 0 {
			t.Errorf("what is sold is remembered: %v", known)
		}
		return nil
	})
}

// What is rolled back was never so.
func TestNothingIsRememberedOfABatchThatFails(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 10})
	broken := errors.New("broken")
	_, err := w.applyBy(t, func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		return errors.Join(w.handle(ctx, tx, events), broken)
	}, orders(t, 1, 1))
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if runs, err := w.applyBy(t, w.handle, []eventbus.Event{paid(t, 1)}); !inventory.IsImpossible(err) || runs != 1 {
		t.Errorf("an order that was rolled back is sold: %v, %d runs", err, runs)
	}
	w.wantStock(t, 10, 0, 0)
}

// Placed and cancelled, in either order, together or one by one, here or there.
func TestAnOrderThatIsCancelledAtOnce(t *testing.T) {
	for _, c := range []struct {
		events func(t *testing.T) []eventbus.Event
		says   int
	}{
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{placed(t, 1, "A"), cancelled(t, 1)} }, 1},
		{func(t *testing.T) []eventbus.Event { return []eventbus.Event{cancelled(t, 1), placed(t, 1, "A")} }, 0},
	} {
		for _, size := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d replies, batches of %d", c.says, size), func(t *testing.T) {
				w := newWorld(t, map[inventory.SKU]int64{"A": 10})
				for _, handle := range []inbox.Batch{w.handle, w.anotherProcess(), w.handle} {
					for batch := range slices.Chunk(c.events(t), size) {
						if _, err := w.applyBy(t, handle, batch); err != nil {
							t.Fatal(err)
						}
					}
				}
				if s, said := w.status(t, 1), len(w.said.events); s != "RELEASED" || said != c.says {
					t.Errorf("order 1 is %s, %d replies", s, said)
				}
				w.wantStock(t, 10, 0, 0)
			})
		}
	}
}
