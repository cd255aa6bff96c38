package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/services/points/internal/consumer"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is an outbox that keeps what was committed.
type log struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (l *log) Append(_ context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if topic != contracts.TopicPoints {
		return fmt.Errorf("replies go to %s", topic)
	}
	tx.OnCommit(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, events...)
	})
	return nil
}

// world is a points service without its surroundings.
type world struct {
	db     *database.DB
	said   *log
	handle inbox.Batch
}

func newWorld(t *testing.T) *world {
	w := &world{db: databasetest.Open(t, migrations.Set()), said: &log{}}
	w.handle = consumer.Orders(points.NewSettler(points.EarnRules(), time.Now), w.said)
	return w
}

// deliver hands events over as the inbox does: so many per transaction, as new
// at first, and again when somebody else has awarded meanwhile.
func (w *world) deliver(ctx context.Context, events []eventbus.Event, size int) error {
	for chunk := range slices.Chunk(events, size) {
		err, once := database.ErrDuplicate, inbox.TrustOnce(w.handle)
		for range 3 {
			if !errors.Is(err, database.ErrDuplicate) {
				break
			}
			err = w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return once(ctx, tx, chunk) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func paid(t *testing.T, order, user, payable int64) eventbus.Event {
	return paidWith(t, order, user, payable, 0)
}

func event(t *testing.T, typ contracts.Type, order int64, m contracts.Message) eventbus.Event {
	t.Helper()
	e, err := contracts.NewEvent(typ, order, m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func placed(t *testing.T, order, user, used int64) eventbus.Event {
	return event(t, contracts.OrderPlaced, order, &orderv1.OrderPlaced{OrderId: order, UserId: user, Version: 1, PointsUsed: used, Currency: "CNY"})
}

func paidWith(t *testing.T, order, user, payable, used int64) eventbus.Event {
	return event(t, contracts.OrderPaid, order, &orderv1.OrderPaid{
		OrderId: order, UserId: user, Version: 3, Payable: payable, PointsUsed: used, Currency: "CNY",
	})
}

func cancelled(t *testing.T, order, user int64) eventbus.Event {
	return event(t, contracts.OrderCancelled, order, &orderv1.OrderCancelled{OrderId: order, UserId: user, Version: 2})
}

func rejected(t *testing.T, order, user int64) eventbus.Event {
	return event(t, contracts.OrderRejected, order, &orderv1.OrderRejected{OrderId: order, UserId: user, Version: 2})
}

func nudged(e eventbus.Event) eventbus.Event {
	e.Nudge = true
	return e
}

// traffic is 300 paid orders of 12 users, order n for n × 50 fen, each
// delivered one to five times, some of them nudged, in any order.
func traffic(t *testing.T, rng *rand.Rand) (events []eventbus.Event) {
	for order := int64(1); order <= 300; order++ {
		e := paid(t, order, order%12+1, order*50)
		for range 1 + rng.IntN(5) {
			e.Nudge = rng.IntN(4) == 0
			events = append(events, e)
		}
	}
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

// However often, in whatever order and batches orders are paid: each is
// rewarded once, and balances are the sum of the entries.
func TestDeliveredManyTimesInAnyOrder(t *testing.T) {
	for _, size := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			w := newWorld(t)
			if err := w.deliver(t.Context(), traffic(t, rand.New(rand.NewPCG(uint64(size), 7))), size); err != nil {
				t.Fatal(err)
			}
			w.check(t)
		})
	}
}

// Two members of the group that believe to own the same partitions reward the
// same orders at once.
func TestZombieChangesNothing(t *testing.T) {
	w := newWorld(t)
	events := traffic(t, rand.New(rand.NewPCG(1, 2)))
	var members sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		members.Go(func() { errs[i] = w.deliver(t.Context(), events, 20) })
	}
	members.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	w.check(t)
}

func (w *world) check(t *testing.T) {
	t.Helper()
	if n := w.number(t, "SELECT COUNT(*) FROM points_entry"); n != 300 {
		t.Errorf("%d entries for 300 orders", n)
	}
	for user := int64(1); user <= 12; user++ {
		want := int64(0)
		for order := int64(1); order <= 300; order++ {
			if order%12+1 == user {
				want += order * 50 / 100
			}
		}
		balance := w.number(t, "SELECT balance FROM points_account WHERE user_id = ?", user)
		fold := w.number(t, "SELECT SUM(amount) FROM points_entry WHERE user_id = ?", user)
		if balance != want || fold != want {
			t.Errorf("user %d has %d points, entries say %d, want %d", user, balance, fold, want)
		}
	}
	said := map[string]string{}
	for _, e := range w.said.events {
		text := e.ID + e.Type + string(e.Payload)
		if before, again := said[e.Subject]; e.Nudge || again && before != text {
			t.Errorf("order %s was told %q, then %q (nudge %t)", e.Subject, before, text, e.Nudge)
		}
		said[e.Subject] = text
	}
	if len(said) != 300 {
		t.Errorf("%d orders were answered", len(said))
	}
}

// An order that earns nothing has its entry and its event like any other, and
// only a nudge is answered twice.
func TestNudgeRepeatsTheRecordedReply(t *testing.T) {
	w := newWorld(t)
	steps := [][]eventbus.Event{
		{paid(t, 1, 7, 250), paid(t, 2, 7, 99)},
		{paid(t, 1, 7, 250), paid(t, 2, 7, 99)},
		{nudged(paid(t, 1, 7, 250)), nudged(paid(t, 2, 7, 99))},
	}
	var heard []int
	for _, events := range steps {
		if err := w.deliver(t.Context(), events, 10); err != nil {
			t.Fatal(err)
		}
		heard = append(heard, len(w.said.events))
	}
	if !slices.Equal(heard, []int{2, 2, 4}) {
		t.Fatalf("events after each step: %v", heard)
	}
	for i, want := range []int64{2, 0, 2, 0} {
		e := w.said.events[i]
		got, err := contracts.DecodeAs[pointsv1.PointsAwarded](e)
		order := int64(i%2 + 1)
		if err != nil || got.Points != want || got.OrderId != order || got.UserId != 7 || e.ID != fmt.Sprintf("%d-60", order) || e.Nudge {
			t.Errorf("event %d is %+v with %+v, %v", i, e, got, err)
		}
	}
}

// What can never be rewarded is poison and leaves nothing of its batch.
func TestPoison(t *testing.T) {
	for name, poison := range map[string]eventbus.Event{
		"garbage":  {ID: "9-3", Type: contracts.OrderPaid.Name, Subject: "9", Payload: []byte{0xff}},
		"negative": paid(t, 9, 7, -1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			err := w.deliver(t.Context(), []eventbus.Event{paid(t, 1, 7, 100), poison}, 2)
			if err == nil || database.IsTransient(err) {
				t.Errorf("got %v, want poison", err)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM points_entry"); n != 0 || len(w.said.events) != 0 {
				t.Errorf("poison left %d entries and %d events", n, len(w.said.events))
			}
		})
	}
}
