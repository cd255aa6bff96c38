package consumer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

const partitions = 4

// publish sends the events to the order topic, one pack each.
func publish(t *testing.T, bus eventbus.Publisher, events []eventbus.Event) {
	t.Helper()
	for _, e := range events {
		value, err := eventbus.Encode("souk/order", time.Now(), []eventbus.Event{e})
		if err != nil {
			t.Fatal(err)
		}
		record := eventbus.Record{Topic: contracts.TopicOrder, Partition: contracts.Partition(e.Subject, partitions), Value: value}
		if errs := bus.Publish(t.Context(), []eventbus.Record{record}); errs != nil {
			t.Fatal(errs)
		}
	}
}

// run runs the parts until the test ends.
func run(t testing.TB, parts ...interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // that of a test ends before its cleanups
	var running sync.WaitGroup
	for _, p := range parts {
		running.Go(func() {
			if err := p.Run(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("%T ended: %v", p, err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
}

// await gives up after a minute, or after a quarter of the time that is left: in
// a run that is to fail, this is what fails.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := time.Minute
	if timed, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := timed.Deadline(); ok {
			limit = min(limit, time.Until(end)/4)
		}
	}
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not so", what)
		}
	}
}

// Through the real inbox and outbox: what can be settled is, exactly once; of
// what cannot, only the order concerned is parked.
func TestThroughInboxAndOutbox(t *testing.T) {
	for _, size := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			bus, ids := bustest.Memory(partitions), idgen.Static(2)
			w := &world{db: databasetest.Open(t, inbox.Migrations(), outbox.Migrations(), migrations.Set())}
			w.fund(t, 1_000, 7)
			box := outbox.New(w.db, ids, bus, outbox.Config{
				Source: "souk/payment", Topics: contracts.Topics(), Partitions: partitions, Partition: contracts.Partition,
			}, telemetry.Nop())
			in := inbox.New(w.db, bus, ids, inbox.Config{
				Group: contracts.GroupPayment, Topics: []string{contracts.TopicOrder}, Types: consumer.Types(), BatchMax: size,
			}, consumer.Orders(payment.NewSettler(wallets, time.Now), store.NewJournal(w.db, box, payment.NewBell())), telemetry.Nop())

			var events []eventbus.Event
			for order := int64(1); order <= 20; order++ {
				events = append(events, due(t, order, 7, 40), due(t, order, 7, 40))
			}
			events = append(events, due(t, 98, 7, -1), due(t, 99, 7, 0), refundWanted(t, 99, 7, 1)) // malformed; more than its capture
			publish(t, bus, events)
			run(t, box, in)

			await(t, "every order is captured or parked", func() bool {
				return w.number(t, "SELECT (SELECT COUNT(*) FROM payment) + (SELECT COUNT(*) FROM dead_letter)") == 23
			})
			await(t, "every reply is sent", func() bool { return w.number(t, "SELECT COUNT(*) FROM outbox") == 0 })
			if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'"); n != 21 {
				t.Errorf("%d orders are captured, want 21", n)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM parked_key WHERE k IN ('98', '99')"); n != 2 {
				t.Errorf("%d of 2 orders are parked", n)
			}
			if n := w.number(t, "SELECT balance FROM wallet WHERE user_id = 7"); n != 200 {
				t.Errorf("the wallet holds %d, want 200", n)
			}
			if n := w.number(t, "SELECT SUM(n) FROM event_log"); n != 21 {
				t.Errorf("%d replies, want 21", n)
			}
		})
	}
}
