package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
)

// canceller runs a Canceller over s for the length of the test.
func canceller(t *testing.T, s *store.Store, batch int) *order.Canceller {
	t.Helper()
	c := order.NewCanceller(s, policy(), groupcommit.Config{BatchMax: batch, QueueMax: 1000, Timeout: time.Minute, Retry: database.IsTransient})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

func decode[T any, M interface {
	*T
	contracts.Message
}](t *testing.T, box *emitted, id string) *T {
	t.Helper()
	i := slices.IndexFunc(box.events, func(e eventbus.Event) bool { return e.ID == id })
	if i < 0 {
		t.Fatalf("no event %s in %v", id, box.ids())
	}
	m, err := contracts.DecodeAs[T, M](box.events[i])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A card order with points, cancelled, captured all the same, and refunded.
func TestAMoneysWayThereAndBack(t *testing.T) {
	s, box := open(t)
	placed := pending(7, 1, "k")
	placed.Method, placed.Token, placed.PointsUsed, placed.Payable = "card", "tok_ok", 100, money.Of(900, "CNY")
	if err := insert(t, s, placed); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return learn(t, s, order.Report{Order: 7, Fact: order.StockReserved}) },
		func() error { return learn(t, s, order.Report{Order: 7, Fact: order.PointsFrozen}) },
		func() error {
			_, err := canceller(t, s, 500).Cancel(t.Context(), order.CancelOrder{Order: 7, User: 1})
			return err
		},
		func() error {
			return learn(t, s, order.Report{Order: 7, Fact: order.Captured}, order.Report{Order: 7, Fact: order.Captured})
		},
		func() error { return learn(t, s, order.Report{Order: 7, Fact: order.Captured}) },
		func() error { return learn(t, s, order.Report{Order: 7, Fact: order.Refunded}) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"7-1 order.placed.v1", "7-2 order.payment_due.v1", "7-6 order.cancelled.v1", "7:late-7 order.refund_requested.v1"}
	if got := box.ids(); !slices.Equal(got, want) {
		t.Errorf("emitted %v", got)
	}
	if due := decode[orderv1.OrderPaymentDue](t, box, "7-2"); due.PaymentToken != "tok_ok" || due.PaymentMethod != "card" || due.Payable != 900 {
		t.Errorf("due: %v", due)
	}
	refund := decode[orderv1.OrderRefundRequested](t, box, "7:late-7")
	if refund.RefundId != "7:late" || refund.Amount != 900 || refund.Version != 4 || refund.Reason != contracts.ReasonUserCancelled || refund.UserId != 1 || refund.Currency != "CNY" {
		t.Errorf("refund: %v", refund)
	}
	got, err := s.Get(t.Context(), 1, 7)
	if err != nil || got.Status != order.Cancelled || got.Version != 4 || got.PaymentStatus() != "refunded" || got.RefundedAt.IsZero() || got.RefundRequestedAt.IsZero() || got.Token.Reveal() != "tok_ok" {
		t.Errorf("in the end %+v, %v", got, err)
	}
}

// Fifty callers cancel fifty orders at once while their facts arrive, each
// order from two clients; others try orders that are not theirs.
func TestCancelRacesWithFacts(t *testing.T) {
	for _, batch := range []int{1, 500} {
		t.Run(fmt.Sprintf("batches of %d", batch), func(t *testing.T) {
			s, box := open(t)
			const orders = 50
			states := make([]*order.State, orders)
			reports := make([]order.Report, 0, 2*orders)
			for i := range states {
				id := order.ID(i + 1)
				states[i] = pending(int64(id), 1, fmt.Sprint(id))
				reports = append(reports, order.Report{Order: id, Fact: order.StockReserved}, order.Report{Order: id, Fact: order.Captured})
			}
			if err := insert(t, s, states...); err != nil {
				t.Fatal(err)
			}
			c := canceller(t, s, batch)
			var wg sync.WaitGroup
			answers := make([]error, 2*orders)
			for i := range answers {
				wg.Go(func() {
					_, answers[i] = c.Cancel(t.Context(), order.CancelOrder{Order: order.ID(i/2 + 1), User: 1})
					if _, err := c.Cancel(t.Context(), order.CancelOrder{Order: order.ID(i/2 + 1), User: 2}); !errors.Is(err, order.ErrNotFound) {
						t.Errorf("another's order: %v", err)
					}
				})
			}
			for pair := range slices.Chunk(reports, 2) {
				wg.Go(func() {
					if err := learn(t, s, pair...); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for i := range states {
				checkRace(t, s, order.ID(i+1), answers[2*i:2*i+2])
			}
			ids := box.ids()
			if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
				t.Errorf("an event was emitted twice: %v", ids)
			}
		})
	}
}

// checkRace: paid and both refused, or cancelled with the money asked back.
func checkRace(t *testing.T, s *store.Store, id order.ID, answers []error) {
	t.Helper()
	got, err := s.Get(t.Context(), 1, id)
	if err != nil {
		t.Fatal(err)
	}
	cancelled := got.Status == order.Cancelled && !got.RefundRequestedAt.IsZero() && got.Reason == contracts.ReasonUserCancelled
	paid := got.Status == order.Paid && got.RefundRequestedAt.IsZero()
	for _, answer := range answers {
		refusal, refused := errors.AsType[*apperr.Error](answer)
		if cancelled && answer != nil || paid && (!refused || refusal.Code != contracts.CodeOrderNotCancellable) {
			t.Errorf("order %d is %s and the answer was %v", id, got.Status, answer)
		}
	}
	if !cancelled && !paid {
		t.Errorf("order %d ended as %+v", id, got)
	}
}
