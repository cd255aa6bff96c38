package order_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// memory is a Store that keeps orders in a map and commits or drops a whole unit.
type memory struct {
	mu       sync.Mutex
	prices   map[order.SKU]money.Amount
	orders   map[order.Key]*order.State
	commits  int
	unknowns int     // commits that stand but answer that nobody knows
	fails    []error // what commits fail with one after the other, and all after them with the last
}

var errUnknown = errors.New("commit unknown")

func newMemory() *memory {
	return &memory{
		prices: map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY"), "CUP": money.Of(300, "CNY"), "EURO": money.Of(1, "EUR")},
		orders: map[order.Key]*order.State{},
	}
}

func (m *memory) InUnit(ctx context.Context, fn func(context.Context, order.Unit) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := &memoryUnit{memory: m}
	if err := fn(ctx, u); err != nil {
		return err
	}
	if len(m.fails) > 0 {
		err := m.fails[0]
		m.fails = m.fails[min(1, len(m.fails)-1):]
		return err
	}
	for _, s := range u.inserted {
		m.orders[s.Key] = s
	}
	m.commits++
	if m.unknowns > 0 {
		m.unknowns--
		return errUnknown
	}
	return nil
}

type memoryUnit struct {
	*memory
	order.Unit // the methods intake does not use
	inserted   []*order.State
}

func (u *memoryUnit) Now(context.Context) (time.Time, error) { return at, nil }

func (m *memory) Prices(context.Context, []order.SKU) (map[order.SKU]money.Amount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.prices), nil
}

func (u *memoryUnit) Placed(_ context.Context, keys []order.Key) (map[order.Key]*order.State, error) {
	found := map[order.Key]*order.State{}
	for _, k := range keys {
		if s, ok := u.orders[k]; ok {
			found[k] = s
		}
	}
	return found, nil
}

func (u *memoryUnit) Insert(_ context.Context, orders []*order.State) error {
	for _, s := range orders {
		if _, taken := u.orders[s.Key]; taken {
			return order.ErrKeyTaken
		}
	}
	u.inserted = orders
	return nil
}

type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) Next() (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n, nil
}

// placer runs a Placer over m for the length of the test.
func placer(t *testing.T, m *memory) *order.Placer { return placerWith(t, m, newSlots(100)) }

func placerWith(t *testing.T, m *memory, h order.Holds) *order.Placer {
	t.Helper()
	return placerBehind(t, m, h, newShelf(nil))
}

func placerBehind(t *testing.T, m *memory, h order.Holds, g order.Gate) *order.Placer {
	t.Helper()
	p := order.NewPlacer(m, h, g, &counter{}, order.Limits{}, groupcommit.Config{
		BatchMax: 500, QueueMax: 1000, Timeout: time.Minute,
		Retry: func(err error) bool { return errors.Is(err, errUnknown) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func request(user int64, key string, items ...order.Item) order.PlaceOrder {
	if items == nil {
		items = []order.Item{{SKU: "TEA", Quantity: 2}}
	}
	return order.PlaceOrder{
		Key: order.Key{User: order.UserID(user), Key: key}, Fingerprint: sha256.Sum256(fmt.Append(nil, items)), Items: items, Method: "wallet",
	}
}

func TestPlacePricesTheOrder(t *testing.T) {
	p := placer(t, newMemory())
	got, err := p.Place(t.Context(), request(1, "k", order.Item{SKU: "TEA", Quantity: 2}, order.Item{SKU: "CUP", Quantity: 1}))
	if err != nil {
		t.Fatal(err)
	}
	s := got.Order
	if s.Total != money.Of(1300, "CNY") || s.Payable != s.Total || s.Status != order.Pending || s.Version != 1 || got.Replayed {
		t.Errorf("placed %+v", got)
	}
	if !s.Deadline.Equal(at.Add(15 * time.Minute)) {
		t.Errorf("deadline %v", s.Deadline)
	}
}

// Points pay their part, all of it at most; a card's token is kept and shown
// by nothing that prints it.
func TestPointsAndCards(t *testing.T) {
	p := placer(t, newMemory())
	for points, payable := range map[int64]int64{0: 1000, 1: 999, 1000: 0} {
		req := request(1, fmt.Sprint(points))
		req.Method, req.Token, req.Points = "card", "tok_secret", points
		got, err := p.Place(t.Context(), req)
		s := got.Order
		if err != nil || s.Payable != money.Of(payable, "CNY") || s.PointsUsed != points || s.Total != money.Of(1000, "CNY") || s.Token.Reveal() != "tok_secret" {
			t.Errorf("with %d points placed %+v, %v", points, got, err)
		}
		shown, err := json.Marshal(s)
		if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, shown); err != nil || strings.Contains(text, "tok_secret") {
			t.Errorf("the token shows in %s, %v", text, err)
		}
	}
}

func TestOneKeyPlacesOneOrder(t *testing.T) {
	m := newMemory()
	p := placer(t, m)
	const callers = 50
	got := make([]order.Placement, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			placed, err := p.Place(t.Context(), request(1, "same"))
			if err != nil {
				t.Error(err)
			}
			got[i] = placed
		})
	}
	wg.Wait()
	firsts := 0
	for _, g := range got {
		if g.Order.ID != got[0].Order.ID {
			t.Errorf("orders %d and %d for one key", g.Order.ID, got[0].Order.ID)
		}
		if !g.Replayed {
			firsts++
		}
	}
	if firsts != 1 || len(m.orders) != 1 {
		t.Errorf("%d first replies and %d orders, want one of each", firsts, len(m.orders))
	}
}

func TestReplayShowsTheOrderAsItWas(t *testing.T) {
	m := newMemory()
	p := placer(t, m)
	first, err := p.Place(t.Context(), request(1, "k"))
	if err != nil {
		t.Fatal(err)
	}
	moved := order.Restore(m.orders[first.Order.Key], policy())
	if _, err := moved.Learn(order.PointsAwarded, at.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	m.orders[first.Order.Key] = moved.State()
	delete(m.prices, "TEA") // withdrawn since: a known key replays before any refusal
	again, err := p.Place(t.Context(), request(1, "k"))
	if err != nil {
		t.Fatal(err)
	}
	if !again.Replayed || fmt.Sprint(again.Order) != fmt.Sprint(first.Order) {
		t.Errorf("replayed %+v, first was %+v", again, first)
	}
}

func TestOneKeyTwoBodies(t *testing.T) {
	p := placer(t, newMemory())
	if _, err := p.Place(t.Context(), request(1, "k")); err != nil {
		t.Fatal(err)
	}
	_, err := p.Place(t.Context(), request(1, "k", order.Item{SKU: "CUP", Quantity: 1}))
	wantCode(t, err, "idempotency_key_reused")
	if _, err := p.Place(t.Context(), request(2, "k")); err != nil {
		t.Errorf("another user's key is another key: %v", err)
	}
}

func TestAnUnknownCommitIsRecognisedAsOurOwn(t *testing.T) {
	m := newMemory()
	m.unknowns = 1
	got, err := placer(t, m).Place(t.Context(), request(1, "k"))
	if err != nil || got.Replayed || len(m.orders) != 1 {
		t.Errorf("got %+v, %v with %d orders; want our own, first reply", got, err, len(m.orders))
	}
}

func TestRefusals(t *testing.T) {
	m := newMemory()
	p := placer(t, m)
	lines := func(n int) []order.Item {
		items := make([]order.Item, n)
		for i := range items {
			items[i] = order.Item{SKU: order.SKU(fmt.Sprint("S", i)), Quantity: 1}
		}
		return items
	}
	paying := func(method, token string, points int64) order.PlaceOrder {
		r := request(1, "payment")
		r.Method, r.Token, r.Points = method, order.CardToken(token), points
		return r
	}
	euro := request(1, "points in euros", order.Item{SKU: "EURO", Quantity: 1})
	euro.Points = 1
	for name, tc := range map[string]struct {
		req  order.PlaceOrder
		code string
	}{
		"no lines":        {order.PlaceOrder{Method: "wallet"}, "invalid_order"},
		"101 lines":       {request(1, "a", lines(101)...), "invalid_order"},
		"quantity 0":      {request(1, "b", order.Item{SKU: "TEA"}), "invalid_order"},
		"quantity -1":     {request(1, "c", order.Item{SKU: "TEA", Quantity: -1}), "invalid_order"},
		"quantity 2^63-1": {request(1, "d", order.Item{SKU: "TEA", Quantity: 1<<63 - 1}), "invalid_order"},
		"a sku twice":     {request(1, "e", order.Item{SKU: "TEA", Quantity: 1}, order.Item{SKU: "TEA", Quantity: 1}), "invalid_order"},
		"mixed currency":  {request(1, "f", order.Item{SKU: "TEA", Quantity: 1}, order.Item{SKU: "EURO", Quantity: 1}), "invalid_order"},
		"unknown sku":     {request(1, "g", order.Item{SKU: "NOPE", Quantity: 1}), "unknown_sku"},
		"no method":       {paying("", "", 0), "invalid_order"},
		"cash":            {paying("cash", "", 0), "invalid_order"},
		"no token":        {paying("card", "", 0), "invalid_order"},
		"long token":      {paying("card", strings.Repeat("t", 256), 0), "invalid_order"},
		"token of spaces": {paying("card", "tok ok", 0), "invalid_order"},
		"token in kana":   {paying("card", "カード", 0), "invalid_order"},
		"wallet's token":  {paying("wallet", "tok_ok", 0), "invalid_order"},
		"points -1":       {paying("wallet", "", -1), "invalid_order"},
		"points 1001":     {paying("wallet", "", 1001), "invalid_order"},
		"points 2^63-1":   {paying("wallet", "", 1<<63-1), "invalid_order"},
		"points in euros": {euro, "points_not_offered"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Place(t.Context(), tc.req)
			wantCode(t, err, tc.code)
		})
	}
	if len(m.orders) != 0 {
		t.Errorf("refusals left %d orders", len(m.orders))
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*apperr.Error](err); !ok || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
