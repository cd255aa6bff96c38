package e2e

import (
	"crypto/rand"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// A hundred units and two thousand who want one: a hundred have one in the end,
// and all others are told when they ask. That a gate is too old for a moment, on
// a machine that stands still, is no fault: inventory refuses then. But most are
// refused at once.
func TestAFlashSale(t *testing.T) {
	const sku, units, buyers = "FLASH-01", 100, 2000
	s := ownSouk(t, "SOUK_GATE_BELOW=1000", "SOUK_GATE_LOOK=1s")
	awaitGates(t, s)
	customers := richCustomers(t, s, clients)
	began := time.Now()
	all := flood(t, customers, sku, buyers)
	answered := time.Since(began)
	counts := outcomes(t, all, time.Minute)
	t.Logf("%v, answered in %s", counts, answered.Round(time.Millisecond))
	atOnce, later := counts["409 out_of_stock"]+counts["429 waiting_room"], counts["REJECTED"]
	if counts["COMPLETED"] != units || atOnce+later != buyers-units || atOnce <= later {
		t.Errorf("outcomes %v, want %d COMPLETED and %d refused, most of them at once", counts, units, buyers-units)
	}
	refusesAtOnce(t, customers[0], sku)
	s.auditClean(t)
	if left := stock(t, s, sku); left.Sold != units || left.Available != 0 || left.Reserved != 0 {
		t.Errorf("stock %+v, want all %d sold", left, units)
	}
	admin(t, s).post(t, "/v1/admin/stock/"+sku+"/adjustments", rand.Text(), map[string]any{"delta": 1, "reason": "found"}).expect(t, http.StatusCreated)
	var r reply
	eventually(t, patience, "the unit that was found to be sold", func() bool {
		r = customers[0].post(t, "/v1/orders", rand.Text(), buying(sku, 1))
		return r.status == http.StatusCreated
	})
	if o := customers[0].settled(t, decodeOrder(t, r).ID, patience); o.Status != "COMPLETED" {
		t.Errorf("the unit that was found: %s %s", o.Status, o.Reason)
	}
}

// refusesAtOnce waits until an order for what is sold out is refused when it comes.
func refusesAtOnce(t *testing.T, c *customer, sku string) {
	t.Helper()
	var r reply
	eventually(t, patience, "an order to be refused at once", func() bool {
		r = c.post(t, "/v1/orders", rand.Text(), buying(sku, 1))
		if r.status == http.StatusCreated { // the gate was too old: it costs no stock
			c.settled(t, decodeOrder(t, r).ID, patience)
		}
		return r.status == http.StatusConflict
	})
	if r.code() != "out_of_stock" {
		t.Errorf("refused with %s", r.body)
	}
}

var gatesKnown = regexp.MustCompile(`(?m)^souk_order_gates [1-9]`)

// awaitGates waits until every replica of order knows of a gate.
func awaitGates(t *testing.T, s *souk) {
	t.Helper()
	for _, service := range s.services(t) {
		if service.Name != "order" {
			continue
		}
		eventually(t, patience, "the gates at "+service.AdminURL, func() bool {
			resp, err := http.Get(service.AdminURL + "/metrics")
			if err != nil {
				return false
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			return err == nil && gatesKnown.Match(body)
		})
	}
}
