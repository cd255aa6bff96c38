package consumer_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider/providertest"
)

// A refund is made once, whatever the provider does with it.
func TestOneRefund(t *testing.T) {
	for name, manner := range map[string]providertest.Manner{"hangs": providertest.Hanging, "reply lost": providertest.Replyless, "down": providertest.Down, "noise": providertest.Garbled, "refuses": providertest.Refusing} {
		t.Run(name, func(t *testing.T) {
			w := newCards(t, func(key, _ string, nth int) providertest.Manner {
				if key == "1:late" && nth == 1 {
					return manner
				}
				return providertest.Properly
			})
			w.serve(t, 1, quick)
			w.give(t, dueByCard(t, 1, 40, "tok"))
			w.awaitStatus(t, 1, payment.Captured)
			w.give(t, refundWanted(t, 1, 7, 40), refundWanted(t, 1, 7, 40))
			await(t, "refunded", func() bool { return w.number(t, "SELECT COUNT(*) FROM refund WHERE status = 'REFUNDED'") == 1 })
			if n := len(w.psp.Refunds()); n != 1 {
				t.Errorf("the provider made %d refunds", n)
			}
			w.checkPSP(t)
		})
	}
}

// A wallet has its money back when the batch stands, and can spend it in the
// same one.
func TestWalletRefund(t *testing.T) {
	w := newCards(t, nil)
	w.fund(t, 100, 7)
	w.give(t, due(t, 1, 7, 100))
	w.give(t, refundWanted(t, 1, 7, 60), due(t, 2, 7, 60))
	if got := w.told(); !slices.Equal(got, []string{"1-40 payment.captured.v1", "2-40 payment.captured.v1", "1:late-42 payment.refunded.v1"}) {
		t.Errorf("order was told %v", got)
	}
	if n := w.number(t, "SELECT balance FROM wallet WHERE user_id = 7"); n != 0 {
		t.Errorf("the wallet holds %d", n)
	}
	if n := w.number(t, "SELECT amount FROM ledger_entry WHERE cause = 'refund:1:late' AND debit_account = 'sales' AND credit_account = 'wallet:7'"); n != 60 {
		t.Errorf("the ledger says %d", n)
	}
}

// Fifty refunds of one capture at the same time give back what was taken and
// not a unit more.
func TestFiftyRefundsOfOneCapture(t *testing.T) {
	for _, method := range []string{"wallet", "card"} {
		t.Run(method, func(t *testing.T) {
			w := newCards(t, nil)
			w.serve(t, 1, payment.CallerConfig{})
			w.fund(t, 100, 7)
			request := due(t, 1, 7, 100)
			if method == "card" {
				request = dueByCard(t, 1, 100, "tok")
			}
			w.give(t, request)
			w.awaitStatus(t, 1, payment.Captured)
			errs := make([]error, 50)
			var clients sync.WaitGroup
			for i := range errs {
				asked := []eventbus.Event{partWanted(t, i)}
				clients.Go(func() {
					errs[i] = database.ErrLater
					for errors.Is(errs[i], database.ErrLater) { // the inbox comes again
						errs[i] = w.deliver(t.Context(), asked, 1)
					}
				})
			}
			clients.Wait()
			granted := 0
			for _, err := range errs {
				switch {
				case err == nil:
					granted++
				case !errors.Is(err, payment.ErrNotRefundable):
					t.Error(err)
				}
			}
			if granted != 14 { // 98 of 100
				t.Errorf("%d of 50 refunds are granted", granted)
			}
			await(t, "all is given back", func() bool {
				return w.number(t, "SELECT COALESCE(SUM(amount), 0) FROM ledger_entry WHERE cause LIKE 'refund:%'") == 98
			})
			if n := w.number(t, "SELECT refunded FROM payment WHERE order_id = 1"); n != 98 {
				t.Errorf("%d is refunded", n)
			}
			w.checkPSP(t)
		})
	}
}

// partWanted asks for 7 of the 100 that order 1 has paid.
func partWanted(t *testing.T, n int) eventbus.Event {
	t.Helper()
	id := fmt.Sprintf("1:part%d", n)
	e, err := contracts.NewRefundEvent(contracts.OrderRefundRequested, 1, id, &orderv1.OrderRefundRequested{
		OrderId: 1, UserId: 7, Version: 4, RefundId: id, Amount: 7, Currency: "CNY", Reason: "returned",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
