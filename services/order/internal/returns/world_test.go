package returns_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/paymentv1"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
	"souk.example/services/order/internal/consumer"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/returns"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

const owner = order.UserID(1)

// said is an outbox whose committed events others read in order.
type said struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (s *said) Append(_ context.Context, tx *database.Tx, _ string, events ...eventbus.Event) error {
	tx.OnCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, events...)
	})
	return nil
}

func (s *said) from(n int) []eventbus.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]eventbus.Event{}, s.events[n:]...)
}

// world is the order service's database, and what it says and hears.
type world struct {
	t      *testing.T
	db     *database.DB
	store  *store.Store
	said   *said
	desk   *returns.Desk
	handle inbox.Batch
}

func newWorld(t *testing.T, cfg saga.Config) *world {
	t.Helper()
	w := &world{t: t, db: databasetest.Open(t, saga.Migrations(), idempotency.Migrations(), migrations.Set()), said: &said{}}
	w.store = store.New(w.db, w.said)
	w.desk = w.newDesk(cfg)
	w.handle = consumer.Facts(w.store, order.NewLearner(policy(), new(order.Pacer)), w.desk)
	return w
}

func (w *world) newDesk(cfg saga.Config) *returns.Desk {
	w.t.Helper()
	desk, err := returns.New(w.db, w.store, order.NewReturner(policy()), cfg, telemetry.Nop())
	if err != nil {
		w.t.Fatal(err)
	}
	return desk
}

func policy() order.Policy {
	return order.Policy{
		BeforePayment: []order.Condition{{Fact: order.StockReserved}}, BeforeCompletion: []order.Condition{{Fact: order.PointsAwarded}},
	}
}

// completed stores completed orders of the owner, 1 to n.
func (w *world) completed(n int64, payable int64) {
	w.t.Helper()
	states, reports := make([]*order.State, n), make([]order.Report, n)
	for i := range n {
		id := order.ID(i + 1)
		states[i] = &order.State{
			ID: id, Key: order.Key{User: owner, Key: chargeKey(id)}, Status: order.Pending, Version: 1, Total: money.Of(5, "CNY"),
			Payable: money.Of(payable, "CNY"), PointsUsed: 5 - payable, Method: "wallet", CreatedAt: time.UnixMicro(1), Deadline: time.UnixMicro(2),
		}
		reports[i] = order.Report{Order: id, Fact: order.PointsAwarded}
	}
	err := w.store.InUnit(w.t.Context(), func(ctx context.Context, u order.Unit) error {
		if err := u.Insert(ctx, states); err != nil {
			return err
		}
		return order.NewLearner(policy(), new(order.Pacer)).Learn(ctx, u, reports)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func chargeKey(id order.ID) string { return "order-" + time.Duration(id).String() }

// run runs a desk for the length of the test, or until the function that it
// returns is called.
func (w *world) run(desk *returns.Desk) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- desk.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) giveBack(id order.ID, key string) (order.ReturnReceipt, error) {
	return w.desk.Return(w.t.Context(), order.ReturnOrder{Order: id, Key: order.Key{User: owner, Key: key}, Why: "it does not fit"})
}

// hear hands replies over as the inbox does, and again where the database asks
// for it.
func (w *world) hear(events ...eventbus.Event) error {
	return w.db.InTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error { return w.handle(ctx, tx, events) })
}

// reply is what the service that is asked by e answers; false if none is.
func (w *world) reply(e eventbus.Event) (r eventbus.Event, ok bool) {
	w.t.Helper()
	m, err := contracts.Decode(e)
	if err != nil {
		w.t.Fatal(err)
	}
	id := m.(interface{ GetOrderId() int64 }).GetOrderId()
	switch e.Type {
	case contracts.OrderRefundRequested.Name:
		r, err = contracts.NewRefundEvent(contracts.PaymentRefunded, id, contracts.RefundReturn(id), &paymentv1.PaymentRefunded{OrderId: id})
	case contracts.OrderRestockRequested.Name:
		r, err = contracts.NewEvent(contracts.InventoryRestocked, id, &inventoryv1.InventoryRestocked{OrderId: id})
	case contracts.OrderPointsReversalRequested.Name:
		r, err = contracts.NewEvent(contracts.PointsReversed, id, &pointsv1.PointsReversed{OrderId: id})
	default:
		return r, false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r, true
}

func (w *world) status(id order.ID) order.Status {
	w.t.Helper()
	s, err := w.store.Get(w.t.Context(), owner, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Status
}

func (w *world) saga(id string) saga.Saga {
	w.t.Helper()
	s, _, err := saga.NewOperator(w.db).Show(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) number(query string) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), query).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}
