package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

var at = time.Date(2026, 11, 21, 8, 0, 0, 123456000, time.UTC)

// emitted is an outbox that remembers what was committed.
type emitted struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (e *emitted) Append(_ context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if topic != contracts.TopicOrder {
		return fmt.Errorf("emitted on %s", topic)
	}
	tx.OnCommit(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.events = append(e.events, events...)
	})
	return nil
}

func (e *emitted) ids() []string {
	var ids []string
	for _, ev := range e.events {
		ids = append(ids, ev.ID+" "+ev.Type)
	}
	slices.Sort(ids)
	return ids
}

func open(t *testing.T) (*store.Store, *emitted) {
	t.Helper()
	box := &emitted{}
	return store.New(databasetest.Open(t, migrations.Set()), box), box
}

func pending(id int64, user int64, key string) *order.State {
	return &order.State{
		ID: order.ID(id), Key: order.Key{User: order.UserID(user), Key: key}, Fingerprint: [32]byte{1, 2, 3},
		Status: order.Pending, Version: 1, Lines: []order.Line{{SKU: "TEA", Quantity: 2, UnitPrice: 500}},
		Total: money.Of(1000, "CNY"), Payable: money.Of(1000, "CNY"), Method: "wallet", CreatedAt: at, Deadline: at.Add(15 * time.Minute),
	}
}

func insert(t *testing.T, s *store.Store, states ...*order.State) error {
	t.Helper()
	return s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return u.Insert(ctx, states) })
}

func TestAnOrderComesBackAsItWent(t *testing.T) {
	s, box := open(t)
	want := pending(70, 1, "k")
	if err := insert(t, s, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), 1, 70)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if ids := box.ids(); !slices.Equal(ids, []string{"70-1 order.placed.v1"}) {
		t.Errorf("emitted %v", ids)
	}
	if _, err := s.Get(t.Context(), 2, 70); !errors.Is(err, order.ErrNotFound) {
		t.Errorf("another user's order: %v, want not found", err)
	}
}

func TestATakenKeyInsertsNothing(t *testing.T) {
	s, box := open(t)
	if err := insert(t, s, pending(70, 1, "k")); err != nil {
		t.Fatal(err)
	}
	err := insert(t, s, pending(71, 1, "new"), pending(72, 1, "k"))
	if !errors.Is(err, order.ErrKeyTaken) {
		t.Fatalf("got %v, want ErrKeyTaken", err)
	}
	if _, err := s.Get(t.Context(), 1, 71); !errors.Is(err, order.ErrNotFound) {
		t.Errorf("the other order of the batch stands: %v", err)
	}
	if len(box.events) != 1 {
		t.Errorf("emitted %v", box.ids())
	}
}

func TestPlacedFindsKeysOfTheirUserOnly(t *testing.T) {
	s, _ := open(t)
	keys := []order.Key{{User: 2, Key: "k"}}
	var states []*order.State
	for i := range int64(1100) { // more than one chunk
		states = append(states, pending(100+i, 1, fmt.Sprint("k", i)))
		keys = append(keys, states[i].Key)
	}
	if err := insert(t, s, states...); err != nil {
		t.Fatal(err)
	}
	var found map[order.Key]*order.State
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) (err error) {
		found, err = u.Placed(ctx, keys)
		return err
	})
	if err != nil || len(found) != 1100 || found[states[7].Key].ID != 107 {
		t.Errorf("found %d of 1100 keys, %v", len(found), err)
	}
}

func policy() order.Policy {
	return order.Policy{
		BeforePayment:    []order.Condition{{Fact: order.StockReserved}, {Fact: order.PointsFrozen, When: order.UsesPoints}},
		BeforeCompletion: []order.Condition{{Fact: order.PointsAwarded}},
	}
}

// learn tells the orders their facts in one unit, as the inbox does.
func learn(t *testing.T, s *store.Store, reports ...order.Report) error {
	t.Helper()
	l := order.NewLearner(policy(), new(order.Pacer))
	return s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return l.Learn(ctx, u, reports) })
}

func TestABatchOfFactsMovesEachOrderOnce(t *testing.T) {
	s, box := open(t)
	if err := insert(t, s, pending(1, 1, "a"), pending(2, 1, "b"), pending(3, 1, "c"), pending(4, 1, "d")); err != nil {
		t.Fatal(err)
	}
	err := learn(t, s,
		order.Report{Order: 3, Fact: order.StockRefused},
		order.Report{Order: 1, Fact: order.StockReserved}, order.Report{Order: 1, Fact: order.Captured}, order.Report{Order: 1, Fact: order.PointsAwarded},
		order.Report{Order: 2, Fact: order.StockReserved}, order.Report{Order: 2, Fact: order.StockReserved})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[order.ID]order.Status{1: order.Completed, 2: order.Reserved, 3: order.Rejected, 4: order.Pending} {
		if got, err := s.Get(t.Context(), 1, id); err != nil || got.Status != want {
			t.Errorf("order %d is %s, %v; want %s", id, got.Status, err, want)
		}
	}
	want := []string{
		"1-1 order.placed.v1", "1-2 order.payment_due.v1", "1-3 order.paid.v1", "1-4 order.completed.v1",
		"2-1 order.placed.v1", "2-2 order.payment_due.v1", "3-1 order.placed.v1", "3-5 order.rejected.v1", "4-1 order.placed.v1",
	}
	if got := box.ids(); !slices.Equal(got, want) {
		t.Errorf("emitted %v\nwant %v", got, want)
	}
	before := len(box.events)
	if err := learn(t, s, order.Report{Order: 1, Fact: order.Captured}, order.Report{Order: 3, Fact: order.StockRefused}); err != nil {
		t.Fatal(err)
	}
	if len(box.events) != before {
		t.Errorf("facts told again emitted %v", box.ids()[before:])
	}
}

func TestAnImpossibleFactUndoesItsBatch(t *testing.T) {
	s, box := open(t)
	if err := insert(t, s, pending(1, 1, "a"), pending(2, 1, "b")); err != nil {
		t.Fatal(err)
	}
	if err := learn(t, s, order.Report{Order: 2, Fact: order.StockRefused}); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]order.Report{
		"captured after rejection": {Order: 2, Fact: order.Captured},
		"an order nobody placed":   {Order: 9, Fact: order.StockReserved},
	} {
		err := learn(t, s, order.Report{Order: 1, Fact: order.StockReserved}, bad)
		if !order.IsImpossible(err) {
			t.Errorf("%s: %v, want impossible", name, err)
		}
	}
	if got, _ := s.Get(t.Context(), 1, 1); got.Status != order.Pending || len(box.events) != 3 {
		t.Errorf("order 1 is %s and %v was emitted", got.Status, box.ids())
	}
}

// A write that another replica overtook must fail, not overwrite.
func TestSaveIsConditional(t *testing.T) {
	s, _ := open(t)
	if err := insert(t, s, pending(1, 1, "a")); err != nil {
		t.Fatal(err)
	}
	stale := order.Update{Before: pending(1, 1, "a"), After: pending(1, 1, "a")}
	stale.After.Status, stale.After.Version, stale.After.Facts = order.Rejected, 2, order.Facts(0).With(order.StockRefused)
	if err := learn(t, s, order.Report{Order: 1, Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return u.Save(ctx, []order.Update{stale}) })
	if got, _ := s.Get(t.Context(), 1, 1); err == nil || got.Status != order.Reserved {
		t.Errorf("a stale write answered %v and left %s", err, got.Status)
	}
}

func TestListPagesNewestFirst(t *testing.T) {
	s, _ := open(t)
	for i := range int64(5) {
		if err := insert(t, s, pending(10+i, 1, fmt.Sprint(i)), pending(20+i, 2, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := learn(t, s, order.Report{Order: 11, Fact: order.StockRefused}); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		filter order.Filter
		want   []order.ID
	}{
		"newest":   {order.Filter{Limit: 2}, []order.ID{14, 13}},
		"next":     {order.Filter{Limit: 3, Before: 13}, []order.ID{12, 11, 10}},
		"rejected": {order.Filter{Limit: 9, Status: order.Rejected}, []order.ID{11}},
	} {
		var ids []order.ID
		states, err := s.List(t.Context(), 1, tc.filter)
		for _, st := range states {
			ids = append(ids, st.ID)
		}
		if err != nil || !slices.Equal(ids, tc.want) {
			t.Errorf("%s: %v, %v; want %v", name, ids, err, tc.want)
		}
	}
}

func TestPricesKeepTheHighestVersion(t *testing.T) {
	s, _ := open(t)
	learnPrices := func(prices ...order.Price) {
		t.Helper()
		err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { return u.LearnPrices(ctx, prices) })
		if err != nil {
			t.Fatal(err)
		}
	}
	gone := price("GONE", 2, 1)
	gone.Withdrawn = true
	learnPrices(price("TEA", 3, 300), price("TEA", 2, 200), price("CUP", 1, 100), gone)
	learnPrices(price("TEA", 1, 111), price("CUP", 2, 120), price("GONE", 1, 5))
	got, err := s.Prices(t.Context(), []order.SKU{"TEA", "CUP", "GONE", "NEVER"})
	want := map[order.SKU]money.Amount{"TEA": money.Of(300, "CNY"), "CUP": money.Of(120, "CNY")}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("prices %v, %v; want %v", got, err, want)
	}
}
