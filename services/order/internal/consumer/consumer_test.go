package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/paymentv1"
	"souk.example/contracts/pointsv1"
	"souk.example/contracts/productv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/consumer"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

// said is an outbox that remembers.
type said struct{ events []eventbus.Event }

func (s *said) Append(_ context.Context, _ *database.Tx, _ string, events ...eventbus.Event) error {
	s.events = append(s.events, events...)
	return nil
}

var at = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// open is a store with two PENDING orders, 1 and 2, of user 1.
func open(t *testing.T) (*database.DB, *store.Store) {
	t.Helper()
	db, s, _ := listening(t)
	return db, s
}

// listening is open with what is said.
func listening(t *testing.T) (*database.DB, *store.Store, *said) {
	t.Helper()
	db, box := databasetest.Open(t, migrations.Set()), &said{}
	s := store.New(db, box)
	var states []*order.State
	for id, key := range map[order.ID]string{1: "a", 2: "b"} {
		states = append(states, &order.State{
			ID: id, Key: order.Key{User: 1, Key: key}, Status: order.Pending, Version: 1, Total: money.Of(5, "CNY"), Payable: money.Of(5, "CNY"),
			Method: "wallet", CreatedAt: at, Deadline: at.Add(time.Minute),
		})
	}
	if err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return u.Insert(ctx, states) }); err != nil {
		t.Fatal(err)
	}
	return db, s, box
}

func handle(t *testing.T, db *database.DB, h inbox.Batch, events ...eventbus.Event) error {
	t.Helper()
	return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error { return h(ctx, tx, events) })
}

func event(t *testing.T, typ contracts.Type, id int64, m contracts.Message) eventbus.Event {
	t.Helper()
	e, err := contracts.NewEvent(typ, id, m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func facts(s *store.Store) inbox.Batch {
	return consumer.Facts(s, order.NewLearner(order.Policy{
		BeforePayment: []order.Condition{{Fact: order.StockReserved}}, BeforeCompletion: []order.Condition{{Fact: order.PointsAwarded}},
	}, new(order.Pacer)), noSagas{})
}

// noSagas wait for nothing.
type noSagas struct{}

func (noSagas) Hear(context.Context, *database.Tx, []order.Report) error { return nil }

func TestFactsOfThreeServicesInOneBatch(t *testing.T) {
	db, s := open(t)
	err := handle(t, db, facts(s),
		event(t, contracts.PaymentCaptured, 1, &paymentv1.PaymentCaptured{OrderId: 1}),
		event(t, contracts.InventoryReserved, 1, &inventoryv1.InventoryReserved{OrderId: 1}),
		event(t, contracts.InventoryRejected, 2, &inventoryv1.InventoryRejected{OrderId: 2}))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[order.ID]order.Status{1: order.Paid, 2: order.Rejected} {
		if got, err := s.Get(t.Context(), 1, id); err != nil || got.Status != want {
			t.Errorf("order %d is %s, %v; want %s", id, got.Status, err, want)
		}
	}
}

// Every event type the group asks for is a fact, and no two are the same.
func TestEveryFactTypeIsKnownToContracts(t *testing.T) {
	if got, want := len(consumer.FactTypes()), len(order.AllFacts()); got != want {
		t.Errorf("%d event types for %d facts", got, want)
	}
	for _, name := range consumer.FactTypes() {
		if _, ok := contracts.TypeNamed(name); !ok {
			t.Errorf("%s is not in contracts", name)
		}
	}
}

// poison is what the inbox parks rather than tries again.
func poison(err error) bool { return err != nil && !database.IsTransient(err) }

// What no retry can make true is poison, for the inbox to park.
func TestPoison(t *testing.T) {
	db, s := open(t)
	garbled := event(t, contracts.InventoryReserved, 1, &inventoryv1.InventoryReserved{OrderId: 1})
	garbled.Subject = "not-an-id"
	for name, e := range map[string]eventbus.Event{
		"an order nobody placed": event(t, contracts.InventoryReserved, 404, &inventoryv1.InventoryReserved{OrderId: 404}),
		"who asks about it":      nudged(event(t, contracts.PointsFrozen, 404, &pointsv1.PointsFrozen{OrderId: 404})),
		"a garbled subject":      garbled,
	} {
		if err := handle(t, db, facts(s), e); !poison(err) {
			t.Errorf("%s: %v, want a permanent error", name, err)
		}
	}
	bad := eventbus.Event{ID: "TEA-1", Type: contracts.ProductChanged.Name, Subject: "TEA", Payload: []byte{0xff}}
	if err := handle(t, db, consumer.Prices(s), bad); !poison(err) {
		t.Errorf("a garbled price: %v, want a permanent error", err)
	}
}

func TestPricesAreLearned(t *testing.T) {
	db, s := open(t)
	changed, err := contracts.NewProductChanged(&productv1.ProductChanged{Sku: "TEA", Version: 2, Price: 500, Currency: "CNY"})
	if err != nil {
		t.Fatal(err)
	}
	if err := handle(t, db, consumer.Prices(s), changed, changed); err != nil {
		t.Fatal(err)
	}
	prices, err := s.Prices(t.Context(), []order.SKU{"TEA"})
	if prices["TEA"] != money.Of(500, "CNY") {
		t.Errorf("learned %v", prices)
	}
	if err != nil {
		t.Fatal(err)
	}
	if known, err := s.HasSnapshot(t.Context()); known || err != nil {
		t.Errorf("an event passes for the whole catalogue: %v, %v", known, err)
	}
}

func nudged(e eventbus.Event) eventbus.Event {
	e.Nudge = true
	return e
}

// Inventory and points repeat their replies to hear what became of an order:
// the event that decided it comes once, for both, and asks for no answer. A
// reply that merely comes twice is no question.
func TestARepeatedReplyIsAnswered(t *testing.T) {
	db, s, box := listening(t)
	reserved := event(t, contracts.InventoryReserved, 1, &inventoryv1.InventoryReserved{OrderId: 1})
	frozen := event(t, contracts.PointsFrozen, 1, &pointsv1.PointsFrozen{OrderId: 1})
	captured := event(t, contracts.PaymentCaptured, 1, &paymentv1.PaymentCaptured{OrderId: 1})
	var types []string
	for _, batch := range [][]eventbus.Event{
		{reserved}, {nudged(reserved), nudged(frozen)}, // open: there is nothing to tell
		{captured}, {reserved, frozen}, {nudged(reserved), nudged(frozen), nudged(reserved)},
	} {
		box.events = nil
		if err := handle(t, db, facts(s), batch...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, e := range box.events {
			line += fmt.Sprintf("%s %t,", e.ID, e.Nudge)
		}
		types = append(types, line)
	}
	if want := []string{"1-2 false,", "", "1-3 false,", "", "1-3 false,"}; !slices.Equal(types, want) {
		t.Errorf("said %q, want %q", types, want)
	}
}
