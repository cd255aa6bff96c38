package consumer_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idgen"
	"souk.example/pkg/waitlist"
	"souk.example/services/inventory/internal/inventory"
)

// A nudge for what was never read has it done, once; for what was decided it
// has the reply repeated, whatever the stock has become since.
func TestANudgeIsNoNewRequest(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 2, "B": 1})
	held, refused := placed(t, 1, "A"), placed(t, 2, "B")
	storm := []eventbus.Event{nudged(held), held, nudged(held), held, nudged(held), nudged(held), nudged(held)}
	rand.Shuffle(len(storm), func(i, j int) { storm[i], storm[j] = storm[j], storm[i] })
	for _, e := range append(storm, placed(t, 3, "B"), nudged(refused), cancelled(t, 3), nudged(refused), refused, nudged(refused)) {
		if err := w.apply(t, e); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]int{}
	for _, e := range w.said.events {
		if said[e.ID]++; e.Nudge {
			t.Errorf("said %+v", e)
		}
	}
	// Each nudge has its answer, and so has the first request if that was none.
	if n := said["1-20"]; n != 5 && n != 6 || said["2-21"] != 3 || said["3-20"] != 1 || len(said) != 3 {
		t.Errorf("said %v", said)
	}
	if n := w.number(t, "SELECT reserved FROM stock WHERE sku = 'A'") + w.number(t, "SELECT reserved FROM stock WHERE sku = 'B'"); n != 1 {
		t.Errorf("%d units are reserved, want 1", n)
	}
	w.balanced(t)
}

// placedAt is an order of one A that was made at a time, with a deadline.
func placedAt(t *testing.T, made time.Time, n int64, deadline time.Time) eventbus.Event {
	t.Helper()
	id := made.Sub(idgen.Parse(0).Time).Milliseconds()<<22 | n
	return event(t, contracts.OrderPlaced, id, &orderv1.OrderPlaced{
		OrderId: id, Lines: []*orderv1.Line{{Sku: "A", Quantity: 1, UnitPrice: 100}}, DeadlineUs: deadline.UnixMicro(),
	})
}

func orderOf(t *testing.T, e eventbus.Event) int64 {
	t.Helper()
	id, err := strconv.ParseInt(e.Subject, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// watch runs the inventory's Watcher for the length of the test.
func (w *world) watch(t *testing.T, after time.Duration) {
	t.Helper()
	watcher := w.store.Watcher(after, waitlist.Config{Every: 5 * time.Millisecond}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watcher.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// about is what was said of an order.
func (s *said) about(order string) (about []eventbus.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Subject == order {
			about = append(about, e)
		}
	}
	return about
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Who holds stock for an order past its deadline repeats the reply, flagged and
// otherwise the same to the byte, until order has said what became of it.
func TestAHoldPastItsDeadlineIsAskedAbout(t *testing.T) {
	w := newWorld(t, map[inventory.SKU]int64{"A": 9})
	now := time.Now()
	walked, late := now.Add(-70*time.Second), now.Add(-20*time.Minute)
	events := map[string]eventbus.Event{
		"past its deadline":     placedAt(t, walked, 1, now.Add(-time.Minute)),
		"read long after":       placedAt(t, late, 2, now.Add(-5*time.Minute)),
		"placed just now":       placedAt(t, now, 3, now.Add(-time.Minute)),
		"before its deadline":   placedAt(t, walked, 4, now.Add(time.Hour)),
		"committed":             placedAt(t, walked, 5, now.Add(-time.Minute)),
		"cancelled, but unsaid": placedAt(t, walked, 6, now.Add(-time.Minute)),
	}
	for _, e := range events {
		if err := w.apply(t, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.apply(t, paid(t, orderOf(t, events["committed"]))); err != nil {
		t.Fatal(err)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM straggler"); n != int64(len(events)-1) {
		t.Errorf("%d holds were listed as they were made, want those that the walk may have passed", n)
	}
	// But for one, as if they had been read in time.
	if _, err := w.db.Exec(t.Context(), "DELETE FROM straggler WHERE order_id <> ?", orderOf(t, events["read long after"])); err != nil {
		t.Fatal(err)
	}
	w.watch(t, time.Nanosecond)
	asks := []string{"past its deadline", "read long after", "cancelled, but unsaid"}
	eventually(t, "they are asked about", func() bool {
		return !slices.ContainsFunc(asks, func(name string) bool { return len(w.said.about(events[name].Subject)) < 2 })
	})
	for name, e := range events {
		said := w.said.about(e.Subject)
		if (len(said) > 1) != slices.Contains(asks, name) {
			t.Errorf("%s: said %+v", name, said)
		}
		for _, again := range said[1:] {
			if again.ID != said[0].ID || again.Type != said[0].Type || !bytes.Equal(again.Payload, said[0].Payload) || !again.Nudge || said[0].Nudge {
				t.Errorf("%s: said\n%+v, want\n%+v again, flagged", name, again, said[0])
			}
		}
	}
	w.answer(t, orderOf(t, events["cancelled, but unsaid"]))
}

// answer has order say that the order is cancelled, and sees the stock freed
// and nobody asking any more.
func (w *world) answer(t *testing.T, order int64) {
	t.Helper()
	if err := w.apply(t, cancelled(t, order), cancelled(t, order)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Exec(t.Context(), "UPDATE straggler SET due = 0 WHERE order_id = ?", order); err != nil {
		t.Fatal(err)
	}
	subject := strconv.FormatInt(order, 10)
	said := len(w.said.about(subject))
	eventually(t, "it is off the list", func() bool {
		return w.number(t, "SELECT COUNT(*) FROM straggler WHERE order_id = ?", order) == 0
	})
	if s := w.status(t, order); s != "RELEASED" || len(w.said.about(subject)) != said {
		t.Errorf("it is %s, and said %+v", s, w.said.about(subject)[said:])
	}
	w.balanced(t)
}
