package psp_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"souk.example/sandbox/psp/internal/psp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneKeyChargesOnce(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 50 {
		wg.Go(func() {
			c, err := w.charge(t, "k", psp.Ordinary)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || c.Status != psp.Succeeded {
				t.Errorf("%+v, %v", c, err)
			}
			if c.Created {
				made++
			}
		})
	}
	wg.Wait()
	if len(w.record.charges) != 1 || made != 1 {
		t.Errorf("%d charges, %d calls say that they made it", len(w.record.charges), made)
	}
}

func TestAKeyWithAnotherBodyIsRefused(t *testing.T) {
	w := newWorld(t)
	if _, err := w.charge(t, "k", psp.Ordinary); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]psp.ChargeRequest{
		"amount":    {Key: "k", Reference: "1", Token: psp.Ordinary, Amount: 8, Currency: "CNY"},
		"currency":  {Key: "k", Reference: "1", Token: psp.Ordinary, Amount: 7, Currency: "EUR"},
		"token":     {Key: "k", Reference: "1", Token: "tok_late", Amount: 7, Currency: "CNY"},
		"reference": {Key: "k", Reference: "2", Token: psp.Ordinary, Amount: 7, Currency: "CNY"},
	} {
		if _, err := w.cashier.Charge(t.Context(), r); !errors.Is(err, psp.ErrKeyReused) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestLostReplyHasCharged(t *testing.T) {
	w := newWorld(t)
	if _, err := w.charge(t, "k", "tok_reply_lost"); !errors.Is(err, psp.ErrNoReply) {
		t.Errorf("the first call: %v, want no reply", err)
	}
	c, err := w.charge(t, "k", "tok_reply_lost")
	if err != nil || c.Status != psp.Succeeded || c.Created || len(w.record.charges) != 1 {
		t.Errorf("the repeat: %+v, %v, %d charges", c, err, len(w.record.charges))
	}
}

func TestTimeoutsChargeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 2 {
			began := time.Now()
			if _, err := w.charge(t, "k", "tok_timeout"); !errors.Is(err, psp.ErrNoReply) || len(w.record.charges) != 0 {
				t.Fatalf("%v, %d charges", err, len(w.record.charges))
			}
			if waited := time.Since(began); waited != 30*time.Second {
				t.Errorf("it hung for %s", waited)
			}
		}
		if c, err := w.charge(t, "k", "tok_timeout"); err != nil || !c.Created {
			t.Errorf("the third call: %+v, %v", c, err)
		}
		w.stop()
	})
}

func TestLateChargeSucceedsWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		clerk := psp.NewClerk(w.record, w.ids, w.courier, time.Now, w.log)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = clerk.Run(ctx) })
		if c, err := w.charge(t, "k", "tok_late"); err != nil || c.Status != psp.Processing || len(w.record.events) != 0 {
			t.Fatalf("%+v, %v, %d webhooks", c, err, len(w.record.events))
		}
		time.Sleep(lateAfter - time.Second)
		if c, _ := w.charge(t, "k", "tok_late"); c.Status != psp.Processing {
			t.Errorf("too early it is %s", c.Status)
		}
		time.Sleep(2 * time.Second)
		if c, _ := w.charge(t, "k", "tok_late"); c.Status != psp.Succeeded || len(w.record.events) != 1 || w.record.events[0].Type != psp.ChargeSucceeded {
			t.Errorf("when due it is %s, webhooks %+v", c.Status, w.record.events)
		}
		cancel()
		wg.Wait()
		w.stop()
	})
}

func TestWebhooksOfACharge(t *testing.T) {
	for token, want := range map[string][]psp.Status{
		psp.Ordinary:            {psp.Succeeded},
		"tok_declined":          {psp.Failed},
		"tok_duplicate_webhook": {psp.Succeeded, psp.Succeeded, psp.Processing},
		"tok_late":              nil,
	} {
		t.Run(token, func(t *testing.T) {
			w := newWorld(t)
			if _, err := w.charge(t, "k", token); err != nil {
				t.Fatal(err)
			}
			if len(w.record.events) != len(want) {
				t.Fatalf("%d webhooks, want %d", len(w.record.events), len(want))
			}
			for i, e := range w.record.events {
				if e.Charge.Status != want[i] {
					t.Errorf("webhook %d shows %s, want %s", i, e.Charge.Status, want[i])
				}
			}
		})
	}
}

func TestWebhookFirstComesBeforeTheReply(t *testing.T) {
	w := newWorld(t)
	if _, err := w.charge(t, "k", "tok_webhook_first"); err != nil || w.courier.delivered != 1 {
		t.Errorf("%v, %d webhooks before the reply", err, w.courier.delivered)
	}
}

func TestMalformedChargeChangesNothing(t *testing.T) {
	w := newWorld(t)
	for name, r := range map[string]psp.ChargeRequest{
		"no amount":    {Key: "k", Reference: "1", Token: "t", Currency: "CNY"},
		"negative":     {Key: "k", Reference: "1", Token: "t", Amount: -1, Currency: "CNY"},
		"currency":     {Key: "k", Reference: "1", Token: "t", Amount: 1, Currency: "cny"},
		"no token":     {Key: "k", Reference: "1", Amount: 1, Currency: "CNY"},
		"no reference": {Key: "k", Token: "t", Amount: 1, Currency: "CNY"},
	} {
		if _, err := w.cashier.Charge(t.Context(), r); err == nil || len(w.record.charges) != 0 {
			t.Errorf("%s: %v, %d charges", name, err, len(w.record.charges))
		}
	}
}

func TestRefunds(t *testing.T) {
	w := newWorld(t)
	refunder := psp.NewRefunder(w.record, w.ids, w.courier, time.Now)
	ok, _ := w.charge(t, "ok", psp.Ordinary)
	no, _ := w.charge(t, "no", "tok_declined")
	refund := func(key, charge string, amount int64) error {
		_, err := refunder.Refund(t.Context(), psp.RefundRequest{Key: key, Charge: charge, Reference: key, Amount: amount})
		return err
	}
	for _, step := range []struct {
		key, charge string
		amount      int64
		want        error
	}{
		{"r1", ok.ID, 4, nil},
		{"r1", ok.ID, 4, nil}, // again
		{"r1", ok.ID, 3, psp.ErrKeyReused},
		{"r2", ok.ID, 4, psp.ErrExceedsCharge},
		{"r2", ok.ID, 3, nil},
		{"r3", ok.ID, 1, psp.ErrExceedsCharge},
		{"r4", no.ID, 1, psp.ErrNotRefundable},
		{"r5", "ch_none", 1, psp.ErrUnknownCharge},
	} {
		if err := refund(step.key, step.charge, step.amount); !errors.Is(err, step.want) {
			t.Errorf("%s of %d: %v, want %v", step.key, step.amount, err, step.want)
		}
	}
	if c := w.record.charges["ok"]; c.Refunded != 7 || len(w.record.refunds) != 2 {
		t.Errorf("refunded %d by %d refunds", c.Refunded, len(w.record.refunds))
	}
}
