// Package consumer feeds points what order asks of it.
package consumer

import (
	"context"
	"fmt"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
)

// Types lists the event types that Orders understands.
func Types() []string {
	return []string{
		contracts.OrderPlaced.Name, contracts.OrderPaid.Name, contracts.OrderRejected.Name, contracts.OrderCancelled.Name,
		contracts.OrderPointsReversalRequested.Name,
	}
}

// Orders makes the handler of order's requests: a batch is one look-up at most and one
// write per table. A placed order that uses no points asks for nothing.
func Orders(settler *points.Settler, outbox store.Outbox) inbox.Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		requests := make([]points.Request, 0, len(events))
		for _, e := range events {
			r, err := requestFrom(e)
			if err != nil {
				return inbox.Permanent(err)
			}
			if r.Action != points.Try || r.Points != 0 {
				requests = append(requests, r)
			}
		}
		err := settler.Settle(ctx, store.NewUnit(tx, outbox), requests)
		if points.IsImpossible(err) {
			return inbox.Permanent(err)
		}
		return err
	}
}

func requestFrom(e eventbus.Event) (points.Request, error) {
	m, err := contracts.Decode(e)
	if err != nil {
		return points.Request{}, err
	}
	r := points.Request{Nudged: e.Nudge}
	switch m := m.(type) {
	case *orderv1.OrderPlaced:
		r.Order, r.User, r.Action, r.Points = points.OrderID(m.OrderId), points.UserID(m.UserId), points.Try, m.PointsUsed
		r.Deadline = database.Time(m.DeadlineUs)
	case *orderv1.OrderPaid:
		r.Order, r.User, r.Action, r.Points = points.OrderID(m.OrderId), points.UserID(m.UserId), points.Confirm, m.PointsUsed
		r.Paid = money.Of(m.Payable, money.Currency(m.Currency))
	case *orderv1.OrderRejected:
		r.Order, r.User, r.Action = points.OrderID(m.OrderId), points.UserID(m.UserId), points.Cancel
	case *orderv1.OrderCancelled:
		r.Order, r.User, r.Action = points.OrderID(m.OrderId), points.UserID(m.UserId), points.Cancel
	case *orderv1.OrderPointsReversalRequested:
		r.Order, r.User, r.Action = points.OrderID(m.OrderId), points.UserID(m.UserId), points.Reverse
	default:
		return r, fmt.Errorf("event %s: %s asks nothing of points", e.ID, e.Type)
	}
	return r, nil
}
