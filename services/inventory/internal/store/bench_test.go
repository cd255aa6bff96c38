package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
	"souk.example/services/inventory/migrations"
)

// benchRows is how many orders, and how many SKUs, each statement is about.
const benchRows = 500

// BenchmarkUnit prints what the statements of a batch cost per row. Run it on a
// MySQL-protocol server with SOUK_TEST_MYSQL_DSN.
func BenchmarkUnit(b *testing.B) {
	w := newBench(b)
	held := w.orders(b)
	w.perRow(b, "insert reservations", func(u inventory.Unit) error {
		held = w.orders(b)
		return u.Record(b.Context(), inventory.Decisions{New: w.holds(held, 1), At: w.at})
	})
	w.perRow(b, "look up new orders", func(u inventory.Unit) error {
		_, err := u.Reservations(b.Context(), w.orders(b))
		return err
	})
	w.perRow(b, "look up reservations", func(u inventory.Unit) error {
		_, err := u.Reservations(b.Context(), held)
		return err
	})
	version := int64(1)
	w.perRow(b, "update reservations", func(u inventory.Unit) error {
		var changes []inventory.Change
		for _, r := range w.holds(held, version+1) {
			changes = append(changes, inventory.Change{Before: version, After: r})
		}
		version++
		return u.Record(b.Context(), inventory.Decisions{Changed: changes, At: w.at})
	})
	w.perRow(b, "lock stock", func(u inventory.Unit) error { _, err := u.LockStock(b.Context(), w.skus); return err })
	w.perRow(b, "move stock, and its ledger", func(u inventory.Unit) error {
		return u.Record(b.Context(), inventory.Decisions{Moves: w.moves(), At: w.at})
	})
}

// workload makes batches of orders, and stock that they do not use up.
type workload struct {
	*store.Store
	db   *database.DB
	ids  *idgen.Worker
	at   time.Time
	skus []inventory.SKU
}

// mute is an outbox: events are no part of what is measured.
type mute struct{}

func (mute) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

func newBench(b *testing.B) *workload {
	db, ids := databasetest.Open(b, migrations.Set()), idgen.Static(1)
	w := &workload{Store: store.New(db, mute{}, ids), db: db, ids: ids, at: time.Now()}
	moves := inventory.Moves{}
	rows := make([][]any, benchRows)
	for i := range rows {
		sku := inventory.SKU(fmt.Sprintf("SKU-%06d", i))
		w.skus = append(w.skus, sku)
		rows[i] = []any{string(sku), 0, 0, 0, 0, 0}
		moves[inventory.MoveKey{SKU: sku, Cause: inventory.CauseInitial}] = inventory.Move{Available: 1e12, Initial: 1e12}
	}
	databasetest.InTx(b, w.db, func(tx *database.Tx) error {
		if err := tx.Insert(b.Context(), "stock", []string{"sku", "available", "reserved", "sold", "initial", "adjusted"}, rows); err != nil {
			return err
		}
		return w.Unit(tx).Record(b.Context(), inventory.Decisions{Moves: moves, At: w.at})
	})
	return w
}

func (w *workload) perRow(b *testing.B, name string, fn func(inventory.Unit) error) {
	b.Run(name, func(b *testing.B) {
		databasetest.TimeRows(b, w.db, benchRows, func(tx *database.Tx) error { return fn(w.Unit(tx)) })
	})
}

func (w *workload) orders(b *testing.B) []inventory.OrderID {
	ids, err := w.ids.NextN(benchRows)
	if err != nil {
		b.Fatal(err)
	}
	orders := make([]inventory.OrderID, len(ids))
	for i, id := range ids {
		orders[i] = inventory.OrderID(id)
	}
	return orders
}

// holds are reservations as they stand at a version.
func (w *workload) holds(orders []inventory.OrderID, version int64) []inventory.Reservation {
	holds := make([]inventory.Reservation, len(orders))
	for i, id := range orders {
		holds[i] = inventory.Reservation{
			Order: id, Status: inventory.Held, Lines: []inventory.Line{{SKU: w.skus[i], Quantity: 1}, {SKU: w.skus[0], Quantity: 2}},
			Deadline: w.at.Add(time.Hour), Version: version, At: w.at, UpdatedAt: w.at,
		}
	}
	return holds
}

func (w *workload) moves() inventory.Moves {
	moves := inventory.Moves{}
	for _, sku := range w.skus {
		moves[inventory.MoveKey{SKU: sku, Cause: inventory.CauseReserve}] = inventory.Move{Available: -1, Reserved: 1}
	}
	return moves
}
