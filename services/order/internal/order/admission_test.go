package order_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/services/order/internal/order"
)

// shelf is a Gate that counts in memory and forgets nothing.
type shelf struct {
	mu    sync.Mutex
	units map[order.SKU]int64 // of SKUs that have a gate
	back  bool                // units may come back
	held  map[order.Key]order.Ask
	asked int // for how many orders
}

func newShelf(units map[order.SKU]int64) *shelf {
	return &shelf{units: units, held: map[order.Key]order.Ask{}}
}

func (s *shelf) Admit(_ context.Context, asks []order.Ask) []order.Admission {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked += len(asks)
	out := make([]order.Admission, len(asks))
	for i, a := range asks {
		if by, held := s.held[a.Key]; held {
			out[i].Held = by.Order == a.Order
		} else {
			out[i] = s.admit(a)
		}
	}
	return out
}

func (s *shelf) admit(a order.Ask) order.Admission {
	for i, it := range a.Items {
		if left, gated := s.units[it.SKU]; gated && left < it.Quantity {
			refused := order.Admission{Short: true, Item: i}
			if s.back {
				refused.RetryAfter = time.Second
			}
			return refused
		}
	}
	s.move(a, -1)
	s.held[a.Key] = a
	return order.Admission{Held: true}
}

func (s *shelf) move(a order.Ask, sign int64) {
	for _, it := range a.Items {
		if _, gated := s.units[it.SKU]; gated {
			s.units[it.SKU] += sign * it.Quantity
		}
	}
}

func (s *shelf) Withdraw(_ context.Context, asks []order.Ask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range asks {
		if s.held[a.Key].Order == a.Order {
			s.move(a, 1)
			delete(s.held, a.Key)
		}
	}
}

func (s *shelf) left(sku order.SKU) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.units[sku]
}

func TestWhatIsSoldOutIsRefusedAtTheGate(t *testing.T) {
	for name, tc := range map[string]struct {
		back  bool
		kind  apperr.Kind
		code  string
		retry time.Duration
	}{
		"sold":           {false, apperr.Conflict, contracts.CodeOutOfStock, 0},
		"held by others": {true, apperr.TooMany, contracts.CodeWaitingRoom, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			m, h := newMemory(), newSlots(10)
			g := newShelf(map[order.SKU]int64{"CUP": 1})
			g.back = tc.back
			p := placerBehind(t, m, h, g)
			tea, cup := order.Item{SKU: "TEA", Quantity: 1}, order.Item{SKU: "CUP", Quantity: 1}
			mustPlace(t, p, request(1, "first", cup))
			_, err := p.Place(t.Context(), request(2, "second", tea, cup))
			wantCode(t, err, tc.code)
			e := apperr.From(err)
			if e.Kind != tc.kind || e.RetryAfter != tc.retry || len(e.Fields) != 1 || e.Fields[0].Field != "items[1].sku" {
				t.Errorf("refused with %+v", e)
			}
			mustPlace(t, p, request(2, "third", tea))
			if len(m.orders) != 2 || h.held() != 2 {
				t.Errorf("%d orders and %d slots, want 2 and 2", len(m.orders), h.held())
			}
		})
	}
}

// A key that has placed its order replays it though nothing is left since, and
// whether its hold is remembered or not.
func TestAReplayNeedsNoUnits(t *testing.T) {
	for name, forgotten := range map[string]bool{"hold remembered": false, "hold forgotten": true} {
		t.Run(name, func(t *testing.T) {
			g := newShelf(map[order.SKU]int64{"TEA": 2})
			p := placerBehind(t, newMemory(), newSlots(10), g)
			first, err := p.Place(t.Context(), request(1, "k"))
			if err != nil {
				t.Fatal(err)
			}
			if forgotten {
				clear(g.held)
			}
			again, err := p.Place(t.Context(), request(1, "k"))
			if err != nil || !again.Replayed || again.Order.ID != first.Order.ID {
				t.Errorf("replayed %+v, %v", again, err)
			}
		})
	}
}

// Units that no new order comes of are given back; those of one that may stand
// are not. Who cannot place an order does not come to the gate.
func TestWhatPlacesNothingHoldsNoUnits(t *testing.T) {
	for name, tc := range map[string]struct {
		befalls func(*memory)
		req     order.PlaceOrder
		full    bool // of open orders
		left    int64
		asked   int // for how many orders
	}{
		"placed":               {func(*memory) {}, request(1, "new"), false, 8, 1},
		"refused":              {func(*memory) {}, request(1, "new", order.Item{SKU: "TEA", Quantity: 2}, order.Item{SKU: "NOPE", Quantity: 1}), false, 10, 0},
		"too many open orders": {func(*memory) {}, request(1, "new"), true, 10, 0},
		"failed, nobody knows": {func(m *memory) { m.fails = []error{errUnknown} }, request(1, "new"), false, 8, 3},
		"failed":               {func(m *memory) { m.fails = []error{context.Canceled} }, request(1, "new"), false, 10, 1},
		"failed at last":       {func(m *memory) { m.fails = []error{errUnknown, context.Canceled} }, request(1, "new"), false, 10, 2},
		"placed, known later":  {func(m *memory) { m.unknowns = 1 }, request(1, "new"), false, 8, 2},
		"replays":              {func(m *memory) { m.has("old", order.Pending) }, request(1, "old"), false, 10, 1},
		"another body":         {func(m *memory) { m.has("old", order.Pending) }, request(1, "old", order.Item{SKU: "TEA", Quantity: 1}), false, 10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m, g, h := newMemory(), newShelf(map[order.SKU]int64{"TEA": 10}), newSlots(1)
			tc.befalls(m)
			if tc.full {
				h.Take(t.Context(), []order.Key{{User: 1, Key: "another"}})
			}
			_, _ = placerBehind(t, m, h, g).Place(t.Context(), tc.req)
			if got := g.left("TEA"); got != tc.left || g.asked != tc.asked {
				t.Errorf("%d units left and %d asked for, want %d and %d", got, g.asked, tc.left, tc.asked)
			}
		})
	}
}
