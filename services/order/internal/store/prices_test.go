package store_test

import (
	"context"
	"log/slog"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

// inventory answers with one page after the other, then fails the test.
type inventory struct {
	t     *testing.T
	store *store.Store
	pages [][]order.Price
}

func (i *inventory) Prices(ctx context.Context) ([]order.Price, error) {
	if len(i.pages) == 0 {
		i.t.Error("the catalogue was read again")
		return nil, context.Canceled
	}
	if known, err := i.store.HasSnapshot(ctx); known || err != nil {
		i.t.Errorf("complete before the snapshot: %v, %v", known, err)
	}
	page := i.pages[0]
	i.pages = i.pages[1:]
	return page, nil
}

func price(sku order.SKU, version, minor int64) order.Price {
	return order.Price{SKU: sku, Version: version, Amount: money.Of(minor, "CNY")}
}

func wantPrices(t *testing.T, s *store.Store, want map[order.SKU]money.Amount) {
	t.Helper()
	for sku, amount := range want {
		if got, err := s.Prices(t.Context(), []order.SKU{sku}); err != nil || got[sku] != amount {
			t.Errorf("%s costs %v, %v; want %v", sku, got[sku], err, amount)
		}
	}
}

// One product.changed that outran the snapshot must not pass for the whole
// catalogue, and what it told must stay; an empty catalogue is not one either.
func TestPricesAreCompleteOnlyAfterASnapshot(t *testing.T) {
	s, _ := open(t)
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return u.LearnPrices(ctx, []order.Price{price("TEA", 5, 500)})
	})
	if err != nil {
		t.Fatal(err)
	}
	from := &inventory{t: t, store: s, pages: [][]order.Price{nil, {price("TEA", 4, 400), price("CUP", 1, 100)}}}
	book := order.NewPriceBook(s, s.HasSnapshot, from, slog.New(slog.DiscardHandler))
	for range 2 { // the second finds it taken
		if err := book.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if known, err := s.HasSnapshot(t.Context()); !known || err != nil {
		t.Errorf("not complete after the snapshot: %v", err)
	}
	wantPrices(t, s, map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY"), "CUP": money.Of(100, "CNY")})
}

// What one process remembers of a price holds until any process learns another;
// what it does not know is asked for, also when it was not there before.
func TestRememberedPricesHoldUntilAnyoneLearnsAnother(t *testing.T) {
	here, elsewhere, _ := twoProcesses(t)
	learn := func(s *store.Store, prices ...order.Price) {
		t.Helper()
		err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return u.LearnPrices(ctx, prices) })
		if err != nil {
			t.Fatal(err)
		}
	}
	learn(here, price("TEA", 1, 500), price("CUP", 1, 100))
	wantPrices(t, here, map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY"), "POT": {}})
	learn(elsewhere, price("TEA", 2, 510), price("POT", 1, 900))
	wantPrices(t, here, map[order.SKU]money.Amount{"TEA": money.Of(510, "CNY"), "CUP": money.Of(100, "CNY"), "POT": money.Of(900, "CNY")})
	gone := price("TEA", 3, 510)
	gone.Withdrawn = true
	learn(elsewhere, gone)
	wantPrices(t, here, map[order.SKU]money.Amount{"TEA": {}, "POT": money.Of(900, "CNY")})
}

// A known price is not read again while the revision stands still.
func TestRememberedPricesAreNotReadAgain(t *testing.T) {
	db := databasetest.Open(t, migrations.Set())
	s := store.New(db, &emitted{})
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return u.LearnPrices(ctx, []order.Price{price("TEA", 1, 500)})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantPrices(t, s, map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY")})
	err = db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE price SET amount = 510 WHERE sku = 'TEA'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantPrices(t, s, map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY")})
}
