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
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	service "souk.example/services/payment"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
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

func newWorld(t testing.TB) *world {
	w := &world{db: databasetest.Open(t, migrations.Set()), said: &log{}}
	w.handle = consumer.Orders(payment.NewSettler(wallets, time.Now), store.NewJournal(w.db, w.said, payment.NewBell()))
	return w
}

// wallets is a shop that takes no cards.
var wallets = payment.Offers{contracts.MethodWallet}

// deliver hands events over as the inbox does: so many per transaction, as new
// at first, and again when somebody else has decided meanwhile.
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

func (w *world) fund(t *testing.T, amount int64, users ...int64) {
	t.Helper()
	if err := service.EnsureWallets(t.Context(), w.db, users, money.Of(amount, "CNY")); err != nil {
		t.Fatal(err)
	}
}

func (w *world) number(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func event(t testing.TB, typ contracts.Type, order int64, m contracts.Message) eventbus.Event {
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

func refundWanted(t *testing.T, order, user, amount int64) eventbus.Event {
	t.Helper()
	id := contracts.RefundLate(order)
	e, err := contracts.NewRefundEvent(contracts.OrderRefundRequested, order, id, &orderv1.OrderRefundRequested{
		OrderId: order, UserId: user, Version: 4, RefundId: id, Amount: amount, Currency: "CNY", Reason: "user_cancelled",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
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
