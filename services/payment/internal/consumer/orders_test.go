package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	service "souk.example/services/payment"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is an outbox that keeps what was committed.
type log struct {
	mu     sync.Mutex
	events []eventbus.Event
}

func (l *log) Append(_ context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if topic != contracts.TopicPayment {
		return fmt.Errorf("replies go to %s", topic)
	}
	tx.OnCommit(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, events...)
	})
	return nil
}

// world is a payment service without its surroundings.
type world struct {
	db     *database.DB
	said   *log
	handle inbox.Batch
}

func newWorld(t *testing.T) *world {
	w := &world{db: databasetest.Open(t, migrations.Set()), said: &log{}}
	w.handle = consumer.Orders(payment.NewSettler(time.Now), w.said)
	return w
}

// deliver hands events over as the inbox does: so many per transaction, and
// again when somebody else has decided meanwhile.
func (w *world) deliver(ctx context.Context, events []eventbus.Event, size int) error {
	for chunk := range slices.Chunk(events, size) {
		err := database.ErrDuplicate
		for range 3 {
			if !errors.Is(err, database.ErrDuplicate) {
				break
			}
			err = w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return w.handle(ctx, tx, chunk) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) fund(t *testing.T, amount int64, users ...int64) {
	t.Helper()
	if err := service.EnsureWallets(t.Context(), w.db, users, money.Of(amount, "CNY")); err != nil {
		t.Fatal(err)
	}
}

func (w *world) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func event(t *testing.T, typ contracts.Type, order int64, m contracts.Message) eventbus.Event {
	t.Helper()
	e, err := contracts.NewEvent(typ, order, m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func due(t *testing.T, order, user, amount int64) eventbus.Event {
	return event(t, contracts.OrderPaymentDue, order, &orderv1.OrderPaymentDue{
		OrderId: order, UserId: user, Version: 2, Payable: amount, Currency: "CNY", PaymentMethod: "wallet",
	})
}

func cancelled(t *testing.T, order, user int64) eventbus.Event {
	return event(t, contracts.OrderCancelled, order, &orderv1.OrderCancelled{OrderId: order, UserId: user, Version: 3})
}

func nudged(e eventbus.Event) eventbus.Event {
	e.Nudge = true
	return e
}

// tooMuch is what no wallet here can pay.
const tooMuch = 1 << 50

// traffic is requests about orders 1 to 300 of users 1 to 12, each delivered
// one to five times, some of them nudged, in any order. Every tenth order is
// unaffordable and cancelled too, every eleventh only cancelled.
func traffic(t *testing.T, rng *rand.Rand) (events []eventbus.Event) {
	for order := int64(1); order <= 300; order++ {
		user := order%12 + 1
		var asked []eventbus.Event
		switch {
		case order%11 == 0:
			asked = []eventbus.Event{cancelled(t, order, user)}
		case order%10 == 0:
			asked = []eventbus.Event{due(t, order, user, tooMuch), cancelled(t, order, user)}
		default:
			asked = []eventbus.Event{due(t, order, user, rng.Int64N(100))}
		}
		for _, e := range asked {
			for range 1 + rng.IntN(5) {
				e.Nudge = rng.IntN(4) == 0
				events = append(events, e)
			}
		}
	}
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

// However often, in whatever order and batches the requests come: each order
// has one decision, wallets are what the ledger says and never below zero, and
// order is never told two things.
func TestDeliveredManyTimesInAnyOrder(t *testing.T) {
	for _, size := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 1000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) // 11 and 12 have no wallet
			rng := rand.New(rand.NewPCG(uint64(size), 7))
			if err := w.deliver(t.Context(), traffic(t, rng), size); err != nil {
				t.Fatal(err)
			}
			w.checkBooks(t)
			w.checkReplies(t)
		})
	}
}

// Two members of the group settle at once: each its own orders, from the same
// wallets; or, when both believe to own the same partitions, the same orders.
func TestTwoMembersAtOnce(t *testing.T) {
	events := traffic(t, rand.New(rand.NewPCG(1, 2)))
	var odd, even []eventbus.Event
	for _, e := range events {
		if strings.ContainsAny(e.Subject[len(e.Subject)-1:], "13579") {
			odd = append(odd, e)
		} else {
			even = append(even, e)
		}
	}
	for name, shares := range map[string][2][]eventbus.Event{
		"own orders": {odd, even}, "a zombie and its heir": {events, events},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 1000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
			var members sync.WaitGroup
			var errs [2]error
			for i, share := range shares {
				members.Go(func() { errs[i] = w.deliver(t.Context(), share, 20) })
			}
			members.Wait()
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			w.checkBooks(t)
			w.checkReplies(t)
		})
	}
}

func (w *world) checkBooks(t *testing.T) {
	t.Helper()
	if n := w.number(t, "SELECT COUNT(*) FROM payment"); n != 300 {
		t.Errorf("%d of 300 orders have a decision", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'VOIDED' AND order_id % 10 <> 0 AND order_id % 11 <> 0"); n != 0 {
		t.Errorf("%d orders were voided that nobody cancelled", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED' AND amount > 0"); n == 0 || n != w.number(t, "SELECT COUNT(*) FROM ledger_entry WHERE cause LIKE 'capture:%'") {
		t.Errorf("%d captures differ from the ledger's", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE captured <> 0 AND captured <> amount"); n != 0 {
		t.Errorf("%d payments took a part", n)
	}
	for user := int64(1); user <= 10; user++ {
		account := fmt.Sprintf("wallet:%d", user)
		balance := w.number(t, "SELECT balance FROM wallet WHERE user_id = ?", user)
		fold := w.number(t, "SELECT SUM(CASE WHEN credit_account = ? THEN amount ELSE -amount END) FROM ledger_entry WHERE ? IN (debit_account, credit_account)", account, account)
		spent := w.number(t, "SELECT SUM(captured) FROM payment WHERE user_id = ?", user)
		if balance < 0 || balance != fold || balance != 1000-spent {
			t.Errorf("wallet of %d holds %d: the ledger says %d, the payments %d", user, balance, fold, 1000-spent)
		}
	}
}

// checkReplies: every event about an order is the same one, says what is
// recorded and is no nudge.
func (w *world) checkReplies(t *testing.T) {
	t.Helper()
	said := map[string]string{}
	for _, e := range w.said.events {
		if e.Nudge {
			t.Errorf("the reply %s is a nudge", e.ID)
		}
		text := e.ID + e.Type + string(e.Payload)
		if before, again := said[e.Subject]; again && before != text {
			t.Errorf("order %s was told %q, then %q", e.Subject, before, text)
		}
		said[e.Subject] = text
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status <> 'VOIDED'"); n != int64(len(said)) {
		t.Errorf("%d orders were answered, %d have an answer", len(said), n)
	}
}

// A request that comes again gets no second answer, unless order says that it
// still waits: then it gets the first one again.
func TestNudgeRepeatsTheRecordedReply(t *testing.T) {
	w := newWorld(t)
	w.fund(t, 100, 7)
	steps := [][]eventbus.Event{
		{due(t, 1, 7, 60), due(t, 2, 7, 60)},                 // 1 captured, 2 failed
		{due(t, 1, 7, 60), due(t, 2, 7, 60)},                 // silence
		{nudged(due(t, 1, 7, 60)), nudged(due(t, 2, 7, 60))}, // the same again
		{cancelled(t, 2, 7), cancelled(t, 3, 7)},             // silence, and a tombstone
		{due(t, 3, 7, 1), nudged(due(t, 3, 7, 1))},           // too late
	}
	var heard []int
	for _, events := range steps {
		if err := w.deliver(t.Context(), events, 10); err != nil {
			t.Fatal(err)
		}
		heard = append(heard, len(w.said.events))
	}
	if !slices.Equal(heard, []int{2, 2, 4, 4, 4}) {
		t.Fatalf("events after each step: %v", heard)
	}
	for i := range 2 {
		first, second := w.said.events[i], w.said.events[i+2]
		if first.ID != second.ID || first.Type != second.Type || string(first.Payload) != string(second.Payload) || second.Nudge {
			t.Errorf("answered %+v, then %+v", first, second)
		}
	}
	captured, err := contracts.DecodeAs[paymentv1.PaymentCaptured](w.said.events[0])
	if err != nil || captured.Amount != 60 || captured.Currency != "CNY" || captured.OrderId != 1 || w.said.events[0].ID != "1-40" {
		t.Errorf("captured says %+v, %v", captured, err)
	}
	failed, err := contracts.DecodeAs[paymentv1.PaymentFailed](w.said.events[1])
	if err != nil || failed.Reason != "insufficient_funds" || failed.OrderId != 2 {
		t.Errorf("failed says %+v, %v", failed, err)
	}
	if got := w.number(t, "SELECT balance FROM wallet WHERE user_id = 7"); got != 40 {
		t.Errorf("the wallet holds %d, want 40", got)
	}
}

// What can never be settled is poison and leaves nothing of its batch.
func TestPoison(t *testing.T) {
	for name, poison := range map[string]eventbus.Event{
		"garbage":              {ID: "9-2", Type: contracts.OrderPaymentDue.Name, Subject: "9", Payload: []byte{0xff}},
		"negative":             due(t, 9, 7, -1),
		"void after capture":   cancelled(t, 1, 7),
		"garbled cancellation": {ID: "9-6", Type: contracts.OrderCancelled.Name, Subject: "9", Payload: []byte{0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fund(t, 100, 7)
			err := w.deliver(t.Context(), []eventbus.Event{due(t, 1, 7, 60), poison}, 2)
			if err == nil || database.IsTransient(err) {
				t.Errorf("got %v, want poison", err)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM payment"); n != 0 || len(w.said.events) != 0 {
				t.Errorf("poison left %d payments and %d events", n, len(w.said.events))
			}
		})
	}
}
