package store_test

import (
	"context"
	"log/slog"
	"testing"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
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
