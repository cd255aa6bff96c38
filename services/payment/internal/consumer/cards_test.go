package consumer_test

import (
	"slices"
	"testing"

	"souk.example/services/payment/internal/payment"
)

func TestACardIsCharged(t *testing.T) {
	w := newCards(t, nil)
	w.serve(t, 1, payment.CallerConfig{})
	w.give(t, dueByCard(t, 1, 40, "tok_ok"))
	w.awaitStatus(t, 1, payment.Captured)
	if got := w.told(); !slices.Equal(got, []string{"1-40 payment.captured.v1"}) {
		t.Errorf("order was told %v", got)
	}
	if n := w.number(t, "SELECT captured FROM payment WHERE provider_ref = 'ch_000001'"); n != 40 {
		t.Errorf("captured %d", n)
	}
	w.checkPSP(t)
}
