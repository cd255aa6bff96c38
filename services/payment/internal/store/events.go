package store

import (
	"context"
	"fmt"

	"souk.example/contracts"
	"souk.example/contracts/paymentv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/payment/internal/payment"
)

// emit tells order of each payment and each refund. An event's id follows from
// what it tells of, so a reply that is sent again is the same event.
func (j *Journal) emit(ctx context.Context, tx *database.Tx, replies []payment.Payment, refunds []payment.Refund) error {
	if len(replies)+len(refunds) == 0 {
		return nil
	}
	events := make([]eventbus.Event, 0, len(replies)+len(refunds))
	var followed []string
	add := func(call string, e eventbus.Event, err error) error {
		if e.TraceParent = j.traces.find(call); e.TraceParent != "" {
			followed = append(followed, call)
		}
		events = append(events, e)
		return err
	}
	for _, p := range replies {
		e, err := eventFor(p)
		if err := add(e.Subject, e, err); err != nil { // a charge's key is its order's id
			return err
		}
	}
	for _, r := range refunds {
		e, err := refundEventFor(r)
		if err := add(string(r.ID), e, err); err != nil {
			return err
		}
	}
	if len(followed) > 0 {
		tx.OnCommit(func() { j.traces.forget(followed) })
	}
	return j.outbox.Append(ctx, tx, contracts.TopicPayment, events...)
}

func refundEventFor(r payment.Refund) (eventbus.Event, error) {
	return contracts.NewRefundEvent(contracts.PaymentRefunded, int64(r.Order), string(r.ID), &paymentv1.PaymentRefunded{
		OrderId: int64(r.Order), RefundId: string(r.ID), Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
	})
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
