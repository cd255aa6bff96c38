// Package consumer feeds points the orders that were paid.
package consumer

import (
	"context"
	"errors"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
)

// Group is the consumer group that rewards orders.
const Group = "points"

// Types lists the event types that Paid understands.
func Types() []string { return []string{contracts.OrderPaid.Name} }

// Paid makes the handler of order.paid: a batch is one look-up and one write
// per table.
func Paid(awarder *points.Awarder, outbox store.Outbox) inbox.Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		paid := make([]points.PaidOrder, len(events))
		for i, e := range events {
			p, err := contracts.DecodeAs[orderv1.OrderPaid](e)
			if err != nil {
				return inbox.Permanent(err)
			}
			paid[i] = points.PaidOrder{
				Order: points.OrderID(p.OrderId), User: points.UserID(p.UserId),
				Paid: money.Of(p.Payable, money.Currency(p.Currency)), Nudged: e.Nudge,
			}
		}
		err := awarder.Award(ctx, store.NewUnit(tx, outbox), paid)
		if errors.Is(err, points.ErrMalformed) {
			return inbox.Permanent(err)
		}
		return err
	}
}
