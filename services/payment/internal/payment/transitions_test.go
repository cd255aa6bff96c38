package payment_test

import (
	"testing"

	"souk.example/services/payment/internal/payment"
)

// What every event does in every status, spelled out: ". stays", "? decide",
// "n note", "r repeat", else the status it leads to.
func TestEveryPair(t *testing.T) {
	columns := []payment.Event{
		payment.Asked, payment.AskedAgain, payment.Cancelled, payment.Called, payment.NotSent, payment.Unsure, payment.Declined, payment.Succeeded,
	}
	short := map[string]payment.Step{
		".": {}, "?": {Do: payment.Settle}, "n": {Do: payment.Note}, "r": {Do: payment.Repeat},
		"V": {Do: payment.Move, To: payment.Voided}, "L": {Do: payment.Move, To: payment.Calling}, "U": {Do: payment.Move, To: payment.Unknown},
		"F": {Do: payment.Move, To: payment.Failed}, "P": {Do: payment.Move, To: payment.Pending}, "C": {Do: payment.Move, To: payment.Captured}, "R": {Do: payment.Move, To: payment.Refunded},
	}
	for name, machine := range map[string]struct {
		next func(payment.Status, payment.Event) payment.Step
		want map[payment.Status]string // a letter per column
	}{
		"payment": {payment.Next, map[payment.Status]string{
			payment.None:     "??V.....",
			payment.Pending:  "..VL..FC",
			payment.Calling:  "..nLPUFC",
			payment.Unknown:  "..nL..FC",
			payment.Captured: ".rn.....",
			payment.Failed:   ".rn....C",
			payment.Voided:   ".......C",
		}},
		"refund": {payment.NextOfRefund, map[payment.Status]string{
			payment.None:     "??......",
			payment.Pending:  "...L...R",
			payment.Calling:  "...LPU.R",
			payment.Unknown:  "...L...R",
			payment.Refunded: ".r......",
		}},
	} {
		for status, line := range machine.want {
			for i, e := range columns {
				if got, want := machine.next(status, e), short[line[i:i+1]]; got != want {
					t.Errorf("%s %q × event %d: %+v, want %+v", name, status, e, got, want)
				}
			}
		}
	}
}

// A call exists exactly as long as a claim leads somewhere.
func TestOpenIsWhatCanBeCalled(t *testing.T) {
	open := map[payment.Status]bool{}
	for _, s := range payment.OpenStatuses() {
		open[s] = true
	}
	for _, s := range []payment.Status{payment.None, payment.Pending, payment.Calling, payment.Unknown, payment.Captured, payment.Failed, payment.Voided, payment.Refunded} {
		claimable := payment.Next(s, payment.Called).Do == payment.Move
		if s.Open() != claimable || s.Open() != open[s] || claimable != (payment.NextOfRefund(s, payment.Called).Do == payment.Move) {
			t.Errorf("%q: open %t, listed %t, claimable %t", s, s.Open(), open[s], claimable)
		}
	}
}
