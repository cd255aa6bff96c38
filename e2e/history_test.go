package e2e

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// Histories are what clients saw of one thing: when they asked, what they were
// told and when. Each must be one that a single clerk could have produced who
// serves one client after the other (M. Herlihy and J. Wing, "Linearizability",
// 1990); porcupine searches for that order.
type histories struct {
	began time.Time
	mu    sync.Mutex
	of    map[string]*history
}

type history struct {
	model porcupine.Model
	ops   []porcupine.Operation
}

// String lists who asked what, when, and was told what, when, in milliseconds.
func (h *history) String() string {
	var text strings.Builder
	for _, op := range slices.SortedFunc(slices.Values(h.ops), func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) }) {
		fmt.Fprintf(&text, "client %2d  %8.2f %T%v  %8.2f %v\n", op.ClientId, float64(op.Call)/1e6, op.Input, op.Input, float64(op.Return)/1e6, op.Output)
	}
	return text.String()
}

func newHistories() *histories { return &histories{began: time.Now(), of: map[string]*history{}} }

// record adds what act saw to the history of a thing.
func (h *histories) record(thing string, model porcupine.Model, client int, asked any, act func() (any, error)) error {
	call := time.Since(h.began).Nanoseconds()
	told, err := act()
	if err != nil {
		return err
	}
	op := porcupine.Operation{ClientId: client, Input: asked, Call: call, Output: told, Return: time.Since(h.began).Nanoseconds()}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of[thing] == nil {
		h.of[thing] = &history{model: model}
	}
	h.of[thing].ops = append(h.of[thing].ops, op)
	return nil
}

// check fails the test for each history that nobody could have produced, or
// about which that could not be found out within a minute.
func (h *histories) check(t *testing.T, want int) {
	t.Helper()
	ops := 0
	for thing, of := range h.of {
		ops += len(of.ops)
		if result := porcupine.CheckOperationsTimeout(of.model, of.ops, time.Minute); result != porcupine.Ok {
			t.Errorf("history of %s: %s\n%s", thing, result, of)
		}
	}
	if ops < want {
		t.Errorf("void: %d operations were recorded, want %d", ops, want)
	}
	t.Logf("%d operations on %d things: each in an order that one clerk could have served them in", ops, len(h.of))
}

// What clients can ask about a shelf or a wallet.
type (
	take struct{ n int64 } // buy so many units, or for so much
	give struct{ n int64 } // put in
	look struct{}
	post struct{} // an order under one key
)

// holder is a shelf of units or a wallet of money: what is not there is not
// taken, and what is there is not refused.
var holder = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, asked, told any) (bool, any) {
		held := state.(int64)
		switch asked := asked.(type) {
		case take:
			if told.(bool) {
				return held >= asked.n, held - asked.n
			}
			return held < asked.n, held
		case give:
			return true, held + asked.n
		default:
			return told.(int64) == held, held
		}
	},
}

// onlyOnce is an idempotency key: whoever posts under it is told of one order.
var onlyOnce = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, _, told any) (bool, any) { return state == "" || state == told, told },
}

// insist repeats a request under its key until it has an answer: a client that
// was told nothing does not know what has happened, and neither would we.
func (c *customer) insist(method, path, key string, body any) (reply, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(backOff) {
		r, err := c.send(method, path, key, "application/json", raw)
		inFlight := r.status == http.StatusConflict && r.code() == "idempotency_in_flight"
		if err == nil && r.status < 500 && !inFlight {
			return r, nil
		}
		if time.Now().After(deadline) {
			return r, cmp.Or(err, fmt.Errorf("%s %s: %d %s", method, path, r.status, r.body))
		}
	}
}

// bought reports whether an order was completed, or refused for the reason given.
func (c *customer) bought(body map[string]any, refused string) (bool, error) {
	r, err := c.insist(http.MethodPost, "/v1/orders", rand.Text(), body)
	if err != nil || r.status == http.StatusConflict && r.code() == refused {
		return false, err
	}
	var o order
	if err := json.Unmarshal(r.body, &o); err != nil || r.status != http.StatusCreated {
		return false, fmt.Errorf("%d %s", r.status, r.body)
	}
	for deadline := time.Now().Add(2 * time.Minute); !o.atRest(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false, fmt.Errorf("order %s is still %s", o.ID, o.Status)
		}
		if r, err := c.insist(http.MethodGet, "/v1/orders/"+o.ID, "", nil); err != nil || json.Unmarshal(r.body, &o) != nil {
			return false, fmt.Errorf("look up order %s: %w: %s", o.ID, err, r.body)
		}
	}
	if o.Status != "COMPLETED" && o.Reason != refused {
		return false, fmt.Errorf("order %s is %s: %s", o.ID, o.Status, o.Reason)
	}
	return o.Status == "COMPLETED", nil
}

// number is a field of what a path shows.
func (c *customer) number(path string, at ...string) (any, error) {
	r, err := c.insist(http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(r.body, &doc); err != nil {
		return nil, err
	}
	for _, field := range at {
		fields, _ := doc.(map[string]any)
		doc = fields[field]
	}
	n, ok := doc.(float64)
	if !ok {
		return nil, fmt.Errorf("%s shows no %v: %s", path, at, r.body)
	}
	return int64(n), nil
}

// script is who does what in a test of histories.
type script struct {
	histories       *histories
	boss            *customer
	buyers, owners  []*customer // with funded wallets; with wallets that start empty
	shelves, plenty []string    // SKUs of a few units, and one of many
	keys            []string
}

func newScript(t *testing.T, s *souk) *script {
	t.Helper()
	p := &script{histories: newHistories(), boss: admin(t, s), buyers: richCustomers(t, s, 16), plenty: []string{product(t, s, 999_999)}}
	for range 4 {
		p.shelves, p.owners = append(p.shelves, product(t, s, 1)), append(p.owners, newcomer(t, s))
		p.keys = append(p.keys, rand.Text())
	}
	return p
}

// play has 16 clients do so many things each, at random.
func (p *script) play(t *testing.T, each int, pause time.Duration) {
	t.Helper()
	for _, sku := range p.shelves { // what product put there
		_ = p.histories.record(sku, holder, len(p.buyers), give{1}, func() (any, error) { return nil, nil })
	}
	var clients sync.WaitGroup
	for client := range p.buyers {
		clients.Go(func() {
			for range each {
				if err := p.act(client); err != nil {
					t.Error(err)
				}
				time.Sleep(pause)
			}
		})
	}
	clients.Wait()
}

// act does one thing: on a shelf, in a wallet or under a key.
func (p *script) act(client int) error {
	n, which := mathrand.Int64N(3)+1, mathrand.IntN(len(p.shelves))
	sku, owner, key := p.shelves[which], p.owners[which], p.keys[which]
	h, buyer := p.histories, p.buyers[client]
	switch what := mathrand.IntN(20); {
	case what < 7:
		return h.record(sku, holder, client, take{n}, func() (any, error) { return buyer.bought(buying(sku, int(n)), "out_of_stock") })
	case what < 9:
		return h.record(sku, holder, client, look{}, func() (any, error) { return p.boss.number("/v1/admin/stock/"+sku, "available") })
	case what < 11:
		return h.record(sku, holder, client, give{n}, func() (any, error) {
			return p.boss.accepted("/v1/admin/stock/"+sku+"/adjustments", map[string]any{"delta": n, "reason": "history"})
		})
	case what < 14:
		return h.record(owner.email, holder, client, take{100 * n}, func() (any, error) { return owner.bought(buying(p.plenty[0], int(n)), "payment_failed") })
	case what < 16:
		return h.record(owner.email, holder, client, look{}, func() (any, error) { return owner.number("/v1/wallet", "balance", "amount") })
	case what < 18:
		return h.record(owner.email, holder, client, give{100 * n}, func() (any, error) {
			return owner.accepted("/v1/wallet/topups", map[string]any{"amount": map[string]any{"amount": 100 * n, "currency": "CNY"}})
		})
	default:
		return h.record(key, onlyOnce, client, post{}, func() (any, error) {
			r, err := p.buyers[0].insist(http.MethodPost, "/v1/orders", key, buying(p.plenty[0], 1))
			var o order
			if err == nil && (r.status != http.StatusCreated || json.Unmarshal(r.body, &o) != nil) {
				err = fmt.Errorf("%d %s", r.status, r.body)
			}
			return o.ID, err
		})
	}
}

// accepted posts under a key of its own what must be accepted.
func (c *customer) accepted(path string, body any) (any, error) {
	r, err := c.insist(http.MethodPost, path, rand.Text(), body)
	if err == nil && r.status != http.StatusCreated {
		err = fmt.Errorf("%s: %d %s", path, r.status, r.body)
	}
	return nil, err
}

// Stock, wallets and keys look to all clients as if each had one clerk.
func TestHistoriesAreLinearizable(t *testing.T) {
	p := newScript(t, shared)
	p.play(t, 40, 0)
	p.histories.check(t, 16*40)
	shared.auditClean(t)
}
