package store

import (
	"context"
	"fmt"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/order/internal/order"
)

// Repeat implements order.Unit.
func (u unit) Repeat(ctx context.Context, states []*order.State) error {
	return u.emit(ctx, states, eventFor)
}

// Remind implements order.Unit.
func (u unit) Remind(ctx context.Context, states []*order.State) error {
	return u.emit(ctx, states, func(s *order.State) (eventbus.Event, error) {
		e, err := eventFor(s)
		e.Nudge = true
		return e, err
	})
}

func (u unit) emit(ctx context.Context, states []*order.State, tell func(*order.State) (eventbus.Event, error)) error {
	if len(states) == 0 {
		return nil
	}
	events := make([]eventbus.Event, len(states))
	for i, s := range states {
		e, err := tell(s)
		if err != nil {
			return err
		}
		events[i] = e
	}
	return u.outbox.Append(ctx, u.tx, contracts.TopicOrder, events...)
}

// emitChanges emits exactly one event per change, each as the order
// was at that moment.
func (u unit) emitChanges(ctx context.Context, updates []order.Update) error {
	n := 0
	for _, up := range updates {
		n += len(up.Changes)
	}
	states := make([]*order.State, 0, n)
	for _, up := range updates {
		for _, c := range up.Changes {
			states = append(states, c.State)
		}
	}
	return u.emit(ctx, states, eventFor)
}

// eventFor is the order's latest event: that it entered the status it is in,
// or what it has asked for since.
func eventFor(s *order.State) (eventbus.Event, error) {
	if s.Status == order.Returning {
		return returningEvent(s)
	}
	if s.Status == order.Cancelled && !s.RefundRequestedAt.IsZero() {
		return refundRequested(s, contracts.RefundLate(int64(s.ID)))
	}
	t, payload, err := payloadFor(s)
	if err != nil {
		return eventbus.Event{}, err
	}
	return contracts.NewEvent(t, int64(s.ID), payload)
}

// returningEvent is how far a return has come: its parts are asked for one
// after the other.
func returningEvent(s *order.State) (eventbus.Event, error) {
	id, user := int64(s.ID), int64(s.Key.User)
	switch {
	case !s.Return.ReversalRequestedAt.IsZero():
		return contracts.NewEvent(contracts.OrderPointsReversalRequested, id,
			&orderv1.OrderPointsReversalRequested{OrderId: id, UserId: user, Version: s.Version})
	case !s.Return.RestockRequestedAt.IsZero():
		return contracts.NewEvent(contracts.OrderRestockRequested, id,
			&orderv1.OrderRestockRequested{OrderId: id, UserId: user, Version: s.Version})
	case !s.RefundRequestedAt.IsZero():
		return refundRequested(s, contracts.RefundReturn(id))
	}
	return contracts.NewEvent(contracts.OrderReturnRequested, id,
		&orderv1.OrderReturnRequested{OrderId: id, UserId: user, Version: s.Version})
}

func refundRequested(s *order.State, refund string) (eventbus.Event, error) {
	id := int64(s.ID)
	return contracts.NewRefundEvent(contracts.OrderRefundRequested, id, refund, &orderv1.OrderRefundRequested{
		OrderId: id, UserId: int64(s.Key.User), Version: s.Version, RefundId: refund,
		Amount: s.Payable.Minor(), Currency: string(s.Payable.Currency()), Reason: s.Reason,
	})
}

func payloadFor(s *order.State) (contracts.Type, contracts.Message, error) {
	id, user, currency := int64(s.ID), int64(s.Key.User), string(s.Total.Currency())
	switch s.Status {
	case order.Pending:
		return contracts.OrderPlaced, placedFrom(s), nil
	case order.Reserved:
		return contracts.OrderPaymentDue, &orderv1.OrderPaymentDue{
			OrderId: id, UserId: user, Version: s.Version, Payable: s.Payable.Minor(), Currency: currency, PaymentMethod: s.Method,
			PaymentToken: s.Token.Reveal(),
		}, nil
	case order.Paid:
		return contracts.OrderPaid, &orderv1.OrderPaid{
			OrderId: id, UserId: user, Version: s.Version, Payable: s.Payable.Minor(), Currency: currency, PointsUsed: s.PointsUsed,
		}, nil
	case order.Completed:
		return contracts.OrderCompleted, &orderv1.OrderCompleted{OrderId: id, UserId: user, Version: s.Version}, nil
	case order.Rejected:
		return contracts.OrderRejected, &orderv1.OrderRejected{OrderId: id, UserId: user, Version: s.Version, Reason: s.Reason}, nil
	case order.Cancelled:
		return contracts.OrderCancelled, &orderv1.OrderCancelled{OrderId: id, UserId: user, Version: s.Version, Reason: s.Reason}, nil
	case order.Returned:
		return contracts.OrderReturned, &orderv1.OrderReturned{OrderId: id, UserId: user, Version: s.Version}, nil
	}
	return contracts.Type{}, nil, fmt.Errorf("order %d: no event tells of status %q", s.ID, s.Status)
}

func placedFrom(s *order.State) *orderv1.OrderPlaced {
	lines := make([]*orderv1.Line, len(s.Lines))
	for i, l := range s.Lines {
		lines[i] = &orderv1.Line{Sku: string(l.SKU), Quantity: l.Quantity, UnitPrice: l.UnitPrice}
	}
	return &orderv1.OrderPlaced{
		OrderId: int64(s.ID), UserId: int64(s.Key.User), Version: s.Version, Lines: lines,
		Currency: string(s.Total.Currency()), Total: s.Total.Minor(), Payable: s.Payable.Minor(), PointsUsed: s.PointsUsed,
		PaymentMethod: s.Method, DeadlineUs: database.Micros(s.Deadline),
	}
}
