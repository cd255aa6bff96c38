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
	"souk.example/services/points/internal/store"
)

// A nudge for what was never read has it done, once; for what was decided it
// has the reply repeated, whatever the account has become since.
func TestANudgeIsNoNewRequest(t *testing.T) {
	w := newWorld(t)
	frozen, refused := placed(t, 2, 7, 10), placed(t, 3, 7, 10)
	storm := []eventbus.Event{nudged(frozen), frozen, nudged(frozen), frozen, nudged(frozen), nudged(frozen), nudged(frozen)}
	rand.Shuffle(len(storm), func(i, j int) { storm[i], storm[j] = storm[j], storm[i] })
	earned := paid(t, 1, 7, 1000) // 10 points
	events := append([]eventbus.Event{earned}, storm...)
	events = append(events, nudged(refused), cancelled(t, 2, 7), nudged(refused), refused, nudged(refused), nudged(earned))
	if err := w.deliver(t.Context(), events, 1); err != nil {
		t.Fatal(err)
	}
	said := map[string]int{}
	for _, e := range w.said.events {
		if said[e.ID]++; e.Nudge {
			t.Errorf("said %+v", e)
		}
	}
	// Each nudge has its answer, and so has the first request if that was none.
	if n := said["2-61"]; n != 5 && n != 6 || said["3-62"] != 3 || said["1-60"] != 2 || len(said) != 3 {
		t.Errorf("said %v", said)
	}
	if n := w.number(t, "SELECT balance * 100 + frozen FROM points_account WHERE user_id = 7"); n != 1000 {
		t.Errorf("balance and frozen points %d, want 10 and none", n)
	}
}

// placedAt is an order of one point that was made at a time, with a deadline.
func placedAt(t *testing.T, made time.Time, n int64, deadline time.Time) eventbus.Event {
	t.Helper()
	id := made.Sub(idgen.Parse(0).Time).Milliseconds()<<22 | n
	return event(t, contracts.OrderPlaced, id, &orderv1.OrderPlaced{
		OrderId: id, UserId: 7, PointsUsed: 1, Currency: "CNY", DeadlineUs: deadline.UnixMicro(),
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

// watch runs points' Watcher for the length of the test.
func (w *world) watch(t *testing.T, after time.Duration) {
	t.Helper()
	watcher := store.NewWatcher(w.db, w.said, after, waitlist.Config{Every: 5 * time.Millisecond}, slog.New(slog.DiscardHandler))
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
func (l *log) about(order string) (about []eventbus.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
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

// Who has points frozen for an order past its deadline repeats the reply, flagged and
// otherwise the same to the byte, until order has said what became of it.
func TestAFreezePastItsDeadlineIsAskedAbout(t *testing.T) {
	w := newWorld(t)
	if err := w.deliver(t.Context(), []eventbus.Event{paid(t, 1, 7, 10_000)}, 1); err != nil { // 100 points
		t.Fatal(err)
	}
	now := time.Now()
	walked, late := now.Add(-70*time.Second), now.Add(-20*time.Minute)
	events := map[string]eventbus.Event{
		"past its deadline":     placedAt(t, walked, 1, now.Add(-time.Minute)),
		"read long after":       placedAt(t, late, 2, now.Add(-5*time.Minute)),
		"placed just now":       placedAt(t, now, 3, now.Add(-time.Minute)),
		"before its deadline":   placedAt(t, walked, 4, now.Add(time.Hour)),
		"confirmed":             placedAt(t, walked, 5, now.Add(-time.Minute)),
		"cancelled, but unsaid": placedAt(t, walked, 6, now.Add(-time.Minute)),
	}
	for _, e := range events {
		if err := w.deliver(t.Context(), []eventbus.Event{e}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.deliver(t.Context(), []eventbus.Event{paidWith(t, orderOf(t, events["confirmed"]), 7, 0, 1)}, 1); err != nil {
		t.Fatal(err)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM straggler"); n != int64(len(events)-1) {
		t.Errorf("%d freezes were listed as they were made, want those that the walk may have passed", n)
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
		said = slices.DeleteFunc(said, func(e eventbus.Event) bool { return e.Type == contracts.PointsAwarded.Name })
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

// answer has order say that the order is cancelled, and sees the points freed
// and nobody asking any more.
func (w *world) answer(t *testing.T, order int64) {
	t.Helper()
	if err := w.deliver(t.Context(), []eventbus.Event{cancelled(t, order, 7), cancelled(t, order, 7)}, 2); err != nil {
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
	n := w.number(t, "SELECT COUNT(*) FROM points_freeze WHERE order_id = ? AND status = 'CANCELLED'", order)
	if n != 1 || len(w.said.about(subject)) != said {
		t.Errorf("it is not cancelled, or said %+v", w.said.about(subject)[said:])
	}
}
