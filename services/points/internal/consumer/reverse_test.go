package consumer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

func returned(t *testing.T, order, user int64) eventbus.Event {
	return event(t, contracts.OrderPointsReversalRequested, order, &orderv1.OrderPointsReversalRequested{OrderId: order, UserId: user, Version: 8})
}

// A user's points through a return of what he has spent, and earning again.
func TestDebtOnItsWay(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		event                 eventbus.Event
		balance, frozen, debt int64
		reply                 string
	}{
		{paid(t, 1, 5, 10_000), 100, 0, 0, "1-60"},
		{placed(t, 2, 5, 80), 100, 80, 0, "2-61"},
		{paidWith(t, 2, 5, 0, 80), 20, 0, 0, "2-60"},
		{returned(t, 1, 5), 0, 0, 80, "1-63"},
		{returned(t, 1, 5), 0, 0, 80, ""},
		{nudged(returned(t, 1, 5)), 0, 0, 80, "1-63"},
		{paid(t, 3, 5, 3_000), 0, 0, 50, "3-60"},
		{paid(t, 3, 5, 3_000), 0, 0, 50, ""},
		{nudged(paid(t, 3, 5, 3_000)), 0, 0, 50, "3-60"},
		{paid(t, 4, 5, 6_000), 10, 0, 0, "4-60"},
		{returned(t, 2, 5), 90, 0, 0, "2-63"},
	} {
		before := len(w.said.events)
		if err := w.deliver(t.Context(), []eventbus.Event{step.event}, 1); err != nil {
			t.Fatal(err)
		}
		balance, frozen := w.account(t, 5)
		debt := w.number(t, "SELECT debt FROM points_account WHERE user_id = 5")
		if balance != step.balance || frozen != step.frozen || debt != step.debt {
			t.Errorf("after %s: %d, %d frozen, %d owed; want %d, %d, %d", step.event.ID, balance, frozen, debt, step.balance, step.frozen, step.debt)
		}
		said := ""
		for _, e := range w.said.events[before:] {
			said += e.ID
		}
		if said != step.reply {
			t.Errorf("%s was answered %q, want %q", step.event.ID, said, step.reply)
		}
	}
	w.adds(t)
	for n, want := range map[int]*pointsv1.PointsReversed{
		3: {OrderId: 1, UserId: 5, Taken: 100}, 4: {OrderId: 1, UserId: 5, Taken: 100}, len(w.said.events) - 1: {OrderId: 2, UserId: 5, Given: 80},
	} {
		got, err := contracts.DecodeAs[pointsv1.PointsReversed](w.said.events[n])
		if err != nil || got.String() != want.String() {
			t.Errorf("reply %d is %v, %v; want %v", n, got, err, want)
		}
	}
	awarded, err := contracts.DecodeAs[pointsv1.PointsAwarded](w.said.events[5])
	if err != nil || awarded.Points != 30 {
		t.Errorf("who owes was told of %v, %v", awarded, err)
	}
}

// adds checks that balances and debts are what the entries say.
func (w *world) adds(t *testing.T) {
	t.Helper()
	bad := w.number(t, `SELECT COUNT(*) FROM points_account a WHERE balance < frozen OR frozen < 0 OR debt < 0
		OR balance <> (SELECT COALESCE(SUM(amount), 0) FROM points_entry e WHERE e.user_id = a.user_id)
		OR debt <> (SELECT COALESCE(SUM(amount), 0) FROM points_entry e WHERE e.user_id = a.user_id AND rule = 'debt')`)
	if bad != 0 {
		t.Errorf("%d accounts are not what their entries say", bad)
	}
}

// Three members of the group that believe to own the same partitions: half of
// the orders come back while users go on buying, and each is undone once.
func TestReversalsRaceAwards(t *testing.T) {
	const orders = 120
	w := newWorld(t)
	var bought, more []eventbus.Event
	for order := int64(1); order <= orders; order++ {
		bought = append(bought, paid(t, order, order%12+1, order*50))
		more = append(more, returned(t, order, order%12+1), nudged(returned(t, order, order%12+1)), paid(t, orders+order, order%12+1, order*20))
	}
	if err := w.deliver(t.Context(), bought, 50); err != nil {
		t.Fatal(err)
	}
	var members sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		mine := append([]eventbus.Event{}, more...)
		rand.New(rand.NewPCG(uint64(i), 3)).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		members.Go(func() {
			for batch := range slices.Chunk(mine, 20) {
				err := w.deliver(t.Context(), batch, 20)
				for errors.Is(err, database.ErrDuplicate) { // the inbox comes again
					err = w.deliver(t.Context(), batch, 20)
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	members.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	w.adds(t)
	if n := w.number(t, fmt.Sprintf("SELECT COUNT(*) FROM points_entry WHERE cause_id = 'returned' AND rule = 'purchase' AND order_id <= %d", orders)); n != orders {
		t.Errorf("%d of %d orders were undone", n, orders)
	}
	if n := w.number(t, fmt.Sprintf("SELECT SUM(amount) FROM points_entry WHERE order_id <= %d AND rule <> 'debt'", orders)); n != 0 {
		t.Errorf("what was returned has left %d points", n)
	}
}
