package consumer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory/internal/consumer"
	"souk.example/services/inventory/internal/inventory"
)

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
		"paid without a hold": paid(t, 9), "returned without a hold": restock(t, 9), "no lines": placed(t, 1), "payload": bad, "other subject": other, "no id": nameless,
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

// Units that come back can be sold again, and come back once: however often,
// nudged or not, and to however many processes order says so.
func TestReturnedUnitsComeBackOnce(t *testing.T) {
	const orders = 60
	w := newWorld(t, map[inventory.SKU]int64{"A": orders, "B": orders})
	var bought, back []eventbus.Event
	for order := int64(1); order <= orders; order++ {
		bought = append(bought, placed(t, order, "A", "B"), paid(t, order))
		for n := range 3 {
			e := restock(t, order)
			e.Nudge = n == 2
			back = append(back, e)
		}
	}
	if err := w.apply(t, bought...); err != nil {
		t.Fatal(err)
	}
	said := len(w.said.events)
	rand.Shuffle(len(back), func(i, j int) { back[i], back[j] = back[j], back[i] })
	var wg sync.WaitGroup
	for size := range 3 {
		wg.Go(func() {
			for batch := range slices.Chunk(back, 7+size) {
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
	for _, sku := range []string{"A", "B"} {
		if n := w.number(t, "SELECT available - sold - reserved FROM stock WHERE sku = ?", sku); n != orders {
			t.Errorf("%d of %d units of %s came back", n, orders, sku)
		}
		if n := w.number(t, "SELECT SUM(d_available) FROM stock_ledger WHERE cause = 'restock' AND sku = ?", sku); n != orders {
			t.Errorf("by the ledger %d of %d units of %s came back", n, orders, sku)
		}
	}
	answered := map[string]int{}
	for _, e := range w.said.events[said:] {
		if answered[e.ID]++; e.Type != contracts.InventoryRestocked.Name || e.Nudge {
			t.Errorf("said %+v", e)
		}
	}
	if len(answered) != orders {
		t.Errorf("%d orders were answered", len(answered))
	}
	w.balanced(t)
	if err := w.apply(t, placed(t, orders+1, "A")); err != nil || w.status(t, orders+1) != "HELD" {
		t.Errorf("what came back is not sold again: %v", err)
	}
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
	cfg := inbox.Config{Group: contracts.GroupInventory, Topics: []string{contracts.TopicOrder}, Types: consumer.Types(), BatchMax: size}
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
