package e2e

import (
	"crypto/rand"
	"net/http"
	"testing"
)

// giveBack asks to return one of the customer's orders.
func (c *customer) giveBack(t *testing.T, id string) reply {
	t.Helper()
	return c.post(t, "/v1/orders/"+id+"/return", rand.Text(), map[string]string{"reason": "it does not fit"})
}

// returned waits until an order that was given back is RETURNED.
func (c *customer) returned(t *testing.T, id string) order {
	t.Helper()
	var o order
	eventually(t, patience, "order "+id+" to be returned", func() bool {
		o = c.order(t, id)
		return o.Status == "RETURNED"
	})
	return o
}

func (c *customer) wallet(t *testing.T) int64 {
	t.Helper()
	r := c.get(t, "/v1/wallet")
	r.expect(t, http.StatusOK)
	balance, _ := r.json(t)["balance"].(map[string]any)["amount"].(float64)
	return int64(balance)
}

func TestAReturnGivesEverythingBack(t *testing.T) {
	sku := product(t, shared, 5)
	c := richCustomers(t, shared, 1)[0]
	wallet, points := c.wallet(t), c.points(t)
	o := c.settled(t, c.buy(t, sku, 2).ID, soon)
	r := c.giveBack(t, o.ID)
	r.expect(t, http.StatusAccepted)
	if got := r.json(t); got["order_id"] != o.ID || got["status"] != "RETURNING" {
		t.Errorf("got %v", got)
	}
	o = c.returned(t, o.ID)
	if got, want := o.statuses(), "PENDING RESERVED PAID COMPLETED RETURNING RETURNED "; got != want || o.Reason != "returned" || o.Payment.Status != "refunded" {
		t.Errorf("timeline %s, want %s; it is %+v", got, want, o)
	}
	if left := stock(t, shared, sku); left.Available != 5 || left.Reserved != 0 || left.Sold != 0 {
		t.Errorf("stock %+v", left)
	}
	if got := c.wallet(t); got != wallet {
		t.Errorf("the wallet holds %d, and %d before", got, wallet)
	}
	if got := c.points(t); got != points {
		t.Errorf("points are %+v, and %+v before", got, points)
	}
	shared.auditClean(t)
}
