package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
)

var itDoesNotFit = map[string]string{"reason": "it does not fit"}

// giveBack asks to return one of the customer's orders.
func (c *customer) giveBack(t *testing.T, id string) reply {
	t.Helper()
	return c.post(t, "/v1/orders/"+id+"/return", rand.Text(), itDoesNotFit)
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

// Whatever an order was paid with, its return leaves wallet, card, points and
// stock as they were.
func TestAReturnGivesEverythingBack(t *testing.T) {
	sku := product(t, shared, 5) // costs 100
	c := saver(t)                // with points, and an empty wallet
	topUp(t, c, 1_000)
	for name, body := range map[string]map[string]any{
		"wallet":          buying(sku, 2),
		"card":            buyingByCard(sku, "tok_ok"),
		"card and points": withPoints(buyingByCard(sku, "tok_ok"), 30),
		"points":          withPoints(buying(sku, 1), 100),
	} {
		t.Run(name, func(t *testing.T) {
			wallet, points := c.wallet(t), c.points(t)
			o := c.settled(t, c.place(t, body).ID, soon)
			r := c.giveBack(t, o.ID)
			r.expect(t, http.StatusAccepted)
			if got := r.json(t); got["order_id"] != o.ID || got["status"] != "RETURNING" {
				t.Errorf("got %v", got)
			}
			o = c.returned(t, o.ID)
			if got, want := o.statuses(), "PENDING RESERVED PAID COMPLETED RETURNING RETURNED "; got != want || o.Reason != "returned" {
				t.Errorf("timeline %s, want %s; it is %+v", got, want, o)
			}
			if paid := o.Payable.Amount > 0; paid != (o.Payment.Status == "refunded") {
				t.Errorf("payment is %+v of %+v", o.Payment, o.Payable)
			}
			if left := stock(t, shared, sku); left.Available != 5 || left.Reserved != 0 || left.Sold != 0 {
				t.Errorf("stock %+v", left)
			}
			if w, p := c.wallet(t), c.points(t); w != wallet || p != points {
				t.Errorf("the wallet holds %d, points are %+v; before %d, %+v", w, p, wallet, points)
			}
			for _, charged := range shared.charges(t, o.ID) {
				if charged.Refunded != charged.Amount {
					t.Errorf("the provider has %+v", charged)
				}
			}
		})
	}
	shared.auditClean(t)
}

func topUp(t *testing.T, c *customer, minor int64) {
	t.Helper()
	body := map[string]any{"amount": map[string]any{"amount": minor, "currency": "CNY"}}
	c.post(t, "/v1/wallet/topups", rand.Text(), body).expect(t, http.StatusCreated)
}

// Points that a returned order had earned, and that are spent, are owed: they
// are taken from what is earned next.
func TestPointsThatAreSpentAreOwed(t *testing.T) {
	c := newcomer(t, shared)
	topUp(t, c, 1_000_000)
	dear, cheap := c.settled(t, c.buy(t, "SKU-0013", 10).ID, soon), product(t, shared, 5) // earns 113
	eventually(t, soon, "points to be earned", func() bool { return c.points(t).Balance == 113 })
	spent := c.settled(t, c.place(t, withPoints(buying(cheap, 1), 100)).ID, soon)
	c.giveBack(t, dear.ID).expect(t, http.StatusAccepted)
	c.returned(t, dear.ID)
	owes := func(balance, debt float64) {
		t.Helper()
		eventually(t, soon, "points to be taken", func() bool {
			got := c.get(t, "/v1/points").json(t)
			owed, _ := got["debt"].(float64)
			return got["balance"] == balance && owed == debt
		})
	}
	owes(0, 100)
	c.settled(t, c.buy(t, "SKU-0013", 3).ID, soon) // earns 33
	owes(0, 67)
	c.giveBack(t, spent.ID).expect(t, http.StatusAccepted)
	c.returned(t, spent.ID)
	owes(33, 0)
	shared.auditClean(t)
}

func TestWhatCannotBeReturned(t *testing.T) {
	customers := richCustomers(t, shared, 2)
	open := customers[0].place(t, buyingByCard("SKU-0012", "tok_late"))
	done := customers[0].settled(t, customers[0].buy(t, "SKU-0012", 1).ID, soon)
	ofAnother := customers[1].settled(t, customers[1].buy(t, "SKU-0012", 1).ID, soon)
	notReturnable := refusal{http.StatusConflict, "order_not_returnable"}
	body, err := json.Marshal(itDoesNotFit)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		id, key string
		body    []byte
		want    refusal
	}{
		"open":      {open.ID, "1", body, notReturnable},
		"another's": {ofAnother.ID, "2", body, notFound()},
		"none":      {"4611686018427387904", "3", body, notFound()},
		"no key":    {done.ID, "", body, refusal{http.StatusBadRequest, "idempotency_key_required"}},
		"no reason": {done.ID, "4", []byte(`{"reason": ""}`), refusal{http.StatusUnprocessableEntity, "invalid_return"}},
		"no body":   {done.ID, "5", nil, malformed()},
	} {
		r, err := customers[0].send(http.MethodPost, "/v1/orders/"+c.id+"/return", c.key, jsonType, c.body)
		if got := (refusal{r.status, r.code()}); err != nil || got != c.want {
			t.Errorf("%s: got %v, want %v (%v)", name, got, c.want, err)
		}
	}
	key := rand.Text()
	for range 2 {
		customers[0].post(t, "/v1/orders/"+done.ID+"/return", key, itDoesNotFit).expect(t, http.StatusAccepted)
	}
	if r := customers[0].giveBack(t, done.ID); (refusal{r.status, r.code()}) != notReturnable {
		t.Errorf("returned twice: %d %s", r.status, r.body)
	}
	customers[0].returned(t, done.ID)
}

// Two hundred returns at once, each asked for twice at once under one key:
// what was bought comes back once.
func TestReturnsAtOnce(t *testing.T) {
	const n = 200
	sku := product(t, shared, n)
	customers := richCustomers(t, shared, 8)
	held := map[*customer]int64{}
	for _, c := range customers {
		held[c] = c.wallet(t)
	}
	bought := buyMany(t, customers, n, buying(sku, 1), buyingByCard(sku, "tok_ok"))
	var audited sync.WaitGroup
	audited.Go(func() { shared.auditedUnderLoad(t) })
	giveBackTwice(t, bought)
	for _, b := range bought {
		b.by.returned(t, b.ID)
	}
	audited.Wait()
	shared.restsClean(t)
	if left := stock(t, shared, sku); left.Available != n || left.Reserved != 0 || left.Sold != 0 {
		t.Errorf("stock %+v", left)
	}
	for _, c := range customers {
		if got := c.wallet(t); got != held[c] {
			t.Errorf("a wallet holds %d, and held %d", got, held[c])
		}
	}
}

// buyMany places so many orders and waits until they are completed.
func buyMany(t *testing.T, customers []*customer, n int, wishes ...map[string]any) []bought {
	t.Helper()
	var all []bought
	for p := range attempts(t, customers, n, nil, wishes...) {
		if p.status != http.StatusCreated {
			t.Fatalf("buy: %d %s", p.status, p.body)
		}
		all = append(all, bought{order: order{ID: p.id}, by: p.by})
	}
	for _, b := range all {
		if o := b.by.settled(t, b.ID, patience); o.Status != "COMPLETED" {
			t.Fatalf("%+v", o)
		}
	}
	return all
}

// giveBackTwice returns every order by two requests at once, and wants both to
// be accepted, also by a souk that dies meanwhile: then there is no answer.
func giveBackTwice(t *testing.T, all []bought) {
	t.Helper()
	body, err := json.Marshal(itDoesNotFit)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	room := make(chan struct{}, clients)
	for i := range 2 * len(all) {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			b := all[i/2]
			r, err := b.by.send(http.MethodPost, "/v1/orders/"+b.ID+"/return", "return-of-"+b.ID, jsonType, body)
			if err == nil && r.status != http.StatusAccepted {
				t.Errorf("return of %s: %d %s", b.ID, r.status, r.body)
			}
		})
	}
	wg.Wait()
}

// Who is killed in the middle of returns goes on with them when it is back.
func TestReturnsSurviveKill9(t *testing.T) {
	const n = 200
	s := ownSouk(t)
	sku := product(t, s, n)
	all := buyMany(t, richCustomers(t, s, 8), n, buying(sku, 1), buyingByCard(sku, "tok_ok"))
	pids := processes(t, s)
	giveBackTwice(t, all[:n/2])
	for _, pid := range pids {
		kill9(t, pid)
	}
	s.awaitFree(t, s.hostedPorts()...)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	under, _ := s.audit(t)
	t.Logf("killed and up again; at rest: %t", under.AtRest)
	giveBackTwice(t, all) // the first half again, by the same keys
	for _, b := range all {
		b.by.returned(t, b.ID)
	}
	s.restsClean(t)
	if left := stock(t, s, sku); left.Available != n || left.Sold != 0 {
		t.Errorf("stock %+v", left)
	}
}
