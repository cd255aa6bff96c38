package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const clients = 64

// backOff is how long a client waits after a failure of souk's.
const backOff = 100 * time.Millisecond

// placed is the answer to one attempt to buy.
type placed struct {
	by     *customer
	began  time.Time
	status int // 0 when there was no answer
	id     string
	code   string // of the problem, when there was one
	body   string
}

// flood buys n times one unit of sku by 64 clients in a closed loop and returns
// every answer.
func flood(t *testing.T, customers []*customer, sku string, n int) []placed {
	t.Helper()
	var all []placed
	answers := attempts(t, customers, n, nil, buying(sku, 1))
	for p := range answers {
		all = append(all, p)
	}
	return all
}

// attempts is flood under way, of different orders in turn: it delivers the
// answers as they come, and ends early once stop is closed.
func attempts(t *testing.T, customers []*customer, n int, stop <-chan struct{}, wishes ...map[string]any) <-chan placed {
	t.Helper()
	work := make(chan int)
	go func() {
		defer close(work)
		for i := range n {
			select {
			case work <- i:
			case <-stop:
				return
			}
		}
	}()
	return carryOut(t, customers, work, wishes...)
}

// carryOut attempts to buy what work counts, by 64 clients, until it is closed.
func carryOut(t *testing.T, customers []*customer, work <-chan int, wishes ...map[string]any) <-chan placed {
	t.Helper()
	bodies := make([][]byte, len(wishes))
	for i, wish := range wishes {
		body, err := json.Marshal(wish)
		if err != nil {
			t.Fatal(err)
		}
		bodies[i] = body
	}
	answers := make(chan placed)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := range work {
				p := attempt(customers[i%len(customers)], bodies[i%len(bodies)])
				answers <- p
				if p.status == 0 || p.status >= 500 {
					time.Sleep(backOff) // as a client does that is told to come again
				}
			}
		})
	}
	go func() { wg.Wait(); close(answers) }()
	return answers
}

func attempt(c *customer, body []byte) placed {
	began := time.Now()
	r, err := c.send(http.MethodPost, "/v1/orders", rand.Text(), "application/json", body)
	if err != nil {
		return placed{by: c, began: began}
	}
	var o order
	_ = json.Unmarshal(r.body, &o)
	return placed{by: c, began: began, status: r.status, id: o.ID, code: r.code(), body: string(r.body)}
}

// outcomes waits for every accepted order to come to rest and counts them by
// status; answers without an order count by theirs. It looks from the first to
// the last, a few at a time.
func outcomes(t *testing.T, all []placed, within time.Duration) map[string]int {
	t.Helper()
	deadline := time.Now().Add(within)
	var mu sync.Mutex
	counts := map[string]int{}
	var watchers errgroup.Group
	watchers.SetLimit(8)
	for _, p := range all {
		watchers.Go(func() error {
			outcome, err := p.outcome(deadline)
			mu.Lock()
			defer mu.Unlock()
			counts[outcome]++
			return err
		})
	}
	if err := watchers.Wait(); err != nil {
		t.Fatal(err)
	}
	return counts
}

func (p placed) outcome(deadline time.Time) (string, error) {
	switch p.status {
	case http.StatusCreated:
		o, err := p.by.awaitRest(p.id, time.Until(deadline))
		return o.Status, err
	case 0:
		return "no answer", nil
	default:
		return strings.TrimSpace(strconv.Itoa(p.status) + " " + p.code), nil
	}
}

func TestTwoThousandBuyersOfFiveHundredUnits(t *testing.T) {
	const units, orders = 500, 2000
	sku := product(t, shared, units)
	began := time.Now()
	var all []placed
	var busy sync.WaitGroup
	for p := range attempts(t, richCustomers(t, shared, clients), orders, nil, buying(sku, 1)) {
		if all = append(all, p); len(all) == orders/10 {
			busy.Go(func() { shared.auditedUnderLoad(t) })
		}
	}
	busy.Wait()
	for _, p := range all {
		if p.status >= 500 || p.status == 0 {
			t.Fatalf("answer %d: %s", p.status, p.body)
		}
	}
	counts := outcomes(t, all, time.Minute)
	t.Logf("%v in %s", counts, time.Since(began).Round(time.Millisecond))
	if refused := counts["REJECTED"] + counts["409 out_of_stock"]; counts["COMPLETED"] != units || refused != orders-units {
		t.Errorf("outcomes %v, want %d COMPLETED and %d refused", counts, units, orders-units)
	}
	shared.auditClean(t)
	if left := stock(t, shared, sku); left.Sold != units || left.Available != 0 || left.Reserved != 0 {
		t.Errorf("stock %+v, want all %d sold", left, units)
	}
}

func TestOneKeyFiftyTimesBuysOnce(t *testing.T) {
	c := richCustomers(t, shared, 100)[99]
	before := len(orders(t, c))
	key := rand.Text()
	replies := make([]reply, 50)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = c.post(t, "/v1/orders", key, buying("SKU-0004", 1)) })
	}
	wg.Wait()
	fresh := 0
	for _, r := range replies {
		r.expect(t, http.StatusCreated)
		if string(r.body) != string(replies[0].body) {
			t.Fatalf("two replies to one key:\n%s\n%s", replies[0].body, r.body)
		}
		if r.header.Get("Idempotent-Replayed") != "true" {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d replies claim to be the first", fresh)
	}
	if got := len(orders(t, c)) - before; got != 1 {
		t.Errorf("one key placed %d orders", got)
	}
	other := c.post(t, "/v1/orders", key, buying("SKU-0004", 2))
	if other.status != http.StatusUnprocessableEntity || other.code() != "idempotency_key_reused" {
		t.Errorf("the key with another body: %d %s", other.status, other.body)
	}
	// What the order has become since does not change what the key replays.
	c.settled(t, decodeOrder(t, replies[0]).ID, soon)
	if again := c.post(t, "/v1/orders", key, buying("SKU-0004", 1)); string(again.body) != string(replies[0].body) {
		t.Errorf("the replay changed:\n%s\n%s", replies[0].body, again.body)
	}
}

func orders(t *testing.T, c *customer) []any {
	t.Helper()
	r := c.get(t, "/v1/orders?limit=100")
	r.expect(t, http.StatusOK)
	items, _ := r.json(t)["items"].([]any)
	return items
}

// A batch is only an optimisation: one order at a time and five hundred at a
// time come to the same.
func TestBatchSizeChangesNoOutcome(t *testing.T) {
	for _, size := range []string{"1", "500"} {
		t.Run("SOUK_BATCH_MAX="+size, func(t *testing.T) {
			s := ownSouk(t, "SOUK_BATCH_MAX="+size)
			sku := product(t, s, 50)
			counts := outcomes(t, flood(t, richCustomers(t, s, clients), sku, 200), time.Minute)
			if counts["COMPLETED"] != 50 || counts["REJECTED"]+counts["409 out_of_stock"] != 150 {
				t.Errorf("outcomes %v, want 50 COMPLETED and 150 refused", counts)
			}
			s.auditClean(t)
		})
	}
}

func TestOrdersPerSecond(t *testing.T) {
	const orders = 3000
	customers := richCustomers(t, shared, clients)
	began := time.Now()
	all := flood(t, customers, "SKU-0500", orders)
	accepted := time.Since(began)
	counts := outcomes(t, all, 3*time.Minute) // one at a time, a slow machine takes long
	completed := time.Since(began)
	t.Logf("%s engines, %d clients on the same machine: %.0f orders/s accepted, %.0f orders/s to COMPLETED (%v)",
		infra(), clients, orders/accepted.Seconds(), orders/completed.Seconds(), counts)
	if counts["COMPLETED"] != orders {
		t.Errorf("outcomes %v, want %d COMPLETED", counts, orders)
	}
}
