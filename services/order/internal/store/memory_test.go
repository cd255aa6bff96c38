package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"souk.example/contracts"
	"souk.example/pkg/database/databasetest"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

// twoProcesses are two stores over one database, each with a memory of its own.
func twoProcesses(t *testing.T) (here, elsewhere *store.Store, box *emitted) {
	t.Helper()
	db, box := databasetest.Open(t, migrations.Set()), &emitted{}
	return store.New(db, box), store.New(db, box), box
}

// recalls is the status that s remembers the order in, "" for none.
func recalls(t *testing.T, s *store.Store, id order.ID) (status order.Status) {
	t.Helper()
	err := s.InUnit(t.Context(), func(_ context.Context, u order.Unit) error {
		if s, known := u.Recall([]order.ID{id})[id]; known {
			status = s.Status
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// What this process remembers of an order was true once; another process has
// moved it since. Nothing may be decided on it.
func TestAStaleMemoryDecidesNothing(t *testing.T) {
	cancel := func(t *testing.T, s *store.Store) {
		if _, err := canceller(t, s, 1).Cancel(t.Context(), order.CancelOrder{Order: 7, User: 1}); err != nil {
			t.Fatal(err)
		}
	}
	reserve := func(t *testing.T, s *store.Store) {
		if err := learn(t, s, order.Report{Order: 7, Fact: order.StockReserved}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		elsewhere func(*testing.T, *store.Store)
		report    order.Report
		want      order.Status
		events    []string
	}{
		"a capture meets an order that was cancelled": {
			cancel, order.Report{Order: 7, Fact: order.Captured}, order.Cancelled,
			[]string{"7-1 order.placed.v1", "7-6 order.cancelled.v1", "7:late-7 order.refund_requested.v1"},
		},
		"a fact that is known elsewhere": {
			reserve, order.Report{Order: 7, Fact: order.StockReserved}, order.Reserved,
			[]string{"7-1 order.placed.v1", "7-2 order.payment_due.v1"},
		},
		"a fact for an order that has gone further": {
			reserve, order.Report{Order: 7, Fact: order.Captured}, order.Paid,
			[]string{"7-1 order.placed.v1", "7-2 order.payment_due.v1", "7-3 order.paid.v1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, elsewhere, box := twoProcesses(t)
			if err := insert(t, here, pending(7, 1, "k")); err != nil {
				t.Fatal(err)
			}
			c.elsewhere(t, elsewhere)
			if s := recalls(t, here, 7); s != order.Pending {
				t.Fatalf("the memory says %q: it is not stale", s)
			}
			if err := learn(t, here, c.report); err != nil {
				t.Fatal(err)
			}
			if got, err := here.Get(t.Context(), 1, 7); err != nil || got.Status != c.want {
				t.Errorf("the order is %s, %v", got.Status, err)
			}
			if ids := box.ids(); !slices.Equal(ids, c.events) {
				t.Errorf("emitted %v", ids)
			}
		})
	}
}

// A fact that only seems impossible, to who remembers the order of old.
func TestAStaleMemoryFindsNothingImpossible(t *testing.T) {
	here, elsewhere, _ := twoProcesses(t)
	if err := insert(t, here, pending(7, 1, "k")); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, elsewhere, order.Report{Order: 7, Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	if _, err := canceller(t, elsewhere, 1).Cancel(t.Context(), order.CancelOrder{Order: 7, User: 1}); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, elsewhere, order.Report{Order: 7, Fact: order.Captured}); err != nil {
		t.Fatal(err)
	}
	// Refunded contradicts PENDING, and not what the order is by now.
	if err := learn(t, here, order.Report{Order: 7, Fact: order.Refunded}); err != nil {
		t.Errorf("refunded: %v", err)
	}
	err := learn(t, here, order.Report{Order: 7, Fact: order.PointsAwarded})
	if impossible, ok := errors.AsType[*order.ImpossibleFactError](err); !ok || impossible.Status != order.Cancelled {
		t.Errorf("awarded: %v, want it impossible for the order as it is", err)
	}
}

// The memory follows an order through its life and lets go of it at its end.
func TestAnOrderIsRememberedWhileItIsOpen(t *testing.T) {
	s, _ := open(t)
	if err := insert(t, s, pending(7, 1, "k")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		fact order.Fact
		want order.Status
	}{{order.StockReserved, order.Reserved}, {order.Captured, order.Paid}, {order.PointsAwarded, ""}} {
		if err := learn(t, s, order.Report{Order: 7, Fact: step.fact}); err != nil {
			t.Fatal(err)
		}
		if got := recalls(t, s, 7); got != step.want {
			t.Errorf("after %s the memory says %q, want %q", step.fact, got, step.want)
		}
	}
}

// A nudge wants an answer about the order as it is, not as it is remembered.
func TestANudgeIsAnsweredFromTheDatabase(t *testing.T) {
	here, elsewhere, box := twoProcesses(t)
	if err := insert(t, here, pending(7, 1, "k")); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, here, order.Report{Order: 7, Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	if _, err := canceller(t, elsewhere, 1).Cancel(t.Context(), order.CancelOrder{Order: 7, User: 1}); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, here, order.Report{Order: 7, Fact: order.StockReserved, Nudged: true}); err != nil {
		t.Fatal(err)
	}
	cancelled := 0
	for _, e := range box.events {
		if e.Type == contracts.OrderCancelled.Name {
			cancelled++
		}
	}
	if cancelled != 2 {
		t.Errorf("order.cancelled was sent %d times, want once more than when it was: %v", cancelled, box.ids())
	}
}

// word is a herald that keeps what it was told.
type word struct{ told []order.ID }

func (w *word) Moved(orders []*order.State) {
	for _, s := range orders {
		w.told = append(w.told, s.ID)
	}
}

// An order is told of when it is placed and whenever it moves, once that stands.
func TestWhatMovesIsToldOf(t *testing.T) {
	db, w := databasetest.Open(t, migrations.Set()), &word{}
	s := store.New(db, &emitted{}, store.WithHerald(w))
	told := func(what string, want ...order.ID) {
		t.Helper()
		if !slices.Equal(w.told, want) {
			t.Errorf("%s: told of %v, want %v", what, w.told, want)
		}
		w.told = nil
	}
	if err := insert(t, s, pending(7, 1, "k")); err != nil {
		t.Fatal(err)
	}
	told("placed", 7)
	if err := learn(t, s, order.Report{Order: 7, Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	told("reserved", 7)
	if err := learn(t, s, order.Report{Order: 7, Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	told("reserved again")
	failed := errors.New("rolled back")
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return errors.Join(u.Insert(ctx, []*order.State{pending(8, 1, "l")}), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	told("rolled back")
}
