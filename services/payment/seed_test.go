package payment_test

import (
	"errors"
	"sync"
	"testing"

	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/money"
	"souk.example/services/payment"
	"souk.example/services/payment/migrations"
)

func number(t *testing.T, db *database.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func users(from, to int64) (ids []int64) {
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// Every wallet is seeded once, however often and by however many at once, and
// through the ledger.
func TestEnsureWallets(t *testing.T) {
	db := databasetest.Open(t, migrations.Set())
	amount := money.Of(5000, "CNY")
	for _, ids := range [][]int64{{3, 1, 2, 2}, {1, 2, 3}, {}} {
		if err := payment.EnsureWallets(t.Context(), db, ids, amount); err != nil {
			t.Fatal(err)
		}
	}
	var seeders sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		seeders.Go(func() { errs[i] = payment.EnsureWallets(t.Context(), db, users(1, 3_000), amount) })
	}
	seeders.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, "SELECT COUNT(*) FROM wallet WHERE balance = 5000 AND currency = 'CNY'"); n != 3_000 {
		t.Errorf("%d of 3000 wallets hold their seed", n)
	}
	if n := number(t, db, "SELECT SUM(amount) FROM ledger_entry WHERE debit_account = 'seed'"); n != 3_000*5000 {
		t.Errorf("the ledger says %d", n)
	}
}

// Seeding adds to what a wallet holds, and leaves nothing where it cannot.
func TestEnsureWalletsAddsUp(t *testing.T) {
	db := databasetest.Open(t, migrations.Set())
	if _, err := db.Exec(t.Context(), "INSERT INTO wallet VALUES (1, 'CNY', 70), (2, 'CNY', ?)", int64(1)<<53-1); err != nil {
		t.Fatal(err)
	}
	if err := payment.EnsureWallets(t.Context(), db, []int64{1}, money.Of(30, "CNY")); err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, "SELECT balance FROM wallet WHERE user_id = 1"); n != 100 {
		t.Errorf("the wallet holds %d, want 100", n)
	}
	err := payment.EnsureWallets(t.Context(), db, []int64{2, 3}, money.Of(30, "CNY"))
	if e := apperr.From(err); e == nil || e.Code != "invalid_amount" {
		t.Errorf("a full wallet: got %v", err)
	}
	if n := number(t, db, "SELECT COUNT(*) FROM ledger_entry") + number(t, db, "SELECT COUNT(*) FROM wallet"); n != 3 {
		t.Errorf("%d rows after a refusal, want 3", n)
	}
}
