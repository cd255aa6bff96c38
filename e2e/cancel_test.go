package e2e

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Whenever a cancel comes, the order is either cancelled and costs nothing, or
// completed and the cancel refused.
func TestCancelAgainstCapture(t *testing.T) {
	orders := races(t)
	sku := product(t, shared, orders)
	customers := richCustomers(t, shared, 16)
	ends := make([]order, orders)
	var wg sync.WaitGroup
	for i, c := range customers {
		wg.Go(func() {
			for n := i; n < orders; n += len(customers) {
				ends[n] = c.buyAndRegret(t, sku)
			}
		})
	}
	wg.Wait()
	counts := map[string]int64{}
	for _, o := range ends {
		counts[o.Status+" "+o.Reason]++
	}
	t.Logf("%v", counts)
	if counts["COMPLETED "]+counts["CANCELLED user_cancelled"] != int64(orders) {
		t.Errorf("orders ended as %v", counts)
	}
	shared.auditClean(t)
	if left := stock(t, shared, sku); left.Sold != counts["COMPLETED "] || left.Reserved != 0 || left.Available != int64(orders)-left.Sold {
		t.Errorf("stock %+v after %v", left, counts)
	}
}

// races is how many orders are cancelled while their money is taken: 300, or
// SOUK_E2E_RACES.
func races(t *testing.T) int {
	t.Helper()
	text := cmp.Or(os.Getenv("SOUK_E2E_RACES"), "300")
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SOUK_E2E_RACES: %v", err)
	}
	return n
}

// buyAndRegret cancels within the time that an order usually takes.
func (c *customer) buyAndRegret(t *testing.T, sku string) order {
	r, err := c.send(http.MethodPost, "/v1/orders", rand.Text(), jsonType, []byte(`{"items": [{"sku": "`+sku+`", "quantity": 1}], "payment": {"method": "wallet"}}`))
	if err != nil || r.status != http.StatusCreated {
		t.Errorf("buy: %d %s, %v", r.status, r.body, err)
		return order{}
	}
	var bought order
	_ = json.Unmarshal(r.body, &bought)
	id := bought.ID
	time.Sleep(anyMoment(8))
	cancelled, err := c.send(http.MethodPost, "/v1/orders/"+id+"/cancel", "", jsonType, []byte("{}"))
	if err != nil {
		t.Error(err)
		return order{}
	}
	o, err := c.awaitRest(id, patience)
	switch {
	case err != nil:
		t.Errorf("order %s: %v", id, err)
	case cancelled.status == http.StatusAccepted && o.Status == "CANCELLED":
	case cancelled.status == http.StatusConflict && cancelled.code() == "order_not_cancellable" && o.Status == "COMPLETED":
	default:
		t.Errorf("order %s is %s %s, the cancel was answered %d %s", id, o.Status, o.Reason, cancelled.status, cancelled.body)
	}
	return o
}

// anyMoment is 1 ms to 2^most ms, small ones as likely as large ones: machines
// differ in how long an order takes, and the moment is what matters.
func anyMoment(most int) time.Duration { return time.Millisecond << mathrand.IntN(most+1) }

// What another has ordered cannot be cancelled, and what is over neither.
func TestWhatCannotBeCancelled(t *testing.T) {
	customers := richCustomers(t, shared, 2)
	o := customers[0].settled(t, customers[0].buy(t, "SKU-0012", 1).ID, soon)
	for name, c := range map[string]struct {
		by   *customer
		want refusal
	}{
		"completed": {customers[0], refusal{http.StatusConflict, "order_not_cancellable"}},
		"another's": {customers[1], notFound()},
	} {
		r := c.by.cancel(t, o.ID)
		if got := (refusal{r.status, r.code()}); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := customers[0].order(t, o.ID); got.Status != "COMPLETED" {
		t.Errorf("it is %s", got.Status)
	}
}
