package e2e

import (
	"net/http"
	"testing"
)

type pointsAccount struct {
	Balance int64 `json:"balance"`
	Frozen  int64 `json:"frozen"`
}

func (c *customer) points(t *testing.T) (p pointsAccount) {
	t.Helper()
	r := c.get(t, "/v1/points")
	r.expect(t, http.StatusOK)
	doc := r.json(t)
	balance, _ := doc["balance"].(float64)
	frozen, _ := doc["frozen"].(float64)
	return pointsAccount{int64(balance), int64(frozen)}
}

// withPoints is an order that points help to pay.
func withPoints(body map[string]any, points int64) map[string]any {
	body["points"] = points
	return body
}

// saver is a customer who has earned points by buying.
func saver(t *testing.T) *customer {
	t.Helper()
	c := newcomer(t, shared)
	body := buyingByCard("SKU-0013", "tok_ok")
	body["items"] = []map[string]any{{"sku": "SKU-0013", "quantity": 100}}
	if o := c.settled(t, c.place(t, body).ID, soon); o.Status != "COMPLETED" {
		t.Fatalf("%+v", o)
	}
	eventually(t, soon, "points to be earned", func() bool { return c.points(t).Balance == 100*1130/100 })
	return c
}

// An order that is paid uses its points and earns on the rest; one that is not
// leaves them as they were.
func TestPointsPayAPart(t *testing.T) {
	c := saver(t)
	for _, card := range []struct {
		token, status string
		change        int64
	}{
		{"tok_ok", "COMPLETED", -50 + 10},
		{"tok_declined", "CANCELLED", 0},
	} {
		before := c.points(t).Balance
		o := c.settled(t, c.place(t, withPoints(buyingByCard("SKU-0014", card.token), 50)).ID, soon)
		if o.Status != card.status || o.Payable.Amount != 1140-50 {
			t.Errorf("%s: it is %s, payable %d", card.token, o.Status, o.Payable.Amount)
		}
		want := pointsAccount{Balance: before + card.change}
		eventually(t, soon, card.token+": the points to be settled", func() bool { return c.points(t) == want })
	}
	shared.auditClean(t)
}

// Points alone may pay for everything: then no provider and no wallet is asked.
func TestPointsPayTheWhole(t *testing.T) {
	sku := product(t, shared, 5) // costs 100
	c := saver(t)
	o := c.settled(t, c.place(t, withPoints(buyingByCard(sku, "tok_declined"), 100)).ID, soon)
	if o.Status != "COMPLETED" || o.Payable.Amount != 0 {
		t.Errorf("%+v", o)
	}
	if charges := shared.charges(t, o.ID); len(charges) != 0 {
		t.Errorf("the provider has %+v", charges)
	}
}

func TestPointsThatAreNotThereAreRefused(t *testing.T) {
	sku := product(t, shared, 5)
	c := newcomer(t, shared)
	o := c.settled(t, c.place(t, withPoints(buyingByCard(sku, "tok_ok"), 1)).ID, soon)
	if o.Status != "CANCELLED" || o.Reason != "points_refused" {
		t.Errorf("it is %s %s", o.Status, o.Reason)
	}
	eventually(t, soon, "the hold to be released", func() bool {
		left := stock(t, shared, sku)
		return left.Available == 5 && left.Reserved == 0
	})
	if charges := shared.charges(t, o.ID); len(charges) != 0 {
		t.Errorf("the provider has %+v", charges)
	}
}
