package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// benchRows is how many orders, each of another user, each statement is about.
const benchRows = 500

// BenchmarkUnit prints what the statements of a batch cost per row. Run it on a
// MySQL-protocol server with SOUK_TEST_MYSQL_DSN.
func BenchmarkUnit(b *testing.B) {
	w := newBench(b)
	w.perRow(b, "look up new orders", func(u payment.Unit) error { _, err := u.Payments(b.Context(), w.orders(b)); return err })
	w.perRow(b, "insert payments", func(u payment.Unit) error {
		return u.Record(b.Context(), payment.Decisions{Payments: w.payments(w.orders(b))})
	})
	w.perRow(b, "insert entries", func(u payment.Unit) error {
		return u.Record(b.Context(), payment.Decisions{Entries: w.entries(w.orders(b))})
	})
	w.perRow(b, "lock wallets", func(u payment.Unit) error { _, err := u.LockWallets(b.Context(), w.users); return err })
	w.perRow(b, "take the same", func(u payment.Unit) error {
		return u.Record(b.Context(), payment.Decisions{Taken: w.taken(func(int) int64 { return 1 })})
	})
	w.perRow(b, "take of each another sum", func(u payment.Unit) error {
		return u.Record(b.Context(), payment.Decisions{Taken: w.taken(func(i int) int64 { return int64(1 + i) })})
	})
}

// workload makes batches of new orders of the same users, who have enough.
type workload struct {
	*store.Journal
	db    *database.DB
	ids   *idgen.Worker
	at    time.Time
	users []payment.UserID
}

// mute is an outbox: events are no part of what is measured.
type mute struct{}

func (mute) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

func newBench(b *testing.B) *workload {
	db := databasetest.Open(b, migrations.Set())
	w := &workload{Journal: store.NewJournal(db, mute{}, payment.NewBell()), db: db, ids: idgen.Static(1), at: time.Now()}
	var wallets [][]any
	for _, id := range w.orders(b) {
		w.users = append(w.users, payment.UserID(id))
		wallets = append(wallets, []any{int64(id), "CNY", int64(1e12)})
	}
	databasetest.InTx(b, w.db, func(tx *database.Tx) error {
		return tx.Insert(b.Context(), "wallet", []string{"user_id", "currency", "balance"}, wallets)
	})
	return w
}

func (w *workload) perRow(b *testing.B, name string, fn func(payment.Unit) error) {
	b.Run(name, func(b *testing.B) {
		databasetest.TimeRows(b, w.db, benchRows, func(tx *database.Tx) error { return fn(w.Unit(tx)) })
	})
}

func (w *workload) orders(b *testing.B) []payment.OrderID {
	ids, err := w.ids.NextN(benchRows)
	if err != nil {
		b.Fatal(err)
	}
	orders := make([]payment.OrderID, len(ids))
	for i, id := range ids {
		orders[i] = payment.OrderID(id)
	}
	return orders
}

func (w *workload) payments(orders []payment.OrderID) []payment.Payment {
	payments := make([]payment.Payment, len(orders))
	for i, id := range orders {
		payments[i] = payment.Payment{
			Order: id, User: w.users[i], Status: payment.Captured, Method: "wallet",
			Amount: money.Of(1999, "CNY"), Captured: money.Of(1999, "CNY"), At: w.at,
		}
	}
	return payments
}

func (w *workload) entries(orders []payment.OrderID) []payment.Entry {
	entries := make([]payment.Entry, len(orders))
	for i, id := range orders {
		entries[i] = payment.Entry{
			Cause: fmt.Sprint("capture:", id), Debit: payment.WalletID{User: w.users[i]}.Account(), Credit: payment.Sales,
			Amount: money.Of(1999, "CNY"), At: w.at,
		}
	}
	return entries
}

func (w *workload) taken(sum func(i int) int64) map[payment.WalletID]int64 {
	taken := make(map[payment.WalletID]int64, len(w.users))
	for i, u := range w.users {
		taken[payment.WalletID{User: u, Currency: "CNY"}] = sum(i)
	}
	return taken
}
