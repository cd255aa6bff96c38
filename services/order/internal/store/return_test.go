package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"souk.example/services/order/internal/order"
)

// completed is a completed order of user 1, and what is said about it from now.
func (s shop) completed(t *testing.T) (id order.ID, mark int) {
	t.Helper()
	id = s.places(t, 1, time.Minute)[0]
	for _, f := range ways()["COMPLETED"] {
		if err := learn(t, s.Store, order.Report{Order: id, Fact: f}); err != nil {
			t.Fatal(err)
		}
	}
	return id, len(s.said(0))
}

func (s shop) unit(t *testing.T, fn func(ctx context.Context, u order.Unit) error) {
	t.Helper()
	if err := s.InUnit(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// Every step of a return is one version and one event, and asking again is the
// same event with the nudge flag.
func TestAReturnIsOneEventPerStep(t *testing.T) {
	s, r := openShop(t), order.NewReturner(policy())
	id, mark := s.completed(t)
	s.unit(t, func(ctx context.Context, u order.Unit) error { _, err := r.Begin(ctx, u, id, 1); return err })
	for _, part := range []order.Fact{order.Refunded, order.Restocked, order.PointsReversed} {
		for range 2 {
			s.unit(t, func(ctx context.Context, u order.Unit) error {
				if waits, err := r.Ask(ctx, u, id, part); err != nil || !waits {
					t.Errorf("%s is asked for: %t, %v", part, waits, err)
				}
				return nil
			})
		}
		said := s.said(len(s.said(0)) - 2)
		isAgain(t, part.String(), said[1], said[0], true)
		if err := learn(t, s.Store, order.Report{Order: id, Fact: part}); err != nil {
			t.Fatal(err)
		}
		s.unit(t, func(ctx context.Context, u order.Unit) error {
			if waits, err := r.Ask(ctx, u, id, part); err != nil || waits {
				t.Errorf("%s, which is there, is asked for: %t, %v", part, waits, err)
			}
			return nil
		})
	}
	s.unit(t, func(ctx context.Context, u order.Unit) error { return r.Finish(ctx, u, id) })
	var said []string
	for _, e := range s.said(mark) {
		said = append(said, fmt.Sprintf("%s %s %t", e.ID, e.Type, e.Nudge))
	}
	want := []string{
		fmt.Sprintf("%d-8 order.return_requested.v1 false", id),
		fmt.Sprintf("%d:return-7 order.refund_requested.v1 false", id), fmt.Sprintf("%d:return-7 order.refund_requested.v1 true", id),
		fmt.Sprintf("%d-9 order.restock_requested.v1 false", id), fmt.Sprintf("%d-9 order.restock_requested.v1 true", id),
		fmt.Sprintf("%d-10 order.points_reversal_requested.v1 false", id), fmt.Sprintf("%d-10 order.points_reversal_requested.v1 true", id),
		fmt.Sprintf("%d-11 order.returned.v1 false", id),
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q\nwant %q", said, want)
	}
	got, err := s.Get(t.Context(), 1, id)
	if err != nil || got.Status != order.Returned || got.Version != 9 || got.Reason != "returned" || got.Return.DoneAt.IsZero() ||
		got.Return.RestockRequestedAt.IsZero() || got.Return.ReversalRequestedAt.IsZero() || got.RefundedAt.IsZero() || len(got.Timeline()) != 6 {
		t.Errorf("it is %+v, %v", got, err)
	}
}

func TestOnlyItsOwnerReturnsAnOrder(t *testing.T) {
	s, r := openShop(t), order.NewReturner(policy())
	id, mark := s.completed(t)
	for user, want := range map[order.UserID]order.ID{2: id, 1: id + 1} {
		err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error { _, err := r.Begin(ctx, u, want, user); return err })
		if !errors.Is(err, order.ErrNotFound) {
			t.Errorf("user %d returns order %d: %v", user, want, err)
		}
	}
	if said := s.said(mark); len(said) != 0 {
		t.Errorf("said %+v", said)
	}
}

// While an order is returned, nobody nudges for it but its saga; who asks what
// became of it is told that it was paid.
func TestAReturningOrderIsItsSagas(t *testing.T) {
	s, r := openShop(t), order.NewReturner(policy())
	id, _ := s.completed(t)
	paid := of(s.said(0), id)[2]
	s.unit(t, func(ctx context.Context, u order.Unit) error { _, err := r.Begin(ctx, u, id, 1); return err })
	s.unit(t, func(ctx context.Context, u order.Unit) error { _, err := r.Ask(ctx, u, id, order.Refunded); return err })
	other := s.places(t, 1, 10*time.Minute)[0]
	mark := len(s.said(0))
	s.nudgeAfter(t, time.Nanosecond, quick(500))
	eventually(t, "another that waits has asked", func() bool { return len(of(s.said(mark), other)) > 0 })
	if n := s.number(t, fmt.Sprintf("SELECT COUNT(*) FROM straggler WHERE why = 'nudge' AND order_id = %d", id)); n != 0 || len(of(s.said(mark), id)) != 0 {
		t.Errorf("%d on the list, said %+v", n, of(s.said(mark), id))
	}
	if err := learn(t, s.Store, order.Report{Order: id, Fact: order.StockReserved, Nudged: true}); err != nil {
		t.Fatal(err)
	}
	isAgain(t, "the answer", of(s.said(mark), id)[0], paid, false)
}
