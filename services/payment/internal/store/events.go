package store

import (
	"context"
	"fmt"

	"souk.example/contracts"
	"souk.example/contracts/paymentv1"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
)

// emitReplies tells order of each payment. The event's id follows from the
// payment, so a reply that is sent again is the same event.
func (u unit) emitReplies(ctx context.Context, replies []payment.Payment) error {
	if len(replies) == 0 {
		return nil
	}
	events := make([]eventbus.Event, len(replies))
	for i, p := range replies {
		e, err := eventFor(p)
		if err != nil {
			return err
		}
		events[i] = e
	}
	return u.outbox.Append(ctx, u.tx, contracts.TopicPayment, events...)
}

func eventFor(p payment.Payment) (eventbus.Event, error) {
	id := int64(p.Order)
	switch p.Status {
	case payment.Captured:
		return contracts.NewEvent(contracts.PaymentCaptured, id, &paymentv1.PaymentCaptured{
			OrderId: id, Amount: p.Captured.Minor(), Currency: string(p.Captured.Currency()),
		})
	case payment.Failed:
		return contracts.NewEvent(contracts.PaymentFailed, id, &paymentv1.PaymentFailed{OrderId: id, Reason: p.Reason})
	}
	return eventbus.Event{}, fmt.Errorf("payment of order %d: no event tells of status %q", p.Order, p.Status)
}
