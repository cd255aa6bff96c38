package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/money"
	"souk.example/pkg/waitlist"
	"souk.example/services/payment/internal/payment"
)

// watchTaken runs the Watcher for the length of the test; it is as if everybody
// had waited long enough.
func (w *cards) watchTaken(t *testing.T) {
	t.Helper()
	run(t, w.journal.Watcher(time.Nanosecond, waitlist.Config{Every: 5 * time.Millisecond}, w.log))
}

// provider has the provider say something of order's own accord.
func (w *cards) provider(t *testing.T, order int64, said payment.Event) {
	t.Helper()
	word := payment.Word{Kind: payment.Charge, Order: payment.OrderID(order), Said: said, Ref: fmt.Sprintf("ch_%d", order), Amount: money.Of(40, "CNY"), Reason: "declined"}
	if err := w.recorder.Record(t.Context(), word); err != nil {
		t.Fatal(err)
	}
}

// Money that was taken for a cancelled order is told of again and again, as the
// same event, until order has asked for it back: order waits for nothing, so
// nobody else would notice that it never heard of it.
func TestTakenForACancelledOrder(t *testing.T) {
	const order = 1
	end := func(t *testing.T) eventbus.Event { return cancelled(t, order, 7) }
	pay := func(t *testing.T) eventbus.Event { return due(t, order, 7, 40) }
	byCard := func(t *testing.T) eventbus.Event { return dueByCard(t, order, 40, "tok") }
	for name, happens := range map[string]func(t *testing.T, w *cards){
		"taken from a wallet, then cancelled": func(t *testing.T, w *cards) { w.give(t, pay(t)); w.give(t, end(t)) },
		"taken from a wallet and cancelled":   func(t *testing.T, w *cards) { w.give(t, pay(t), end(t)) },
		"charged, then cancelled": func(t *testing.T, w *cards) {
			w.give(t, byCard(t))
			w.provider(t, order, payment.Succeeded)
			w.give(t, end(t))
		},
		"called, cancelled, then charged": func(t *testing.T, w *cards) {
			w.give(t, byCard(t))
			w.claim(t, "a", 1, time.Minute)
			w.give(t, end(t))
			w.provider(t, order, payment.Succeeded)
		},
		"voided, and charged all the same": func(t *testing.T, w *cards) {
			w.give(t, byCard(t))
			w.give(t, end(t))
			w.provider(t, order, payment.Succeeded)
		},
		"declined, cancelled, charged in fact": func(t *testing.T, w *cards) {
			w.give(t, byCard(t))
			w.provider(t, order, payment.Declined)
			w.give(t, end(t))
			w.provider(t, order, payment.Succeeded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCards(t, nil)
			w.fund(t, 100, 7)
			run(t, w.recorder)
			happens(t, w)
			if n := w.number(t, "SELECT COUNT(*) FROM straggler"); n != 1 {
				t.Fatalf("%d are listed", n)
			}
			w.watchTaken(t)
			captures := func() (n int) {
				w.said.mu.Lock()
				defer w.said.mu.Unlock()
				for _, e := range w.said.events {
					if e.ID == "1-40" && !e.Nudge {
						n++
					}
				}
				return n
			}
			await(t, "it is told of again and again", func() bool {
				_, err := w.db.Exec(t.Context(), "UPDATE straggler SET due = 0")
				return err == nil && captures() > 2
			})
			w.give(t, refundWanted(t, order, 7, 40))
			await(t, "nobody waits any more", func() bool {
				_, err := w.db.Exec(t.Context(), "UPDATE straggler SET due = 0")
				return err == nil && w.number(t, "SELECT COUNT(*) FROM straggler") == 0
			})
		})
	}
}

// What was not taken, or was not cancelled, or is asked back, nobody waits for.
func TestNothingToTellAgain(t *testing.T) {
	for name, events := range map[string][]eventbus.Event{
		"captured":            {due(t, 1, 7, 40)},
		"nothing to pay":      {due(t, 1, 7, 0), cancelled(t, 1, 7)},
		"failed":              {due(t, 1, 7, 400), cancelled(t, 1, 7)},
		"void":                {cancelled(t, 1, 7), due(t, 1, 7, 40)},
		"refunded, then told": {due(t, 1, 7, 40), refundWanted(t, 1, 7, 40), cancelled(t, 1, 7)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCards(t, nil)
			w.fund(t, 100, 7)
			for _, e := range events {
				w.give(t, e)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM straggler"); n != 0 {
				t.Errorf("%d are listed", n)
			}
		})
	}
}
