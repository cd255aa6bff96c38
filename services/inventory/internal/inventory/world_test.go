package inventory_test

import (
	"maps"

	"pgregory.net/rapid"

	"souk.example/services/inventory/internal/inventory"
)

// world applies decisions the way storage does.
type world struct {
	reservations map[inventory.OrderID]inventory.Reservation
	stock        map[inventory.SKU]inventory.Stock
	replies      []inventory.Reservation
	restocked    []inventory.Reservation
}

func newWorld(stock map[inventory.SKU]inventory.Stock) *world {
	return &world{reservations: make(map[inventory.OrderID]inventory.Reservation), stock: stock}
}

func (w *world) apply(requests ...inventory.Request) error {
	book := inventory.Book{Reservations: maps.Clone(w.reservations), Stock: w.available()}
	d, err := inventory.Decide(requests, book, instant())
	if err != nil {
		return err
	}
	for _, r := range d.New {
		w.reservations[r.Order] = r
	}
	for _, c := range d.Changed {
		w.reservations[c.After.Order] = c.After
	}
	for sku, m := range d.Moves.Net() {
		s := w.stock[sku]
		s.Available, s.Reserved, s.Sold = s.Available+m.Available, s.Reserved+m.Reserved, s.Sold+m.Sold
		w.stock[sku] = s
	}
	w.replies, w.restocked = append(w.replies, d.Replies...), append(w.restocked, d.Restocked...)
	return nil
}

func (w *world) available() map[inventory.SKU]int64 {
	available := make(map[inventory.SKU]int64, len(w.stock))
	for sku, s := range w.stock {
		available[sku] = s.Available
	}
	return available
}

// check holds the world to the invariants of stock.
func (w *world) check(t *rapid.T) {
	held, sold := make(map[inventory.SKU]int64), make(map[inventory.SKU]int64)
	for _, r := range w.reservations {
		for _, l := range r.Lines {
			switch r.Status {
			case inventory.Held:
				held[l.SKU] += l.Quantity
			case inventory.Committed:
				sold[l.SKU] += l.Quantity
			}
		}
	}
	for sku, s := range w.stock {
		if s.Available < 0 || s.Available+s.Reserved+s.Sold != s.Initial || s.Reserved != held[sku] || s.Sold != sold[sku] {
			t.Fatalf("%s: %+v, held %d, sold %d", sku, s, held[sku], sold[sku])
		}
	}
}
