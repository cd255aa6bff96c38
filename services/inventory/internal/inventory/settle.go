package inventory

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Settler decides what order asks for. Stateless; safe for concurrent use.
type Settler struct{ now func() time.Time }

// NewSettler makes a Settler; now is the clock of the rows it leaves.
func NewSettler(now func() time.Time) *Settler { return &Settler{now: now} }

// Settle decides a batch of requests within u: the reservations there are are
// looked up, unless they look new or are recalled, the stock that they and the
// requests concern is locked, the requests are decided in memory, and everything
// is recorded with its replies. An error means that nothing of the batch may
// stand; one that satisfies IsImpossible will not go away by itself.
func (s *Settler) Settle(ctx context.Context, u Unit, requests []Request) error {
	known, err := lookUp(ctx, u, requests)
	if err != nil {
		return err
	}
	stock, err := u.LockStock(ctx, skusOf(requests, known))
	if err != nil {
		return err
	}
	d, err := Decide(requests, Book{Reservations: known, Stock: stock}, s.now())
	if err != nil {
		return err
	}
	return u.Record(ctx, d)
}

// lookUp finds what is decided about the orders. In a fresh batch an order that
// is only to be reserved is taken for new, and a hold is recalled; Record proves
// the one by the key that it inserts and the other by the version that it
// updates, because no request but Reserve leaves a hold as it is.
func lookUp(ctx context.Context, u Unit, requests []Request) (map[OrderID]Reservation, error) {
	if !u.Fresh(ctx) {
		return u.Reservations(ctx, ordersOf(requests))
	}
	orders := ordersOf(slices.DeleteFunc(slices.Clone(requests), func(r Request) bool { return r.Action == Reserve }))
	known := u.Recall(orders)
	locked, err := u.Reservations(ctx, slices.DeleteFunc(orders, func(id OrderID) bool { _, ok := known[id]; return ok }))
	maps.Copy(known, locked)
	return known, err
}

// ordersOf lists the orders asked about, once each, in id order.
func ordersOf(requests []Request) []OrderID {
	ids := make([]OrderID, len(requests))
	for i, r := range requests {
		ids[i] = r.Order
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// skusOf is the stock a batch can move: of undecided orders, of held ones, and
// of sold ones that come back.
func skusOf(requests []Request, known map[OrderID]Reservation) []SKU {
	skus := make(map[SKU]struct{}, len(requests))
	for _, r := range requests {
		lines := r.Lines
		if was, decided := known[r.Order]; decided {
			if !was.movedBy(r.Action) {
				continue
			}
			lines = was.Lines
		}
		for _, l := range lines {
			skus[l.SKU] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(skus))
}

// movedBy reports whether an action can move the units of r.
func (r Reservation) movedBy(a Action) bool {
	return r.Status == Held && a != Reserve || r.Status == Committed && a == Restock
}
