package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const soon = 20 * time.Second

func TestAnOrderGoesFromPostToCompleted(t *testing.T) {
	c := richCustomers(t, shared, 1)[0]
	o := c.settled(t, c.buy(t, "SKU-0001", 2).ID, soon)
	if got, want := o.statuses(), "PENDING RESERVED PAID COMPLETED "; got != want {
		t.Errorf("timeline %s, want %s", got, want)
	}
	for i := 1; i < len(o.Timeline); i++ {
		if o.Timeline[i].At.Before(o.Timeline[i-1].At) {
			t.Errorf("the timeline goes back in time at %s", o.Timeline[i].Status)
		}
	}
}

func TestWhatIsNotThereIsRejected(t *testing.T) {
	sku := product(t, shared, 5)
	c := richCustomers(t, shared, 1)[0]
	o := c.settled(t, c.buy(t, sku, 6).ID, soon)
	if o.Status != "REJECTED" || o.Reason != "out_of_stock" {
		t.Errorf("order is %s %s, want REJECTED out_of_stock", o.Status, o.Reason)
	}
	if left := stock(t, shared, sku); left.Available != 5 || left.Reserved != 0 {
		t.Errorf("stock after a rejection: %+v", left)
	}
}

func TestWhatCannotBePaidIsCancelledAndGoesBackOnTheShelf(t *testing.T) {
	sku := product(t, shared, 5)
	c := newcomer(t, shared)
	o := c.settled(t, c.buy(t, sku, 1).ID, soon)
	if o.Status != "CANCELLED" || o.Reason != "payment_failed" {
		t.Errorf("order is %s %s, want CANCELLED payment_failed", o.Status, o.Reason)
	}
	eventually(t, soon, "the hold to be released", func() bool {
		left := stock(t, shared, sku)
		return left.Available == 5 && left.Reserved == 0 && left.Sold == 0
	})
}

func TestAnothersOrderLooksLikeNone(t *testing.T) {
	customers := richCustomers(t, shared, 2)
	id := customers[0].buy(t, "SKU-0002", 1).ID
	foreign := customers[1].get(t, "/v1/orders/"+id)
	absent := customers[1].get(t, "/v1/orders/4611686018427387904")
	foreign.expect(t, http.StatusNotFound)
	if a, b := anonymous(t, foreign, id), anonymous(t, absent, "4611686018427387904"); a != b {
		t.Errorf("another's order:\n%s\nno order:\n%s", a, b)
	}
	list := customers[1].get(t, "/v1/orders?limit=100")
	if strings.Contains(string(list.body), id) {
		t.Error("another's order is listed")
	}
}

// anonymous is a problem without what tells one request from another.
func anonymous(t *testing.T, r reply, id string) string {
	t.Helper()
	p := r.json(t)
	body := strings.ReplaceAll(string(r.body), p["request_id"].(string), "")
	return strings.ReplaceAll(body, id, "")
}
