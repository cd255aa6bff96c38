package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/services/payment/internal/alarm"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
	"souk.example/services/payment/internal/store"
)

// cards is a world that takes cards too.
type cards struct {
	*world
	psp      *providertest.PSP
	journal  *store.Journal
	recorder *payment.Recorder
	alarms   *alarm.Alarms
	bell     payment.Bell
	log      *slog.Logger
	words    groupcommit.Config
}

func newCards(t testing.TB, manner func(key, token string, nth int) providertest.Manner) *cards {
	t.Helper()
	w := &cards{world: newWorld(t), psp: providertest.New(t), bell: payment.NewBell(), log: slog.New(slog.DiscardHandler)}
	w.psp.Manner = manner
	w.journal = store.NewJournal(w.db, w.said, w.bell)
	w.handle = consumer.Orders(payment.NewSettler(payment.Offers{contracts.MethodWallet, contracts.MethodCard}, time.Now), w.journal)
	var err error
	if w.alarms, err = alarm.New(prometheus.NewRegistry(), w.log); err != nil {
		t.Fatal(err)
	}
	w.recorder = payment.NewRecorder(w.journal, w.alarms, time.Now, w.words, database.IsTransient)
	return w
}

// serve runs n replicas that call the provider, whatever it does.
func (w *cards) serve(t testing.TB, n int, cfg payment.CallerConfig) {
	t.Helper()
	w.serveBehind(t, n, cfg, provider.Config{BreakerFailures: 1000})
}

// serveBehind runs n replicas that call the provider through such a breaker.
func (w *cards) serveBehind(t testing.TB, n int, cfg payment.CallerConfig, breaking provider.Config) {
	t.Helper()
	run(t, w.recorder) // it ends after those that record
	var parts []interface{ Run(context.Context) error }
	for i := range n {
		client := provider.NewClient(w.psp.Config())
		t.Cleanup(client.Close)
		breaker := provider.NewBreaker(client, breaking, w.log)
		parts = append(parts, payment.NewCaller(fmt.Sprint("replica", i), w.journal, breaker, w.recorder, w.bell, w.log, cfg))
	}
	run(t, parts...)
}

func (w *cards) reconciler(name string, now func() time.Time) *payment.Reconciler {
	return payment.NewReconciler(name, w.journal, provider.NewClient(w.psp.Config()), w.recorder, w.alarms, w.log, now, payment.ReconcilerConfig{})
}

func (w *cards) give(t testing.TB, events ...eventbus.Event) {
	t.Helper()
	for {
		err := w.deliver(t.Context(), events, 500)
		if !errors.Is(err, database.ErrLater) { // the inbox comes again
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

func (w *cards) status(t testing.TB, order int64) (status string) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), "SELECT status FROM payment WHERE order_id = ?", order).Scan(&status)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		t.Fatal(err)
	}
	return status
}

func (w *cards) awaitStatus(t testing.TB, order int64, want payment.Status) {
	t.Helper()
	await(t, fmt.Sprintf("order %d is %s", order, want), func() bool { return w.status(t, order) == string(want) })
}

// told lists what order was told, as "order type", in order.
func (w *cards) told() (all []string) {
	w.said.mu.Lock()
	defer w.said.mu.Unlock()
	for _, e := range w.said.events {
		all = append(all, e.ID+" "+e.Type)
	}
	return all
}

// awaitTold waits until order was told exactly want. A row is seen as soon as
// its transaction is committed, which is before the log of this test hears of it.
func (w *cards) awaitTold(t testing.TB, want ...string) {
	t.Helper()
	await(t, fmt.Sprintf("order is told %v", want), func() bool { return slices.Equal(w.told(), want) })
}

// checkPSP holds our record against the provider's: to the unit, and nothing
// waits any more.
func (w *cards) checkPSP(t testing.TB) {
	t.Helper()
	var net int64
	charged := map[string]int{}
	for _, c := range w.psp.Charges() {
		if c.Status == "succeeded" {
			net += c.Amount
			charged[c.Reference]++
		}
	}
	for reference, n := range charged {
		if n != 1 {
			t.Errorf("order %s is charged %d times", reference, n)
		}
	}
	for _, r := range w.psp.Refunds() {
		net -= r.Amount
	}
	if n := w.number(t, "SELECT COALESCE(SUM(CASE WHEN debit_account = 'psp' THEN amount ELSE -amount END), 0) FROM ledger_entry WHERE 'psp' IN (debit_account, credit_account)"); n != net {
		t.Errorf("the ledger says %d went through the provider, who says %d", n, net)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE method = 'card' AND status = 'CAPTURED' AND captured > 0"); n != int64(len(charged)) {
		t.Errorf("%d payments are captured, %d charges succeeded", n, len(charged))
	}
	if n := w.number(t, "SELECT COUNT(*) FROM provider_call"); n != 0 {
		t.Errorf("%d calls are left", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE captured NOT IN (0, amount) OR refunded < 0 OR refunded > captured"); n != 0 {
		t.Errorf("%d payments took or gave back what they may not", n)
	}
}

func dueByCard(t testing.TB, order, amount int64, token string) eventbus.Event {
	return event(t, contracts.OrderPaymentDue, order, &orderv1.OrderPaymentDue{
		OrderId: order, UserId: 7, Version: 2, Payable: amount, Currency: "CNY", PaymentMethod: "card", PaymentToken: token,
	})
}
