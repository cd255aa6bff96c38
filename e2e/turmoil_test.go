package e2e

import (
	"crypto/rand"
	"encoding/json"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A provider that declines, loses replies and hangs, webhooks that come twice
// and in any order, buyers who change their minds: at rest every order is paid
// for exactly once or not at all, and the provider's record agrees with the
// ledger to the unit, which is what the audit checks.
func TestCardsInTurmoil(t *testing.T) {
	const orders = 5000
	s := ownSouk(t)
	s.misbehave(t, map[string]any{
		"seed": 1, "decline_rate": 0.3, "reply_loss_rate": 0.05, "timeout_rate": 0.05, "error_rate": 0.02,
		"webhook_duplicate_rate": 0.3, "webhook_shuffle_ms": 300, "latency_ms": map[string]int{"min": 0, "max": 20},
	})
	sku := product(t, s, orders)
	ends := s.buyersOfLittleFaith(t, sku, orders)
	returnSome(t, ends)
	counts := map[string]int{}
	var sold int64
	for _, o := range ends {
		counts[o.Status+" "+o.Reason]++
		if o.Status == "COMPLETED" {
			sold++
		}
	}
	t.Logf("%v", counts)
	for end, most := range map[string]int{"COMPLETED ": orders, "RETURNED returned": orders / 20, "CANCELLED payment_failed": orders / 2, "CANCELLED user_cancelled": orders / 5} {
		if n := counts[end]; n == 0 || n > most {
			t.Errorf("%d orders are %s", n, end)
		}
		delete(counts, end)
	}
	if len(counts) != 0 {
		t.Errorf("some are %v", counts)
	}
	s.restsClean(t)
	refundsOf(t, ends)
	if left := stock(t, s, sku); left.Sold != sold || left.Reserved != 0 || left.Available != orders-sold {
		t.Errorf("stock %+v with %d sold", left, sold)
	}
}

// bought is an order and who has placed it.
type bought struct {
	order
	by *customer
}

// buyersOfLittleFaith places orders by 64 clients, cancels one in ten at some
// moment, audits when a tenth is placed, and returns all at rest.
func (s *souk) buyersOfLittleFaith(t *testing.T, sku string, orders int) []bought {
	t.Helper()
	body, err := json.Marshal(buyingByCard(sku, "tok_ok"))
	if err != nil {
		t.Fatal(err)
	}
	ends := make([]bought, orders)
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, c := range richCustomers(t, s, clients) {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(orders); n = next.Add(1) {
				ends[n-1] = bought{order: c.buyByCard(t, body), by: c}
				if n == int64(orders/10) {
					wg.Go(func() { s.auditedUnderLoad(t) })
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d orders placed in %s", orders, time.Since(began).Round(time.Millisecond))
	for i, b := range ends {
		o, err := b.by.awaitRest(b.ID, 2*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		ends[i].order = o
	}
	t.Logf("and at rest after %s", time.Since(began).Round(time.Millisecond))
	return ends
}

func (c *customer) buyByCard(t *testing.T, body []byte) (o order) {
	r, err := c.send(http.MethodPost, "/v1/orders", rand.Text(), jsonType, body)
	if err == nil {
		err = json.Unmarshal(r.body, &o)
	}
	if err != nil || r.status != http.StatusCreated {
		t.Errorf("buy: %d %s, %v", r.status, r.body, err)
		return o
	}
	if mathrand.IntN(10) > 0 {
		return o
	}
	time.Sleep(anyMoment(10))
	r, err = c.send(http.MethodPost, "/v1/orders/"+o.ID+"/cancel", "", jsonType, []byte("{}"))
	if err != nil || r.status != http.StatusAccepted && r.code() != "order_not_cancellable" {
		t.Errorf("cancel: %d %s, %v", r.status, r.body, err)
	}
	return o
}

// returnSome gives back one in twenty of the orders, if it is completed.
func returnSome(t *testing.T, ends []bought) {
	t.Helper()
	var some []bought
	for n := 0; n < len(ends); n += 20 {
		if ends[n].Status == "COMPLETED" {
			some = append(some, ends[n])
		}
	}
	giveBackTwice(t, some)
	for n := 0; n < len(ends); n += 20 {
		if ends[n].Status == "COMPLETED" {
			ends[n].order = ends[n].by.returned(t, ends[n].ID)
		}
	}
}

// auditedUnderLoad fails the test when an audit of what is under way finds
// anything, or nothing to look at.
func (s *souk) auditedUnderLoad(t *testing.T) {
	r := s.run("audit", "--json")
	var report auditReport
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.code != 0 || report.Checked.Orders == 0 {
		t.Errorf("audit under load: exit %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
}

// refundsOf counts the orders that were charged after they had been cancelled.
// At rest each has its money back.
func refundsOf(t *testing.T, ends []bought) (refunded int) {
	t.Helper()
	for _, b := range ends {
		if b.Status != "CANCELLED" {
			continue
		}
		switch o := b.by.order(t, b.ID); o.Payment.Status {
		case "captured":
			t.Errorf("order %s is cancelled and paid for", b.ID)
		case "refunded":
			refunded++
		}
	}
	t.Logf("%d were charged after they had been cancelled, and refunded", refunded)
	return refunded
}
