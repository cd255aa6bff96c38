package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/pkg/telemetry"
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
	w.handle = consumer.Orders(inventory.NewSettler(time.Now), s)
	return w
}

func (w *world) apply(t *testing.T, events ...eventbus.Event) error {
	t.Helper()
	return w.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error { return w.handle(ctx, tx, events) })
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

func nudged(e eventbus.Event) eventbus.Event {
	e.Nudge = true
	return e
}

func TestAnOrdersWayThroughTheStock(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 5, "B": 5})
	for _, e := range []eventbus.Event{placed(t, 1, "A", "B", "A"), paid(t, 1), placed(t, 2, "A", "B"), cancelled(t, 2)} {
		if err := w.apply(t, e); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := w.status(t, 1), w.status(t, 2); a != "COMMITTED" || b != "RELEASED" {
		t.Errorf("order 1 %s, order 2 %s", a, b)
	}
	if n := w.number(t, "SELECT available * 100 + reserved * 10 + sold FROM stock WHERE sku = 'A'"); n != 302 {
		t.Errorf("available, reserved, sold of A: %03d", n)
	}
	w.balanced(t)
}

func TestReplies(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 1})
	first, second := placed(t, 1, "A"), placed(t, 2, "A", "NONE")
	for _, e := range []eventbus.Event{first, second, first, second, nudged(first), nudged(second)} {
		if err := w.apply(t, e); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, e := range w.said.events {
		if ids = append(ids, e.ID); e.Nudge {
			t.Errorf("reply %s is nudged", e.ID)
		}
	}
	if want := []string{"1-20", "2-21", "1-20", "2-21"}; !slices.Equal(ids, want) {
		t.Fatalf("replies %v, want %v", ids, want)
	}
	refusal, err := contracts.DecodeAs[inventoryv1.InventoryRejected](w.said.events[3])
	if err != nil || refusal.OrderId != 2 || refusal.Sku != "A" || refusal.Reason != contracts.ReasonOutOfStock {
		t.Errorf("refusal %v, %v", refusal, err)
	}
}

func TestSeveralChangesOfAnOrderInOneBatch(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 2})
	err := w.apply(t, placed(t, 1, "A"), placed(t, 2, "A"), cancelled(t, 1), placed(t, 3, "A"), paid(t, 2), placed(t, 1, "A"))
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := w.status(t, 1), w.status(t, 2), w.status(t, 3); a != "RELEASED" || b != "COMMITTED" || c != "HELD" {
		t.Errorf("got %s, %s, %s", a, b, c)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM stock_ledger WHERE sku = 'A'"); n != 4 { // initial, reserve, release, commit
		t.Errorf("%d ledger rows", n)
	}
	w.balanced(t)
}

func TestReleaseBeforeReserveIsRemembered(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 1})
	for _, e := range []eventbus.Event{cancelled(t, 1), placed(t, 1, "A"), nudged(placed(t, 1, "A"))} {
		if err := w.apply(t, e); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.status(t, 1); s != "RELEASED" || len(w.said.events) != 0 {
		t.Errorf("order 1 is %s, replies %v", s, w.said.events)
	}
	w.balanced(t)
}

func TestWhatCannotBeLeavesNothing(t *testing.T) {
	bad := placed(t, 1, "A")
	bad.Payload = []byte{0xff}
	other := placed(t, 1, "A")
	other.Subject = "2"
	nameless := placed(t, 1, "A")
	nameless.Subject = "x"
	for name, e := range map[string]eventbus.Event{
		"paid without a hold": paid(t, 9), "no lines": placed(t, 1), "payload": bad, "other subject": other, "no id": nameless,
	} {
		w := newWorld(t, map[inventory.SKU]int64{"A": 1})
		if err := w.apply(t, placed(t, 5, "A"), e); err == nil || database.IsTransient(err) {
			t.Errorf("%s: %v", name, err)
		}
		if n := w.number(t, "SELECT COUNT(*) FROM reservation"); n != 0 {
			t.Errorf("%s left %d reservations", name, n)
		}
	}
}

// batchSizes are those of SOUK_BATCH_MAX or, without it, the two extremes.
func batchSizes(t *testing.T) []int {
	t.Helper()
	text := os.Getenv("SOUK_BATCH_MAX")
	if text == "" {
		return []int{1, 500}
	}
	size, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return []int{size}
}

// 2,000 orders of one unit want 500 units. Each order comes one to five times,
// in any order, through the whole inbox.
func TestStockIsNeverOversold(t *testing.T) {
	const orders, units = 2000, 500
	for _, size := range batchSizes(t) {
		t.Run(fmt.Sprintf("batch of %d", size), func(t *testing.T) {
			w := newWorld(t, map[inventory.SKU]int64{"HOT": units})
			bus := bustest.Memory(contracts.Partitions)
			last := publish(t, bus, shuffled(t, orders))
			run(t, w, bus, size, func() bool {
				committed, err := bus.Committed(t.Context(), consumer.Group, contracts.TopicOrder)
				return err == nil && fmt.Sprint(committed[contracts.TopicOrder]) == fmt.Sprint(last)
			})
			held := w.number(t, "SELECT COUNT(*) FROM reservation WHERE status = 'HELD'")
			refused := w.number(t, "SELECT COUNT(*) FROM reservation WHERE status = 'REFUSED'")
			if held != units || refused != orders-units {
				t.Errorf("%d held, %d refused", held, refused)
			}
			replies := w.said.types()
			if replies[contracts.InventoryReserved.Name] != units || replies[contracts.InventoryRejected.Name] != orders-units {
				t.Errorf("replies: %v", replies)
			}
			if n := w.number(t, "SELECT reserved FROM stock WHERE sku = 'HOT'"); n != units {
				t.Errorf("%d reserved", n)
			}
			w.balanced(t)
		})
	}
}

// Three processes believe that the same partitions are theirs.
func TestZombiesChangeNothing(t *testing.T) {
	const orders, units = 300, 100
	w := newWorld(t, map[inventory.SKU]int64{"A": units, "B": units, "C": orders})
	var events []eventbus.Event
	for order := int64(1); order <= orders; order++ {
		skus := []string{"A", "B", "C"}
		rand.Shuffle(len(skus), func(i, j int) { skus[i], skus[j] = skus[j], skus[i] })
		events = append(events, placed(t, order, skus...))
		if order%3 == 0 {
			events = append(events, cancelled(t, order))
		}
	}
	var wg sync.WaitGroup
	for size := range 3 {
		wg.Go(func() {
			for batch := range slices.Chunk(events, 7+size) {
				err := w.apply(t, batch...)
				for errors.Is(err, database.ErrDuplicate) || database.IsTransient(err) {
					err = w.apply(t, batch...)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := w.number(t, "SELECT COUNT(*) FROM reservation"); n != orders {
		t.Errorf("%d reservations", n)
	}
	if n := w.number(t, "SELECT reserved FROM stock WHERE sku = 'A'"); n != units {
		t.Errorf("%d of %d held", n, units)
	}
	if len(w.said.events) != orders {
		t.Errorf("%d replies", len(w.said.events))
	}
	w.balanced(t)
}

func shuffled(t *testing.T, orders int64) []eventbus.Event {
	var events []eventbus.Event
	for order := int64(1); order <= orders; order++ {
		for range 1 + rand.IntN(5) {
			events = append(events, placed(t, order, "HOT"))
		}
	}
	rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

// publish sends the events in packs of up to 50 and returns the ends of the log.
func publish(t *testing.T, bus *bustest.MemoryBus, events []eventbus.Event) map[int32]int64 {
	t.Helper()
	for pack := range slices.Chunk(events, 50) {
		byPartition := make(map[int32][]eventbus.Event)
		for _, e := range pack {
			p := contracts.Partition(e.Subject, contracts.Partitions)
			byPartition[p] = append(byPartition[p], e)
		}
		for p, part := range byPartition {
			value, err := eventbus.Encode("souk/order", time.Now(), part)
			if err != nil {
				t.Fatal(err)
			}
			if errs := bus.Publish(t.Context(), []eventbus.Record{{Topic: contracts.TopicOrder, Partition: p, Value: value}}); errs != nil {
				t.Fatal(errs)
			}
		}
	}
	ends, err := bus.LogEnd(t.Context(), contracts.TopicOrder)
	if err != nil {
		t.Fatal(err)
	}
	return ends
}

// run consumes until done.
func run(t *testing.T, w *world, bus *bustest.MemoryBus, size int, done func() bool) {
	t.Helper()
	cfg := inbox.Config{Group: consumer.Group, Topics: []string{contracts.TopicOrder}, Types: consumer.Types(), BatchMax: size}
	in := inbox.New(w.db, bus, idgen.Static(2), cfg, w.handle, telemetry.Nop())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- in.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() && ctx.Err() == nil {
		<-tick.C
	}
	timedOut := ctx.Err()
	cancel()
	if err := <-stopped; err != nil || timedOut != nil {
		t.Fatalf("inbox: %v, %v", err, timedOut)
	}
}
