package inventory_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"souk.example/contracts"
	"souk.example/services/inventory/internal/inventory"
)

func instant() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func lines(pairs ...any) []inventory.Line {
	var ls []inventory.Line
	for p := range slices.Chunk(pairs, 2) {
		ls = append(ls, inventory.Line{SKU: inventory.SKU(p[0].(string)), Quantity: int64(p[1].(int))})
	}
	return ls
}

func shelf(pairs ...any) map[inventory.SKU]inventory.Stock {
	stock := make(map[inventory.SKU]inventory.Stock)
	for _, l := range lines(pairs...) {
		stock[l.SKU] = inventory.Stock{SKU: l.SKU, Available: l.Quantity, Initial: l.Quantity}
	}
	return stock
}

func reserve(order inventory.OrderID, pairs ...any) inventory.Request {
	return inventory.Request{Order: order, Action: inventory.Reserve, Lines: lines(pairs...)}
}

func nudged(r inventory.Request) inventory.Request {
	r.Nudged = true
	return r
}

func commit(order inventory.OrderID) inventory.Request {
	return inventory.Request{Order: order, Action: inventory.Commit}
}

func release(order inventory.OrderID) inventory.Request {
	return inventory.Request{Order: order, Action: inventory.Release}
}

func restock(order inventory.OrderID) inventory.Request {
	return inventory.Request{Order: order, Action: inventory.Restock}
}

// The whole table: what each request does to an order in each state.
func TestEveryStatusMeetsEveryAction(t *testing.T) {
	t.Parallel()
	const id = 7
	histories := map[string][]inventory.Request{
		"undecided": nil,
		"held":      {reserve(id, "A", 2)},
		"committed": {reserve(id, "A", 2), commit(id)},
		"released":  {reserve(id, "A", 2), release(id)},
		"refused":   {reserve(id, "A", 9)},
		"tombstone": {release(id)},
		"returned":  {reserve(id, "A", 2), commit(id), restock(id)},
	}
	for _, tt := range []struct {
		history string
		request inventory.Request
		status  inventory.Status
		replies int
		err     error
	}{
		{"undecided", reserve(id, "A", 2), inventory.Held, 1, nil},
		{"undecided", nudged(reserve(id, "A", 2)), inventory.Held, 1, nil},
		{"undecided", reserve(id, "A", 6), inventory.Refused, 1, nil},
		{"undecided", reserve(id, "UNKNOWN", 1), inventory.Refused, 1, nil},
		{"undecided", commit(id), "", 0, inventory.ErrCommitWithoutHold},
		{"undecided", release(id), inventory.Released, 0, nil},
		{"undecided", restock(id), "", 0, inventory.ErrRestockUnsold},

		{"held", reserve(id, "A", 2), inventory.Held, 0, nil},
		{"held", nudged(reserve(id, "A", 2)), inventory.Held, 1, nil},
		{"held", commit(id), inventory.Committed, 0, nil},
		{"held", release(id), inventory.Released, 0, nil},
		{"held", restock(id), inventory.Returned, 1, nil}, // that it was paid is on its way

		{"committed", reserve(id, "A", 2), inventory.Committed, 0, nil},
		{"committed", nudged(reserve(id, "A", 2)), inventory.Committed, 1, nil},
		{"committed", commit(id), inventory.Committed, 0, nil},
		{"committed", release(id), "", 0, inventory.ErrReleaseAfterCommit},
		{"committed", restock(id), inventory.Returned, 1, nil},
		{"committed", nudged(restock(id)), inventory.Returned, 1, nil},

		{"returned", reserve(id, "A", 2), inventory.Returned, 0, nil},
		{"returned", nudged(reserve(id, "A", 2)), inventory.Returned, 1, nil},
		{"returned", commit(id), inventory.Returned, 0, nil},
		{"returned", release(id), "", 0, inventory.ErrReleaseAfterCommit},
		{"returned", restock(id), inventory.Returned, 0, nil},
		{"returned", nudged(restock(id)), inventory.Returned, 1, nil},

		{"released", reserve(id, "A", 2), inventory.Released, 0, nil},
		{"released", nudged(reserve(id, "A", 2)), inventory.Released, 1, nil},
		{"released", commit(id), "", 0, inventory.ErrCommitWithoutHold},
		{"released", restock(id), "", 0, inventory.ErrRestockUnsold},
		{"released", release(id), inventory.Released, 0, nil},

		{"refused", reserve(id, "A", 2), inventory.Refused, 0, nil},
		{"refused", nudged(reserve(id, "A", 2)), inventory.Refused, 1, nil},
		{"refused", commit(id), "", 0, inventory.ErrCommitWithoutHold},
		{"refused", restock(id), "", 0, inventory.ErrRestockUnsold},
		{"refused", release(id), inventory.Refused, 0, nil},

		{"tombstone", reserve(id, "A", 2), inventory.Released, 0, nil},
		{"tombstone", nudged(reserve(id, "A", 2)), inventory.Released, 0, nil},
		{"tombstone", commit(id), "", 0, inventory.ErrCommitWithoutHold},
		{"tombstone", restock(id), "", 0, inventory.ErrRestockUnsold},
		{"tombstone", release(id), inventory.Released, 0, nil},
	} {
		w := newWorld(shelf("A", 5))
		if err := w.apply(histories[tt.history]...); err != nil {
			t.Fatal(err)
		}
		w.replies, w.restocked = nil, nil
		err := w.apply(tt.request)
		if !errors.Is(err, tt.err) || (err != nil) != inventory.IsImpossible(err) {
			t.Errorf("%s, %+v: error %v", tt.history, tt.request, err)
		}
		if got := w.reservations[id].Status; err == nil && got != tt.status {
			t.Errorf("%s, %+v: %s, want %s", tt.history, tt.request, got, tt.status)
		}
		said, others := w.replies, w.restocked
		if tt.request.Action == inventory.Restock {
			said, others = w.restocked, w.replies
		}
		if len(said) != tt.replies || len(others) != 0 {
			t.Errorf("%s, %+v: %d replies, and %d of another kind, want %d", tt.history, tt.request, len(said), len(others), tt.replies)
		}
	}
}

func TestAllLinesOrNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		request inventory.Request
		refused inventory.SKU
	}{
		{"all fit", reserve(1, "A", 5, "B", 3), ""},
		{"second does not", reserve(1, "A", 1, "B", 4), "B"},
		{"two lines of a sku add up", reserve(1, "A", 3, "A", 3), "A"},
		{"unknown", reserve(1, "A", 1, "X", 1), "X"},
	} {
		w := newWorld(shelf("A", 5, "B", 3))
		if err := w.apply(tt.request); err != nil {
			t.Fatal(err)
		}
		r := w.reservations[1]
		if r.RefusedSKU != tt.refused || (r.Status == inventory.Held) != (tt.refused == "") {
			t.Errorf("%s: %+v", tt.name, r)
		}
		if tt.refused != "" && (w.stock["A"].Reserved != 0 || r.Reason != contracts.ReasonOutOfStock) {
			t.Errorf("%s: refused, but holds: %+v", tt.name, w.stock)
		}
	}
}

func TestReleasedUnitsServeTheNextOrderOfTheBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(shelf("A", 1))
	err := w.apply(reserve(1, "A", 1), reserve(2, "A", 1), release(1), reserve(3, "A", 1))
	if err != nil {
		t.Fatal(err)
	}
	got := []inventory.Status{w.reservations[1].Status, w.reservations[2].Status, w.reservations[3].Status}
	if want := []inventory.Status{inventory.Released, inventory.Refused, inventory.Held}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMalformedRequestsAreImpossible(t *testing.T) {
	t.Parallel()
	long := make([]any, 0, 1002)
	for range 501 {
		long = append(long, "A", 1)
	}
	for name, r := range map[string]inventory.Request{
		"no order":    reserve(0, "A", 1),
		"no lines":    reserve(1),
		"501 lines":   reserve(1, long...),
		"zero":        reserve(1, "A", 0),
		"negative":    reserve(1, "A", -1),
		"no sku":      reserve(1, "", 1),
		"astronomic":  reserve(1, "A", 1<<62),
		"long sku":    reserve(1, "SKU-0123456789012345678901234567890123456789012345678901234567890", 1),
		"no action":   {Order: 1},
		"what action": {Order: 1, Action: 9},
	} {
		w := newWorld(shelf("A", 5))
		if err := w.apply(reserve(2, "A", 1), r); !inventory.IsImpossible(err) {
			t.Errorf("%s: %v", name, err)
		}
		if len(w.reservations) != 0 {
			t.Errorf("%s: left %v", name, w.reservations)
		}
	}
}

// A batch must come out as its requests would one by one, and the books must
// balance after it.
func TestABatchIsOnlyAnOptimisation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		requests := possible(rapid.SliceOfN(rapid.Custom(drawRequest), 1, 60).Draw(t, "requests"))
		whole, single := newWorld(shelf("A", 7, "B", 3)), newWorld(shelf("A", 7, "B", 3))
		size := rapid.IntRange(1, len(requests)+1).Draw(t, "size")
		for chunk := range slices.Chunk(requests, size) {
			if err := whole.apply(chunk...); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range requests {
			if err := single.apply(r); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(statuses(whole), statuses(single)) || !reflect.DeepEqual(whole.stock, single.stock) {
			t.Fatalf("batch of %d: %v %v\none by one: %v %v", size, statuses(whole), whole.stock, statuses(single), single.stock)
		}
		whole.check(t)
	})
}

func drawRequest(t *rapid.T) inventory.Request {
	r := inventory.Request{
		Order:  inventory.OrderID(rapid.IntRange(1, 8).Draw(t, "order")),
		Action: rapid.SampledFrom([]inventory.Action{inventory.Reserve, inventory.Reserve, inventory.Commit, inventory.Commit, inventory.Release, inventory.Restock}).Draw(t, "action"),
		Nudged: rapid.Bool().Draw(t, "nudged"),
	}
	if r.Action == inventory.Reserve {
		r.Lines = lines("A", rapid.IntRange(1, 4).Draw(t, "a"), "B", rapid.IntRange(1, 2).Draw(t, "b"))
	}
	return r
}

// possible drops the requests that no order would make at that point.
func possible(requests []inventory.Request) (kept []inventory.Request) {
	w := newWorld(shelf("A", 7, "B", 3))
	for _, r := range requests {
		if w.apply(r) == nil {
			kept = append(kept, r)
		}
	}
	return kept
}

func statuses(w *world) map[inventory.OrderID]inventory.Status {
	out := make(map[inventory.OrderID]inventory.Status)
	for id, r := range w.reservations {
		out[id] = r.Status
	}
	return out
}

// A hold that is recalled is proved by the change it goes through.
func TestNoRequestButReserveLeavesAHold(t *testing.T) {
	held := inventory.Reservation{Order: 1, Status: inventory.Held, Lines: lines("A", 1), Version: 1}
	for _, r := range []inventory.Request{commit(1), release(1), restock(1)} {
		book := inventory.Book{
			Reservations: map[inventory.OrderID]inventory.Reservation{1: held}, Stock: map[inventory.SKU]int64{"A": 0},
		}
		d, err := inventory.Decide([]inventory.Request{r, reserve(1, "A", 1)}, book, instant())
		if err != nil || len(d.Changed) != 1 || d.Changed[0].Before != 1 {
			t.Errorf("action %d: changed %v, %v", r.Action, d.Changed, err)
		}
	}
}
