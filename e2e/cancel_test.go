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
// completed and the cancel refused. What a card was charged meanwhile goes back.
func TestCancelAgainstCapture(t *testing.T) {
	shared.misbehave(t, map[string]any{"latency_ms": map[string]int{"min": 10, "max": 200}})
	t.Cleanup(func() { shared.misbehave(t, map[string]any{}) })
	orders := races(t)
	sku := product(t, shared, 2*orders)
	for method, body := range map[string]map[string]any{"wallet": buying(sku, 1), "card": buyingByCard(sku, "tok_ok")} {
		t.Run(method, func(t *testing.T) { cancelAgainstCapture(t, method, sku, body, orders) })
	}
}

func cancelAgainstCapture(t *testing.T, method, sku string, body map[string]any, orders int) {
	t.Helper()
	before := stock(t, shared, sku)
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	customers := richCustomers(t, shared, 16)
	ends := make([]bought, orders)
	var wg sync.WaitGroup
	for i, c := range customers {
		wg.Go(func() {
			for n := i; n < orders; n += len(customers) {
				ends[n] = bought{order: c.buyAndRegret(t, encoded), by: c}
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
	if counts["COMPLETED "] == 0 || counts["CANCELLED user_cancelled"] == 0 {
		t.Errorf("it was no race: orders ended as %v", counts)
	}
	shared.restsClean(t)
	if refunded := refundsOf(t, ends); method == "card" && refunded == 0 {
		t.Error("no capture met its cancel: nothing had to be refunded")
	}
	if left := stock(t, shared, sku); left.Sold-before.Sold != counts["COMPLETED "] || left.Reserved != 0 || left.Available+left.Sold != before.Available+before.Sold {
		t.Errorf("stock %+v after %v and %+v", left, counts, before)
	}
}

// races is how many orders of each kind are cancelled while their money is
// taken: 300, or SOUK_E2E_RACES.
func races(t *testing.T) int {
	t.Helper()
	text := cmp.Or(os.Getenv("SOUK_E2E_RACES"), "300")
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SOUK_E2E_RACES: %v", err)
	}
	return n
}

// buyAndRegret cancels within about the time that an order takes.
func (c *customer) buyAndRegret(t *testing.T, body []byte) (o order) {
	r, err := c.send(http.MethodPost, "/v1/orders", rand.Text(), jsonType, body)
	if err == nil {
		err = json.Unmarshal(r.body, &o)
	}
	if err != nil || r.status != http.StatusCreated {
		t.Errorf("buy: %d %s, %v", r.status, r.body, err)
		return o
	}
	time.Sleep(anyMoment(9))
	cancelled, err := c.send(http.MethodPost, "/v1/orders/"+o.ID+"/cancel", "", jsonType, []byte("{}"))
	if err != nil {
		t.Error(err)
		return o
	}
	o, err = c.awaitRest(o.ID, patience)
	switch {
	case err != nil:
		t.Error(err)
	case cancelled.status == http.StatusAccepted && o.Status == "CANCELLED":
	case cancelled.status == http.StatusConflict && cancelled.code() == "order_not_cancellable" && o.Status == "COMPLETED":
	default:
		t.Errorf("order %s is %s %s, the cancel was answered %d %s", o.ID, o.Status, o.Reason, cancelled.status, cancelled.body)
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
