package e2e

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"testing"
)

// Whoever has as many unpaid orders as one may have is told to come again, and
// may buy again once one of them is off; others buy meanwhile.
func TestWhoHoardsIsRefused(t *testing.T) {
	s := ownSouk(t, "SOUK_ORDER_OPEN_MAX=3", "SOUK_PSP_LATE_AFTER=1h")
	sku := product(t, s, 1000)
	hoarder := newcomer(t, s)
	unpaid := buyingByCard(sku, "tok_late")
	var open []string
	refused := hoarder.post(t, "/v1/orders", rand.Text(), unpaid)
	for refused.status == http.StatusCreated && len(open) < 100 { // more than 3 while Redis does not answer
		open = append(open, decodeOrder(t, refused).ID)
		refused = hoarder.post(t, "/v1/orders", rand.Text(), unpaid)
	}
	refused.expect(t, http.StatusTooManyRequests)
	wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if refused.code() != "too_many_open_orders" || err != nil || wait < 1 || wait > 16*60 || len(open) < 3 {
		t.Errorf("after %d orders: %s, Retry-After %q", len(open), refused.body, refused.header.Get("Retry-After"))
	}
	richCustomers(t, s, 1)[0].buy(t, sku, 1)
	eventually(t, patience, "room after orders were cancelled", func() bool {
		if len(open) > 0 { // the first will do, unless Redis did not answer when it was placed
			hoarder.cancel(t, open[0]).expect(t, http.StatusAccepted)
			open = open[1:]
		}
		return hoarder.post(t, "/v1/orders", rand.Text(), unpaid).status == http.StatusCreated
	})
}
