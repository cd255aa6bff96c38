// Package consumer feeds payment what order asks of it.
package consumer

import (
	"context"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/store"
)

// Types lists the event types that Orders understands.
func Types() []string {
	return []string{contracts.OrderPaymentDue.Name, contracts.OrderCancelled.Name, contracts.OrderRefundRequested.Name}
}

// Orders makes the handler of order's requests: a batch is one look-up at most, one
// lock of the wallets concerned, and one write per table.
func Orders(settler *payment.Settler, journal *store.Journal) inbox.Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		requests := make([]payment.Request, len(events))
		for i, e := range events {
			r, err := requestFrom(e)
			if err != nil {
				return inbox.Permanent(err)
			}
			requests[i] = r
		}
		err := settler.Settle(ctx, journal.Unit(tx), requests)
		if payment.IsImpossible(err) {
			return inbox.Permanent(err)
		}
		return err
	}
}

func requestFrom(e eventbus.Event) (payment.Request, error) {
	switch e.Type {
	case contracts.OrderCancelled.Name:
		return voidFrom(e)
	case contracts.OrderRefundRequested.Name:
		return refundFrom(e)
	}
	return captureFrom(e)
}

func captureFrom(e eventbus.Event) (payment.Request, error) {
	due, err := contracts.DecodeAs[orderv1.OrderPaymentDue](e)
	if err != nil {
		return payment.Request{}, err
	}
	return payment.Request{
		Order: payment.OrderID(due.OrderId), User: payment.UserID(due.UserId), Action: payment.Capture,
		Amount: money.Of(due.Payable, money.Currency(due.Currency)), Method: due.PaymentMethod,
		Token: config.Secret(due.PaymentToken), Nudged: e.Nudge,
	}, nil
}

func voidFrom(e eventbus.Event) (payment.Request, error) {
	cancelled, err := contracts.DecodeAs[orderv1.OrderCancelled](e)
	if err != nil {
		return payment.Request{}, err
	}
	return payment.Request{
		Order: payment.OrderID(cancelled.OrderId), User: payment.UserID(cancelled.UserId), Action: payment.Void,
	}, nil
}

func refundFrom(e eventbus.Event) (payment.Request, error) {
	wanted, err := contracts.DecodeAs[orderv1.OrderRefundRequested](e)
	if err != nil {
		return payment.Request{}, err
	}
	return payment.Request{
		Order: payment.OrderID(wanted.OrderId), User: payment.UserID(wanted.UserId), Action: payment.GiveBack,
		Refund: payment.RefundID(wanted.RefundId), Amount: money.Of(wanted.Amount, money.Currency(wanted.Currency)), Nudged: e.Nudge,
	}, nil
}
