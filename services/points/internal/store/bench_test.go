package store_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
	"souk.example/services/points/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// benchRows is how many orders, each of another user, each statement is about.
const benchRows = 500

// BenchmarkUnit prints what the statements of a batch cost per row. Run it on a
// MySQL-protocol server with SOUK_TEST_MYSQL_DSN.
func BenchmarkUnit(b *testing.B) {
	w := newBench(b)
	w.perRow(b, "insert entries", func(u points.Unit) error {
		return u.Record(b.Context(), points.Decisions{Entries: w.entries(w.orders(b))})
	})
	w.perRow(b, "look up awards of new orders", func(u points.Unit) error { _, err := u.Awards(b.Context(), w.orders(b)); return err })
	w.perRow(b, "look up debts", func(u points.Unit) error { _, err := u.Debtors(b.Context(), w.users); return err })
	w.perRow(b, "credit accounts", func(u points.Unit) error {
		return u.Record(b.Context(), points.Decisions{Moves: w.gains()})
	})
}

// workload makes batches of new orders of the same users.
type workload struct {
	db    *database.DB
	ids   *idgen.Worker
	at    time.Time
	users []points.UserID
}

// mute is an outbox: events are no part of what is measured.
type mute struct{}

func (mute) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

func newBench(b *testing.B) *workload {
	w := &workload{db: databasetest.Open(b, migrations.Set()), ids: idgen.Static(1), at: time.Now()}
	for _, id := range w.orders(b) {
		w.users = append(w.users, points.UserID(id))
	}
	databasetest.InTx(b, w.db, func(tx *database.Tx) error {
		return store.NewUnit(tx, mute{}).Record(b.Context(), points.Decisions{Moves: w.gains()})
	})
	return w
}

func (w *workload) perRow(b *testing.B, name string, fn func(points.Unit) error) {
	b.Run(name, func(b *testing.B) {
		databasetest.TimeRows(b, w.db, benchRows, func(tx *database.Tx) error { return fn(store.NewUnit(tx, mute{})) })
	})
}

func (w *workload) orders(b *testing.B) []points.OrderID {
	ids, err := w.ids.NextN(benchRows)
	if err != nil {
		b.Fatal(err)
	}
	orders := make([]points.OrderID, len(ids))
	for i, id := range ids {
		orders[i] = points.OrderID(id)
	}
	return orders
}

func (w *workload) entries(orders []points.OrderID) []points.Entry {
	entries := make([]points.Entry, len(orders))
	for i, id := range orders {
		entries[i] = points.Entry{
			EntryID: points.EntryID{Order: id, Rule: "purchase", Cause: points.CausePaid}, User: w.users[i], Amount: int64(i), At: w.at,
		}
	}
	return entries
}

func (w *workload) gains() map[points.UserID]points.Move {
	gains := make(map[points.UserID]points.Move, len(w.users))
	for i, u := range w.users {
		gains[u] = points.Move{Balance: int64(1 + i)}
	}
	return gains
}
