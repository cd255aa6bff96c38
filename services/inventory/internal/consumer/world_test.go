package consumer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/consumer"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
	"souk.example/services/inventory/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said is an outbox that keeps what was committed.
type said struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (s *said) Append(_ context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if topic == contracts.TopicInventory {
		tx.OnCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, events...)
		})
	}
	return nil
}

// types counts the committed replies by type.
func (s *said) types() map[string]int {
	n := make(map[string]int)
	for _, e := range s.events {
		n[e.Type]++
	}
	return n
}

// world is the inventory service behind its topics.
type world struct {
	db     *database.DB
	said   *said
	store  *store.Store
	handle inbox.Batch
}

func newWorld(t *testing.T, stock map[inventory.SKU]int64) *world {
	t.Helper()
	w := &world{db: databasetest.Open(t, inbox.Migrations(), migrations.Set()), said: &said{}}
	s := store.New(w.db, w.said, idgen.Static(1))
	for sku, units := range stock {
		p, err := inventory.Adding{SKU: sku, Name: "Product", Price: money.Of(100, "CNY"), Units: units}.Product(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(t.Context(), []inventory.NewProduct{p}); err != nil {
			t.Fatal(err)
		}
	}
	w.store, w.handle = s, consumer.Orders(inventory.NewSettler(time.Now), s)
	return w
}

// apply hands events over as the inbox does: as new, and then as what they are.
func (w *world) apply(t *testing.T, events ...eventbus.Event) error {
	t.Helper()
	_, err := w.applyBy(t, w.handle, events)
	return err
}

// applyBy tells how often the handler was run: once when it was right.
func (w *world) applyBy(t *testing.T, handle inbox.Batch, events []eventbus.Event) (runs int, err error) {
	t.Helper()
	once := inbox.TrustOnce(handle)
	err = w.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		return once(ctx, tx, events)
	})
	return runs, err
}

// anotherProcess handles events over the same database, and remembers on its own.
func (w *world) anotherProcess() inbox.Batch {
	return consumer.Orders(inventory.NewSettler(time.Now), store.New(w.db, w.said, idgen.Static(2)))
}

func (w *world) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (w *world) status(t *testing.T, order int64) (status string) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), "SELECT status FROM reservation WHERE order_id = ?", order).Scan(&status); err != nil {
		t.Fatalf("reservation of %d: %v", order, err)
	}
	return status
}

// balanced checks that every count is what the ledger says it is and that the
// units add up.
func (w *world) balanced(t *testing.T) {
	t.Helper()
	bad := w.number(t, `SELECT COUNT(*) FROM stock s WHERE available < 0 OR reserved < 0 OR sold < 0
		OR available + reserved + sold <> initial + adjusted
		OR available <> (SELECT COALESCE(SUM(d_available), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR reserved <> (SELECT COALESCE(SUM(d_reserved), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR sold <> (SELECT COALESCE(SUM(d_sold), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR initial <> (SELECT COALESCE(SUM(d_initial), 0) FROM stock_ledger l WHERE l.sku = s.sku)
		OR adjusted <> (SELECT COALESCE(SUM(d_adjusted), 0) FROM stock_ledger l WHERE l.sku = s.sku)`)
	if bad != 0 {
		t.Errorf("%d rows of stock are not what their ledger says", bad)
	}
}

func event(t *testing.T, typ contracts.Type, order int64, m contracts.Message) eventbus.Event {
	t.Helper()
	e, err := contracts.NewEvent(typ, order, m)
	if err != nil {
		t.Fatal(err)
	}
	e.Source, e.Time = "souk/order", time.Now()
	return e
}

func placed(t *testing.T, order int64, skus ...string) eventbus.Event {
	t.Helper()
	p := &orderv1.OrderPlaced{OrderId: order}
	for _, sku := range skus {
		p.Lines = append(p.Lines, &orderv1.Line{Sku: sku, Quantity: 1, UnitPrice: 100})
	}
	return event(t, contracts.OrderPlaced, order, p)
}

func paid(t *testing.T, order int64) eventbus.Event {
	return event(t, contracts.OrderPaid, order, &orderv1.OrderPaid{OrderId: order})
}

func cancelled(t *testing.T, order int64) eventbus.Event {
	return event(t, contracts.OrderCancelled, order, &orderv1.OrderCancelled{OrderId: order})
}

func restock(t *testing.T, order int64) eventbus.Event {
	return event(t, contracts.OrderRestockRequested, order, &orderv1.OrderRestockRequested{OrderId: order})
}

func nudged(e eventbus.Event) eventbus.Event {
	e.Nudge = true
	return e
}
