package order_test

import (
	"errors"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/services/order/internal/order"
)

// What cancelling does in each status: PENDING and RESERVED only, and once.
func TestCancelInEveryStatus(t *testing.T) {
	cancellable := map[order.Status]bool{order.Pending: true, order.Reserved: true}
	for _, status := range order.Statuses() {
		for _, reason := range []string{contracts.ReasonUserCancelled, contracts.ReasonDeadlinePassed} {
			t.Run(string(status)+" "+reason, func(t *testing.T) {
				o := in(t, status)
				before := *o.State()
				changes, err := o.Cancel(reason, at.Add(time.Second))
				if !cancellable[status] {
					if !errors.Is(err, order.ErrNotCancellable) || len(changes) != 0 || o.State().Version != before.Version {
						t.Errorf("got %v, %v at version %d", changes, err, o.State().Version)
					}
					return
				}
				s := o.State()
				if err != nil || len(changes) != 1 || s.Status != order.Cancelled || s.Reason != reason || s.Version != before.Version+1 {
					t.Errorf("got %+v, %v and %+v", changes, err, s)
				}
				again, err := o.Cancel(reason, at.Add(time.Minute))
				if err != nil || len(again) != 0 || !o.State().ClosedAt.Equal(s.ClosedAt) {
					t.Errorf("again: %v, %v", again, err)
				}
			})
		}
	}
}

// A capture that comes after cancelling is asked back once, whoever cancelled.
func TestCaptureAfterCancel(t *testing.T) {
	for name, cancel := range map[string]func(*order.Order) error{
		"by the user":    func(o *order.Order) error { _, err := o.Cancel(contracts.ReasonUserCancelled, at); return err },
		"by the failure": func(o *order.Order) error { _, err := o.Learn(order.PaymentFailed, at); return err },
	} {
		t.Run(name, func(t *testing.T) {
			o := in(t, order.Reserved)
			if err := cancel(o); err != nil {
				t.Fatal(err)
			}
			changes, err := o.Learn(order.Captured, at.Add(time.Second))
			s := o.State()
			if err != nil || len(changes) != 1 || s.Status != order.Cancelled || s.Version != 4 || !s.RefundRequestedAt.Equal(at.Add(time.Second)) || s.PaymentStatus() != "captured" {
				t.Fatalf("changes %v, %v; %+v", changes, err, s)
			}
			for _, f := range []order.Fact{order.Captured, order.PaymentFailed, order.Captured, order.Refunded, order.Captured, order.Refunded} {
				again, err := o.Learn(f, at.Add(time.Minute))
				if err != nil || len(again) != 0 {
					t.Errorf("%s: %v, %v", f, again, err)
				}
			}
			if s := o.State(); s.Version != 4 || s.PaymentStatus() != "refunded" || !s.RefundedAt.Equal(at.Add(time.Minute)) || s.ClosedAt.IsZero() {
				t.Errorf("in the end %+v", s)
			}
		})
	}
}

// An order that uses points is due only when they are frozen as well.
func TestPaymentWaitsForThePoints(t *testing.T) {
	for _, facts := range [][]order.Fact{{order.StockReserved, order.PointsFrozen}, {order.PointsFrozen, order.StockReserved}} {
		o := order.Restore(&order.State{Status: order.Pending, Version: 1, PointsUsed: 5}, policy())
		for i, f := range facts {
			changes, err := o.Learn(f, at)
			if err != nil || len(changes) != i {
				t.Errorf("%v: %s entered %v, %v", facts, f, changes, err)
			}
		}
	}
	refused := order.Restore(&order.State{Status: order.Pending, Version: 1, PointsUsed: 5}, policy())
	if _, err := refused.Learn(order.PointsRefused, at); err != nil || refused.State().Reason != contracts.ReasonPointsRefused {
		t.Errorf("refused points leave %+v, %v", refused.State(), err)
	}
	for _, late := range []order.Fact{order.StockReserved, order.StockRefused} {
		if changes, err := refused.Learn(late, at); err != nil || len(changes) != 0 {
			t.Errorf("%s after it: %v, %v", late, changes, err)
		}
	}
}

func TestWhoClosedTheOrder(t *testing.T) {
	for reason, service := range map[string]string{
		contracts.ReasonOutOfStock: "inventory", contracts.ReasonPaymentFailed: "payment", contracts.ReasonPointsRefused: "points",
		contracts.ReasonUserCancelled: "order", contracts.ReasonDeadlinePassed: "order",
	} {
		timeline := (&order.State{Status: order.Cancelled, CreatedAt: at, ClosedAt: at, Reason: reason}).Timeline()
		if last := timeline[len(timeline)-1]; last.Service != service || last.Reason != reason {
			t.Errorf("%s: %+v", reason, last)
		}
	}
}
