package order_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/services/order/internal/order"
)

// slots is a Holds that counts in memory and forgets nothing.
type slots struct {
	cap   int
	takes time.Duration // how long an answer takes

	mu    sync.Mutex
	asked int // how often
	taken map[order.Key]bool
}

func newSlots(n int) *slots { return &slots{cap: n, taken: map[order.Key]bool{}} }

func (h *slots) Take(_ context.Context, keys []order.Key) []order.Slot {
	time.Sleep(h.takes)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	out := make([]order.Slot, len(keys))
	for i, k := range keys {
		switch {
		case h.taken[k]:
		case h.of(k.User) >= h.cap:
			out[i] = order.Slot{Cap: h.cap, FreeIn: time.Minute}
		default:
			h.taken[k], out[i].Taken = true, true
		}
	}
	return out
}

func (h *slots) of(u order.UserID) (n int) {
	for k := range h.taken {
		if k.User == u {
			n++
		}
	}
	return n
}

func (h *slots) Free(_ context.Context, keys []order.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range keys {
		delete(h.taken, k)
	}
}

func (h *slots) held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.taken)
}

func TestWhoHasAsManyOpenOrdersAsTheCapIsRefused(t *testing.T) {
	m := newMemory()
	p := placerWith(t, m, newSlots(1))
	if _, err := p.Place(t.Context(), request(1, "first")); err != nil {
		t.Fatal(err)
	}
	_, err := p.Place(t.Context(), request(1, "second"))
	wantCode(t, err, contracts.CodeTooManyOpenOrders)
	if e := apperr.From(err); e.Kind != apperr.TooMany || e.RetryAfter != time.Minute {
		t.Errorf("refused with %v, to be repeated after %s", e.Kind, e.RetryAfter)
	}
	if _, err := p.Place(t.Context(), request(2, "first")); err != nil {
		t.Errorf("another user pays for it: %v", err)
	}
	if len(m.orders) != 2 {
		t.Errorf("%d orders, want 2", len(m.orders))
	}
}

// A key that has placed its order replays it, however full it is since, and
// whether its slot is remembered or not.
func TestAReplayNeedsNoSlot(t *testing.T) {
	for name, forgotten := range map[string]bool{"slot remembered": false, "slot forgotten": true} {
		t.Run(name, func(t *testing.T) {
			h := newSlots(1)
			p := placerWith(t, newMemory(), h)
			first, err := p.Place(t.Context(), request(1, "k"))
			if err != nil {
				t.Fatal(err)
			}
			if forgotten {
				h.Free(t.Context(), []order.Key{first.Order.Key})
				h.Take(t.Context(), []order.Key{{User: 1, Key: "another's"}})
			}
			again, err := p.Place(t.Context(), request(1, "k"))
			if err != nil || !again.Replayed || again.Order.ID != first.Order.ID {
				t.Errorf("replayed %+v, %v", again, err)
			}
			if got := h.held(); got != 1 {
				t.Errorf("%d slots held, want 1", got)
			}
		})
	}
}

// Of one batch, requests of one user count one after the other, and whoever
// asks for others is asked once.
func TestOneBatchCountsOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSlots(2)
		h.takes = time.Second
		p := placerWith(t, newMemory(), h)
		var callers sync.WaitGroup
		callers.Go(func() { mustPlace(t, p, request(2, "alone")) })
		synctest.Wait() // the others queue while it is asked about
		var mu sync.Mutex
		refused := 0
		for _, key := range []string{"a", "b", "b", "c", "d"} {
			callers.Go(func() {
				_, err := p.Place(t.Context(), request(1, key))
				if err != nil {
					wantCode(t, err, contracts.CodeTooManyOpenOrders)
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		// Two of the four keys find room; b, asked for twice, is one of them or not.
		if h.of(1) != 2 || refused < 2 || refused > 3 {
			t.Errorf("%d slots taken and %d refused", h.of(1), refused)
		}
		if h.asked != 2 {
			t.Errorf("asked %d times, want once for each batch", h.asked)
		}
	})
}

func mustPlace(t *testing.T, p *order.Placer, req order.PlaceOrder) {
	t.Helper()
	if _, err := p.Place(t.Context(), req); err != nil {
		t.Error(err)
	}
}

// A slot that no open order comes of is given back; one whose order may stand
// is not.
func TestWhatHoldsNothingTakesNoSlot(t *testing.T) {
	poison := errors.New("poison")
	for name, tc := range map[string]struct {
		befalls func(*memory)
		req     order.PlaceOrder
		held    int
	}{
		"placed":                {func(*memory) {}, request(1, "new"), 1},
		"refused":               {func(*memory) {}, request(1, "new", order.Item{SKU: "NOPE", Quantity: 1}), 0},
		"failed":                {func(m *memory) { m.fails = []error{poison} }, request(1, "new"), 0},
		"failed, nobody knows":  {func(m *memory) { m.fails = []error{errUnknown} }, request(1, "new"), 1},
		"ran out of time":       {func(m *memory) { m.fails = []error{context.DeadlineExceeded} }, request(1, "new"), 1},
		"placed, known later":   {func(m *memory) { m.unknowns = 1 }, request(1, "new"), 1},
		"replays an open order": {func(m *memory) { m.has("old", order.Pending) }, request(1, "old"), 1},
		"replays a paid one":    {func(m *memory) { m.has("old", order.Paid) }, request(1, "old"), 0},
		"another body":          {func(m *memory) { m.has("old", order.Cancelled) }, request(1, "old", order.Item{SKU: "CUP", Quantity: 1}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, h := newMemory(), newSlots(1)
			tc.befalls(m)
			_, _ = placerWith(t, m, h).Place(t.Context(), tc.req)
			if got := h.held(); got != tc.held {
				t.Errorf("%d slots held, want %d", got, tc.held)
			}
		})
	}
}

// has stores an order that user 1 placed under key.
func (m *memory) has(key string, status order.Status) {
	req := request(1, key)
	m.orders[req.Key] = &order.State{ID: 99, Key: req.Key, Fingerprint: req.Fingerprint, Status: status}
}

// Exactly the ways out of PENDING and RESERVED release.
func TestReleases(t *testing.T) {
	for _, from := range order.Statuses() {
		for _, to := range order.Statuses() {
			_, released := order.Update{Before: &order.State{Status: from}, After: &order.State{Status: to}}.Releases()
			if want := from.Cancellable() && !to.Cancellable(); released != want {
				t.Errorf("%s to %s releases: %v", from, to, released)
			}
		}
	}
	for reason, lapsed := range map[string]bool{contracts.ReasonDeadlinePassed: true, contracts.ReasonUserCancelled: false, contracts.ReasonPaymentFailed: false} {
		up := order.Update{Before: &order.State{Status: order.Pending}, After: &order.State{Status: order.Cancelled, Reason: reason}}
		if r, _ := up.Releases(); r.Lapsed != lapsed {
			t.Errorf("%s lapsed: %v", reason, r.Lapsed)
		}
	}
}
