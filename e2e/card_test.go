package e2e

import (
	"strings"
	"testing"
)

// However a card behaves, its order ends as the sandbox's tokens promise.
func TestEveryCardEndsAsItsTokenSays(t *testing.T) {
	c := richCustomers(t, shared, 1)[0]
	placed := map[string]string{}
	paid := [2]string{"COMPLETED ", "captured"}
	refused := [2]string{"CANCELLED payment_failed", "none"}
	endings := map[string][2]string{
		"tok_ok": paid, "tok_timeout": paid, "tok_reply_lost": paid, "tok_late": paid, "tok_duplicate_webhook": paid, "tok_webhook_first": paid,
		"tok_declined": refused, "tok_that_nobody_issued": refused,
	}
	for token := range endings {
		placed[token] = c.place(t, buyingByCard("SKU-0010", token)).ID
	}
	for token, want := range endings {
		t.Run(token, func(t *testing.T) {
			o := c.settled(t, placed[token], patience)
			if got := [2]string{o.Status + " " + o.Reason, o.Payment.Status}; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
			charges := shared.charges(t, o.ID)
			if len(charges) != 1 || (charges[0].Status == "succeeded") != (want == paid) || charges[0].Amount != o.Payable.Amount {
				t.Errorf("the provider has %+v", charges)
			}
		})
	}
	shared.auditClean(t)
}

// An order that is cancelled while the provider thinks is charged all the same
// if the provider decides so, and gets its money back, once.
func TestWhatIsChargedAfterTheCancelGoesBack(t *testing.T) {
	sku := product(t, shared, 5)
	c := newcomer(t, shared)
	o := c.place(t, buyingByCard(sku, "tok_late"))
	eventually(t, soon, "the provider to be asked", func() bool { return len(shared.charges(t, o.ID)) == 1 })
	c.cancel(t, o.ID).expect(t, 202)
	c.cancel(t, o.ID).expect(t, 202) // twice is once
	if got := c.order(t, o.ID); got.Status != "CANCELLED" || got.Reason != "user_cancelled" {
		t.Fatalf("it is %s %s", got.Status, got.Reason)
	}
	eventually(t, patience, "the money to go back", func() bool { return c.order(t, o.ID).Payment.Status == "refunded" })
	charges := shared.charges(t, o.ID)
	if len(charges) != 1 || charges[0].Refunded != charges[0].Amount {
		t.Errorf("the provider has %+v", charges)
	}
	if left := stock(t, shared, sku); left.Available != 5 || left.Reserved != 0 {
		t.Errorf("stock %+v", left)
	}
	shared.auditClean(t)
}

// Nobody holds stock for longer than the deadline, however long the provider
// takes; what it takes then goes back.
func TestTheDeadlineCancels(t *testing.T) {
	s := ownSouk(t, "SOUK_ORDER_PAY_WITHIN=2s")
	sku := product(t, s, 5)
	c := newcomer(t, s)
	o := c.settled(t, c.place(t, buyingByCard(sku, "tok_timeout")).ID, soon)
	if o.Status != "CANCELLED" || o.Reason != "deadline_passed" {
		t.Errorf("it is %s %s", o.Status, o.Reason)
	}
	eventually(t, soon, "the hold to be released", func() bool {
		left := stock(t, s, sku)
		return left.Available == 5 && left.Reserved == 0
	})
	eventually(t, patience, "the money to come and go back", func() bool { return c.order(t, o.ID).Payment.Status == "refunded" })
	s.auditClean(t)
}

// The tour ends as it promises, and what it shows of an order holds no card.
func TestTheTourOfFailures(t *testing.T) {
	r := shared.run("demo", "failures")
	if r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, want := range []string{"Declined", "Cancelled too late", "Reply lost", "Late success", "order.refund_requested", "payment.refunded"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("it does not show %s", want)
		}
	}
	_, after, _ := strings.Cut(r.stdout, "order ")
	id, _, _ := strings.Cut(after, "\n")
	trace := shared.run("order", "trace", id)
	if trace.code != 0 || !strings.Contains(trace.stdout, "psp        charge") || strings.Contains(r.stdout+trace.stdout, "tok_") {
		t.Errorf("exit %d\n%s%s", trace.code, r.stdout, trace.stdout)
	}
}
