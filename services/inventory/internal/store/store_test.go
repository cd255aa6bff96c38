package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/contracts/productv1"
	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
	"souk.example/services/inventory/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said is an outbox that keeps the product events that were committed.
type said struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (s *said) Append(_ context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if topic != contracts.TopicProduct {
		return fmt.Errorf("products go to %s", topic)
	}
	tx.OnCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, events...)
	})
	return nil
}

func newStore(t *testing.T) (*store.Store, *said, *database.DB) {
	t.Helper()
	db, box := databasetest.Open(t, idempotency.Migrations(), migrations.Set()), &said{}
	return store.New(db, box, idgen.Static(1)), box, db
}

func product(t *testing.T, sku, name string, units int64) inventory.NewProduct {
	t.Helper()
	p, err := inventory.Adding{SKU: inventory.SKU(sku), Name: name, Price: money.Of(1999, "CNY"), Units: units}.Product(time.Now().Truncate(time.Microsecond).UTC())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func add(t *testing.T, s *store.Store, products ...inventory.NewProduct) {
	t.Helper()
	if err := s.Add(t.Context(), products); err != nil {
		t.Fatal(err)
	}
}

func balanced(t *testing.T, db *database.DB) {
	t.Helper()
	var bad int
	err := db.QueryRow(t.Context(), `SELECT COUNT(*) FROM stock s WHERE available < 0
		OR available + reserved + sold <> initial + adjusted
		OR available <> (SELECT COALESCE(SUM(d_available), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR initial <> (SELECT COALESCE(SUM(d_initial), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR adjusted <> (SELECT COALESCE(SUM(d_adjusted), 0) FROM stock_ledger l WHERE l.sku = s.sku)`).Scan(&bad)
	if err != nil || bad != 0 {
		t.Errorf("%d rows of stock are not what their ledger says; %v", bad, err)
	}
}

func TestAddIsAllOrNothing(t *testing.T) {
	s, box, db := newStore(t)
	want := product(t, "A", "Apfel ß 茶 🍎", 5)
	add(t, s, want, product(t, "B", "Birne", 0))
	got, found, err := s.Listing(t.Context(), "A")
	if err != nil || !found || got.Product != want.Product || got.Available != 5 {
		t.Errorf("got %+v, %v, %v\nwant %+v", got, found, err, want)
	}
	if err := s.Add(t.Context(), []inventory.NewProduct{product(t, "C", "Chili", 1), product(t, "A", "Other", 1)}); !errors.Is(err, inventory.ErrSKUTaken) {
		t.Errorf("a taken sku: %v", err)
	}
	if _, found, err := s.Listing(t.Context(), "C"); found || err != nil {
		t.Errorf("the other product of the refused batch is there, %v", err)
	}
	if len(box.events) != 2 || box.events[0].ID != "A-1" {
		t.Errorf("events %v", box.events)
	}
	balanced(t, db)
}

func TestChangeTellsEveryVersionOnce(t *testing.T) {
	s, box, _ := newStore(t)
	add(t, s, product(t, "A", "Apple", 1))
	bump := func(p inventory.Product) (inventory.Product, bool, error) {
		price := money.Of(p.Price.Minor()+1, "CNY")
		return p.Change(inventory.Patch{Price: &price}, p.UpdatedAt.Add(time.Second))
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Change(t.Context(), "A", bump); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, _, err := s.Listing(t.Context(), "A")
	if err != nil || got.Version != 21 || got.Price.Minor() != 1999+20 {
		t.Errorf("got %+v, %v", got, err)
	}
	told := make(map[int64]bool)
	for _, e := range box.events {
		p, err := contracts.DecodeAs[productv1.ProductChanged](e)
		if err != nil || told[p.Version] || p.Price != 1998+p.Version || e.ID != fmt.Sprintf("A-%d", p.Version) {
			t.Errorf("event %s: %v, %v", e.ID, p, err)
		}
		told[p.Version] = true
	}
	if len(told) != 21 {
		t.Errorf("versions told: %v", told)
	}
	if _, err := s.Change(t.Context(), "NONE", bump); !errors.Is(err, inventory.ErrProductNotFound) {
		t.Errorf("unknown product: %v", err)
	}
}

func TestUnchangedProductHasNoNewVersion(t *testing.T) {
	s, box, _ := newStore(t)
	add(t, s, product(t, "A", "Apple", 1))
	same := func(p inventory.Product) (inventory.Product, bool, error) { return p, false, nil }
	if p, err := s.Change(t.Context(), "A", same); err != nil || p.Version != 1 || len(box.events) != 1 {
		t.Errorf("got %+v, %v, %d events", p, err, len(box.events))
	}
}

func adjustment(key string, delta int64) inventory.Adjustment {
	return inventory.Adjustment{
		User: 1, Key: key, Fingerprint: idempotency.Fingerprint(delta), SKU: "A", Delta: delta, Reason: "counted", At: time.Now(),
	}
}

func TestAdjustments(t *testing.T) {
	s, _, db := newStore(t)
	add(t, s, product(t, "A", "Apple", 5))
	for _, tt := range []struct {
		a         inventory.Adjustment
		available int64
		replayed  bool
		err       error
	}{
		{adjustment("more", 3), 8, false, nil},
		{adjustment("more", 3), 8, true, nil},
		{adjustment("below", -9), 0, false, inventory.ErrBelowReserved},
		{adjustment("all", -8), 0, false, nil},
		{adjustment("more", 3), 8, true, nil}, // as it was then
		{adjustment("one below", -1), 0, false, inventory.ErrBelowReserved},
		{adjustment("below", -9), 0, false, inventory.ErrBelowReserved},
	} {
		got, err := s.Adjust(t.Context(), tt.a)
		if !errors.Is(err, tt.err) || got.Available != tt.available || got.Replayed != tt.replayed {
			t.Errorf("%s %d: %+v, %v", tt.a.Key, tt.a.Delta, got, err)
		}
	}
	if _, err := s.Adjust(t.Context(), adjustment("more", 4)); apperr.From(err).Code != idempotency.CodeKeyReused {
		t.Errorf("another body under a used key: %v", err)
	}
	if st, err := s.Stock(t.Context(), "A"); err != nil || st != (inventory.Stock{SKU: "A", Initial: 5, Adjusted: -5}) {
		t.Errorf("stock %+v, %v", st, err)
	}
	balanced(t, db)
}

func TestConcurrentAdjustmentsKeepTheirBooks(t *testing.T) {
	s, _, db := newStore(t)
	add(t, s, product(t, "A", "Apple", 10))
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			_, err := s.Adjust(t.Context(), adjustment(fmt.Sprint(i), -1))
			if err != nil && !errors.Is(err, inventory.ErrBelowReserved) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if st, err := s.Stock(t.Context(), "A"); err != nil || st.Available != 0 || st.Adjusted != -10 {
		t.Errorf("stock %+v, %v", st, err)
	}
	balanced(t, db)
}

func TestUnknownSKU(t *testing.T) {
	s, _, _ := newStore(t)
	_, stockErr := s.Stock(t.Context(), "A")
	_, adjustErr := s.Adjust(t.Context(), adjustment("k", 1))
	_, found, err := s.Listing(t.Context(), "A")
	if !errors.Is(stockErr, inventory.ErrProductNotFound) || !errors.Is(adjustErr, inventory.ErrProductNotFound) || found || err != nil {
		t.Errorf("%v, %v, %v, %v", stockErr, adjustErr, found, err)
	}
}

func TestListings(t *testing.T) {
	s, _, _ := newStore(t)
	withdrawn := product(t, "D", "Gone tea", 1)
	withdrawn.Withdrawn = true
	add(t, s, product(t, "B", "100% Tea", 1), product(t, "A", "Green_Tea", 1), product(t, "C", "Café ÉTÉ!", 1), withdrawn)
	for _, tt := range []struct {
		q    store.Query
		want []inventory.SKU
	}{
		{store.Query{Limit: 10}, []inventory.SKU{"A", "B", "C"}},
		{store.Query{Limit: 2}, []inventory.SKU{"A", "B"}},
		{store.Query{Limit: 2, After: "B"}, []inventory.SKU{"C"}},
		{store.Query{Limit: 9, Text: "TEA"}, []inventory.SKU{"A", "B"}},
		{store.Query{Limit: 9, Text: "%"}, []inventory.SKU{"B"}},
		{store.Query{Limit: 9, Text: "_"}, []inventory.SKU{"A"}},
		{store.Query{Limit: 9, Text: "!"}, []inventory.SKU{"C"}},
		{store.Query{Limit: 9, Text: "été"}, []inventory.SKU{"C"}},
		{store.Query{Limit: 9, Text: `' OR 1=1--`}, nil},
	} {
		got, err := s.Listings(t.Context(), tt.q)
		var skus []inventory.SKU
		for _, l := range got {
			skus = append(skus, l.SKU)
		}
		if err != nil || !slices.Equal(skus, tt.want) {
			t.Errorf("%+v: %v, %v, want %v", tt.q, skus, err, tt.want)
		}
	}
}

func TestAddMissingMayBeRepeatedByMany(t *testing.T) {
	s, box, db := newStore(t)
	products := make([]inventory.NewProduct, 50)
	for i := range products {
		products[i] = product(t, fmt.Sprintf("SKU-%02d", i), "Product", 10)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := s.AddMissing(t.Context(), products); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	totals, err := s.Totals(t.Context())
	if err != nil || totals != (inventory.Totals{Products: 50, Available: 500}) || len(box.events) != 50 {
		t.Errorf("%+v, %v, %d events", totals, err, len(box.events))
	}
	balanced(t, db)
}
