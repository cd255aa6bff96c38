package consumer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// have gives each of the users 1 to 12 points, through an order of their own.
func (w *world) have(t *testing.T, points int64) {
	t.Helper()
	var events []eventbus.Event
	for user := int64(1); user <= 12; user++ {
		events = append(events, paid(t, 10_000+user, user, points*100))
	}
	if err := w.deliver(t.Context(), events, 100); err != nil {
		t.Fatal(err)
	}
	w.said.events = nil
}

func (w *world) account(t *testing.T, user int64) (balance, frozen int64) {
	t.Helper()
	if err := w.db.QueryRow(t.Context(), "SELECT balance, frozen FROM points_account WHERE user_id = ?", user).Scan(&balance, &frozen); err != nil {
		t.Fatal(err)
	}
	return balance, frozen
}

// The points of one user through all that can become of them.
func TestPointsOnTheirWay(t *testing.T) {
	w := newWorld(t)
	w.have(t, 100)
	for _, step := range []struct {
		event           eventbus.Event
		balance, frozen int64
		reply           string
	}{
		{placed(t, 1, 1, 60), 100, 60, "1-61"},
		{placed(t, 2, 1, 41), 100, 60, "2-62"},
		{placed(t, 3, 1, 40), 100, 100, "3-61"},
		{placed(t, 4, 1, 0), 100, 100, ""},
		{cancelled(t, 2, 1), 100, 100, ""},
		{rejected(t, 3, 1), 100, 60, ""},
		{paidWith(t, 1, 1, 1_000, 60), 50, 0, "1-60"},
		{paidWith(t, 1, 1, 1_000, 60), 50, 0, ""},
		{nudged(placed(t, 1, 1, 60)), 50, 0, "1-61"},
		{nudged(placed(t, 2, 1, 41)), 50, 0, "2-62"},
		{nudged(placed(t, 3, 1, 40)), 50, 0, "3-61"},
		{nudged(paidWith(t, 1, 1, 1_000, 60)), 50, 0, "1-60"},
		{cancelled(t, 5, 1), 50, 0, ""},
		{placed(t, 5, 1, 10), 50, 0, ""},
		{nudged(placed(t, 5, 1, 10)), 50, 0, ""},
	} {
		before := len(w.said.events)
		if err := w.deliver(t.Context(), []eventbus.Event{step.event}, 1); err != nil {
			t.Fatal(err)
		}
		if balance, frozen := w.account(t, 1); balance != step.balance || frozen != step.frozen {
			t.Errorf("after %s: %d, %d frozen; want %d, %d", step.event.ID, balance, frozen, step.balance, step.frozen)
		}
		said := ""
		for _, e := range w.said.events[before:] {
			said += e.ID
		}
		if said != step.reply {
			t.Errorf("%s was answered %q, want %q", step.event.ID, said, step.reply)
		}
	}
	refused, err := contracts.DecodeAs[pointsv1.PointsRefused](w.said.events[1])
	if err != nil || refused.OrderId != 2 || refused.UserId != 1 || refused.Reason == "" {
		t.Errorf("refusal %+v, %v", refused, err)
	}
	if n := w.number(t, "SELECT SUM(amount) FROM points_entry WHERE order_id = 1 AND rule = 'redeem' AND cause_id = 'paid'"); n != -60 {
		t.Errorf("redeemed %d", n)
	}
}

// A user's first points can be used in the batch that brings them.
func TestFirstPointsInUseAtOnce(t *testing.T) {
	for name, step := range map[string]struct {
		events          func(t *testing.T) []eventbus.Event
		balance, frozen int64
	}{
		"frozen": {func(t *testing.T) []eventbus.Event {
			return []eventbus.Event{paid(t, 1, 5, 1_000), placed(t, 2, 5, 10)}
		}, 10, 10},
		"frozen in part": {func(t *testing.T) []eventbus.Event { return []eventbus.Event{paid(t, 1, 5, 1_000), placed(t, 2, 5, 3)} }, 10, 3},
		"frozen and free": {func(t *testing.T) []eventbus.Event {
			return []eventbus.Event{paid(t, 1, 5, 1_000), placed(t, 2, 5, 3), cancelled(t, 2, 5)}
		}, 10, 0},
		"frozen and used": {func(t *testing.T) []eventbus.Event {
			return []eventbus.Event{paid(t, 1, 5, 1_000), placed(t, 2, 5, 3), paidWith(t, 2, 5, 0, 3)}
		}, 7, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.deliver(t.Context(), step.events(t), 10); err != nil {
				t.Fatal(err)
			}
			if balance, frozen := w.account(t, 5); balance != step.balance || frozen != step.frozen {
				t.Errorf("%d, %d frozen; want %d, %d", balance, frozen, step.balance, step.frozen)
			}
		})
	}
}

// What no correct order asks is poison and leaves nothing of its batch.
func TestImpossibleRequests(t *testing.T) {
	garbled := placed(t, 2, 1, 5)
	garbled.Payload = []byte{0xff}
	for name, poison := range map[string]eventbus.Event{
		"paid without a freeze": paidWith(t, 9, 1, 100, 5),
		"garbled":               garbled,
		"negative":              placed(t, 9, 1, -5),
	} {
		w := newWorld(t)
		w.have(t, 100)
		err := w.deliver(t.Context(), []eventbus.Event{placed(t, 1, 1, 5), poison}, 2)
		if err == nil || database.IsTransient(err) {
			t.Errorf("%s: %v, want poison", name, err)
		}
		if _, frozen := w.account(t, 1); frozen != 0 || len(w.said.events) != 0 {
			t.Errorf("%s left %d frozen and %d events", name, frozen, len(w.said.events))
		}
	}
}

// shopping is 300 orders of 12 users that use 0 to 30 points each, in the
// order in which order says things; what they end with is random.
func shopping(t *testing.T, rng *rand.Rand) (events []eventbus.Event) {
	for order := int64(1); order <= 300; order++ {
		events = append(events, placed(t, order, order%12+1, rng.Int64N(31)))
		if rng.IntN(3) == 0 {
			events = append(events, events[rng.IntN(len(events))])
		}
		if before := order - rng.Int64N(20); before > 0 && rng.IntN(2) == 0 {
			events = append(events, cancelled(t, before, before%12+1))
		}
	}
	return events
}

// However they are batched, and by how many members of the group at once: no
// account promises more than it has, and frozen is the sum of what is frozen.
func TestNobodySpendsTwice(t *testing.T) {
	for _, size := range []int{1, 20, 500} {
		for _, members := range []int{1, 3} {
			t.Run(fmt.Sprintf("batches of %d, %d members", size, members), func(t *testing.T) {
				w := newWorld(t)
				w.have(t, 100)
				events := shopping(t, rand.New(rand.NewPCG(uint64(size), 3)))
				var running sync.WaitGroup
				errs := make([]error, members)
				for i := range errs {
					running.Go(func() { errs[i] = w.deliver(t.Context(), events, size) })
				}
				running.Wait()
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				w.checkFrozen(t)
			})
		}
	}
}

func (w *world) checkFrozen(t *testing.T) {
	t.Helper()
	for user := int64(1); user <= 12; user++ {
		balance, frozen := w.account(t, user)
		live := w.number(t, "SELECT COALESCE(SUM(amount), 0) FROM points_freeze WHERE user_id = ? AND status = 'FROZEN'", user)
		if frozen != live || frozen > balance || balance != 100 {
			t.Errorf("user %d has %d, %d frozen, and freezes of %d", user, balance, frozen, live)
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM points_freeze WHERE status = 'REFUSED'"); n == 0 {
		t.Error("nobody was refused: the test tries nothing")
	}
	var ids []string
	for _, e := range w.said.events {
		ids = append(ids, e.Subject)
	}
	slices.Sort(ids)
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		t.Errorf("%d replies to %d orders", len(ids), len(unique))
	}
}
