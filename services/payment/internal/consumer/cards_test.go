package consumer_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
)

// quick makes a provider that hangs cost little.
var quick = payment.CallerConfig{Timeout: 300 * time.Millisecond}

// always treats every request alike.
func always(m providertest.Manner) func(string, string, int) providertest.Manner {
	return func(string, string, int) providertest.Manner { return m }
}

// first treats the first n requests of each key so, and the rest properly.
func first(n int, m providertest.Manner) func(string, string, int) providertest.Manner {
	return func(_, _ string, nth int) providertest.Manner {
		if nth <= n {
			return m
		}
		return providertest.Properly
	}
}

// Whatever the provider does with a card, it ends in what it says, and order is
// told that and nothing else.
func TestOneCard(t *testing.T) {
	for name, c := range map[string]struct {
		manner func(string, string, int) providertest.Manner
		want   payment.Status
		told   string
	}{
		"properly":            {always(providertest.Properly), payment.Captured, "1-40 payment.captured.v1"},
		"declined":            {always(providertest.Declining), payment.Failed, "1-41 payment.failed.v1"},
		"hangs twice":         {first(2, providertest.Hanging), payment.Captured, "1-40 payment.captured.v1"},
		"the reply is lost":   {first(1, providertest.Replyless), payment.Captured, "1-40 payment.captured.v1"},
		"the reply is noise":  {first(1, providertest.Garbled), payment.Captured, "1-40 payment.captured.v1"},
		"down for a while":    {first(2, providertest.Down), payment.Captured, "1-40 payment.captured.v1"},
		"refuses for a while": {first(1, providertest.Refusing), payment.Captured, "1-40 payment.captured.v1"},
		"declined in silence": {func(_, _ string, nth int) providertest.Manner {
			return []providertest.Manner{providertest.Declining, providertest.Hanging}[nth%2]
		}, payment.Failed, "1-41 payment.failed.v1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCards(t, c.manner)
			w.serve(t, 1, quick)
			w.give(t, dueByCard(t, 1, 40, "tok"), dueByCard(t, 1, 40, "tok"))
			w.awaitStatus(t, 1, c.want)
			w.awaitTold(t, c.told)
			w.give(t, dueByCard(t, 1, 40, "tok"), nudged(dueByCard(t, 1, 40, "tok")))
			w.awaitTold(t, c.told, c.told)
			w.checkPSP(t)
		})
	}
}

// What is not an answer leaves the payment open, however often it comes.
func TestNoAnswer(t *testing.T) {
	for name, manner := range map[string]providertest.Manner{
		"processing": providertest.Processing, "another amount": providertest.Cheating, "refused": providertest.Refusing, "noise": providertest.Garbled,
	} {
		t.Run(name, func(t *testing.T) {
			w := newCards(t, always(manner))
			w.serve(t, 1, quick)
			w.give(t, dueByCard(t, 1, 40, "tok"))
			await(t, "asked twice", func() bool { return w.psp.Requests("1") >= 2 })
			w.awaitStatus(t, 1, payment.Unknown)
			if got := w.told(); len(got) != 0 {
				t.Errorf("order was told %v", got)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM ledger_entry"); n != 0 {
				t.Errorf("%d entries in the ledger", n)
			}
		})
	}
}

// While the provider is away it is hardly asked, nothing fails, and a
// cancellation still finds orders that it was never asked about.
func TestOutage(t *testing.T) {
	var back atomic.Bool
	var asked atomic.Int64
	w := newCards(t, func(string, string, int) providertest.Manner {
		if back.Load() {
			return providertest.Properly
		}
		asked.Add(1)
		return providertest.Down
	})
	w.serveBehind(t, 1, payment.CallerConfig{Concurrency: 2}, provider.Config{BreakerFailures: 3, BreakerOpen: 100 * time.Millisecond})
	var events []eventbus.Event
	for order := int64(1); order <= 100; order++ {
		events = append(events, dueByCard(t, order, 40, "tok"))
	}
	w.give(t, events...)
	await(t, "it was stopped and tried again", func() bool { return asked.Load() >= 5 })
	if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'PENDING'"); n < 80 {
		t.Errorf("only %d of 100 were left where they are", n)
	}
	if n := len(w.told()); n != 0 {
		t.Errorf("order was told %v", w.told())
	}
	w.give(t, cancelled(t, 50, 7)) // far from the oldest and from the newest, which are tried
	if w.status(t, 50) != "VOIDED" {
		t.Errorf("one of the middle is %s", w.status(t, 50))
	}
	back.Store(true)
	await(t, "all are captured", func() bool { return w.number(t, "SELECT COUNT(*) FROM payment WHERE status = 'CAPTURED'") == 99 })
	w.checkPSP(t)
}

// Late success is found by asking again with the same key.
func TestLateSuccess(t *testing.T) {
	w := newCards(t, first(1, providertest.Processing))
	w.serve(t, 1, quick)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	w.awaitStatus(t, 1, payment.Unknown)
	w.psp.Amend("1", func(c *providertest.Charge) { c.Status = "succeeded" })
	w.awaitStatus(t, 1, payment.Captured)
	w.checkPSP(t)
}

// A cancellation before the provider was asked sees to it that it never is;
// later it is only remembered, and what was taken is told.
func TestCancelled(t *testing.T) {
	t.Run("before the request", func(t *testing.T) {
		w := newCards(t, nil)
		w.serve(t, 1, quick)
		w.give(t, cancelled(t, 1, 7))
		w.give(t, dueByCard(t, 1, 40, "tok"), nudged(dueByCard(t, 1, 40, "tok")))
		w.give(t, dueByCard(t, 2, 40, "tok")) // by the time it is done, so would be the other
		w.awaitStatus(t, 2, payment.Captured)
		w.awaitTold(t, "2-40 payment.captured.v1")
		if w.status(t, 1) != "VOIDED" || w.psp.Requests("1") != 0 {
			t.Errorf("%s after %d requests", w.status(t, 1), w.psp.Requests("1"))
		}
	})
	t.Run("before the call", func(t *testing.T) {
		w := newCards(t, nil)
		w.give(t, dueByCard(t, 1, 40, "tok"))
		w.give(t, cancelled(t, 1, 7))
		w.serve(t, 1, quick)
		w.give(t, dueByCard(t, 2, 40, "tok"))
		w.awaitStatus(t, 2, payment.Captured)
		if w.status(t, 1) != "VOIDED" || w.psp.Requests("1") != 0 {
			t.Errorf("%s after %d requests", w.status(t, 1), w.psp.Requests("1"))
		}
		w.checkPSP(t)
	})
	t.Run("during the call, then refunded", func(t *testing.T) {
		asked, answer := make(chan struct{}), make(chan struct{})
		w := newCards(t, func(key, _ string, _ int) providertest.Manner {
			if key == "1" {
				close(asked)
				<-answer
			}
			return providertest.Properly
		})
		w.serve(t, 1, payment.CallerConfig{})
		w.give(t, dueByCard(t, 1, 40, "tok"))
		<-asked
		w.give(t, cancelled(t, 1, 7))
		if n := w.number(t, "SELECT cancel_requested FROM payment WHERE status = 'CALLING'"); n != 1 {
			t.Errorf("cancel_requested is %d", n)
		}
		close(answer)
		w.awaitStatus(t, 1, payment.Captured)
		w.give(t, cancelled(t, 1, 7), refundWanted(t, 1, 7, 40))
		await(t, "refunded", func() bool { return w.number(t, "SELECT COUNT(*) FROM refund WHERE status = 'REFUNDED'") == 1 })
		w.give(t, refundWanted(t, 1, 7, 40), nudged(refundWanted(t, 1, 7, 40)))
		w.awaitTold(t, "1-40 payment.captured.v1", "1:late-42 payment.refunded.v1", "1:late-42 payment.refunded.v1")
		if n := w.number(t, "SELECT cancel_requested * refunded FROM payment"); n != 40 {
			t.Errorf("%d is refunded of a payment that was cancelled", n)
		}
		w.checkPSP(t)
	})
}

// Two replicas, a provider at its worst, cancellations at any moment, every
// message several times: at rest the ledger and the provider agree to the unit.
func TestTurmoil(t *testing.T) {
	for _, size := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", size), func(t *testing.T) {
			w := newCards(t, func(key, _ string, nth int) providertest.Manner {
				order, _ := strconv.Atoi(key)
				switch h := (order*7 + nth*13) % 20; {
				case order > 0 && order%10 < 3:
					return providertest.Declining
				case nth > 2:
					return providertest.Properly
				case h < 2:
					return providertest.Replyless
				case h < 4:
					return providertest.Down
				case h < 5:
					return providertest.Hanging
				}
				return providertest.Properly
			})
			w.words.BatchMax = size
			w.recorder = payment.NewRecorder(w.journal, w.alarms, time.Now, w.words, database.IsTransient)
			w.serve(t, 2, quick)
			const orders = 300
			var wg sync.WaitGroup
			for order := int64(1); order <= orders; order++ {
				asked := []eventbus.Event{dueByCard(t, order, order, "tok"), dueByCard(t, order, order, "tok")}
				wg.Go(func() {
					w.give(t, asked...)
					if order%8 == 0 {
						await(t, "the call is made", func() bool { return w.psp.Requests(strconv.FormatInt(order, 10)) > 0 })
					}
					if order%4 == 0 {
						w.give(t, cancelled(t, order, 7))
					}
				})
			}
			wg.Wait()
			w.refundCancelled(t)
			w.checkPSP(t)
			if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE status IN ('CAPTURED', 'FAILED', 'VOIDED')"); n != orders {
				t.Errorf("%d of %d orders are settled", n, orders)
			}
			if n := w.number(t, "SELECT COUNT(*) FROM payment WHERE order_id % 4 = 0 AND captured <> refunded"); n != 0 {
				t.Errorf("%d cancelled orders are charged", n)
			}
		})
	}
}

// refundCancelled plays order: a capture of what was cancelled is asked back.
func (w *cards) refundCancelled(t *testing.T) {
	t.Helper()
	await(t, "every payment is settled", func() bool {
		return w.number(t, "SELECT COUNT(*) FROM payment WHERE status IN ('PENDING', 'CALLING', 'UNKNOWN')") == 0
	})
	for order := int64(4); order <= w.number(t, "SELECT MAX(order_id) FROM payment"); order += 4 {
		if w.status(t, order) == "CAPTURED" {
			w.give(t, refundWanted(t, order, 7, order))
		}
	}
	await(t, "every refund is made", func() bool {
		return w.number(t, "SELECT COUNT(*) FROM refund WHERE status <> 'REFUNDED'") == 0
	})
}
