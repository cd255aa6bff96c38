package store_test

import (
	"context"
	"testing"
	"time"

	"souk.example/services/order/internal/order"
)

// Only trips to services of ours count. A payment may wait for its provider.
func TestWhatSlowsTheIntake(t *testing.T) {
	const long = 3 * time.Second
	s := openShop(t)
	now := s.now(t)
	old := placedAt(now.Add(-long), 1, now.Add(time.Hour))
	if err := insert(t, s.Store, old); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		fact  order.Fact
		slows bool
	}{{order.StockReserved, true}, {order.Captured, false}} {
		var pace order.Pacer
		err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
			return order.NewLearner(policy(), &pace).Learn(ctx, u, []order.Report{{Order: old.ID, Fact: step.fact}})
		})
		if err != nil {
			t.Fatal(err)
		}
		if slows := pace.Delay(500) > 0; slows != step.slows {
			t.Errorf("%s slows the intake: %t", step.fact, slows)
		}
	}
}

// One order that was quick shows that the others are not late for a backlog.
func TestTheQuickestTripCounts(t *testing.T) {
	s := openShop(t)
	now := s.now(t)
	late, quick := placedAt(now.Add(-time.Minute), 1, now.Add(time.Hour)), placedAt(now, 2, now.Add(time.Hour))
	quick.CreatedAt = now.Add(time.Minute) // however slow this test is
	if err := insert(t, s.Store, late, quick); err != nil {
		t.Fatal(err)
	}
	var pace order.Pacer
	err := s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return order.NewLearner(policy(), &pace).Learn(ctx, u, []order.Report{
			{Order: late.ID, Fact: order.StockReserved}, {Order: quick.ID, Fact: order.StockReserved},
		})
	})
	if err != nil || pace.Delay(500) > 0 {
		t.Errorf("the intake is slowed by %s, %v", pace.Delay(500), err)
	}
}
