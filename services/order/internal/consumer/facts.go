// Package consumer feeds order what other services say.
package consumer

import (
	"context"
	"fmt"
	"strconv"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
)

// facts maps each event type to the fact it reports.
func facts() map[string]order.Fact {
	return map[string]order.Fact{
		contracts.InventoryReserved.Name:  order.StockReserved,
		contracts.InventoryRejected.Name:  order.StockRefused,
		contracts.PaymentCaptured.Name:    order.Captured,
		contracts.PaymentFailed.Name:      order.PaymentFailed,
		contracts.PaymentRefunded.Name:    order.Refunded,
		contracts.PointsAwarded.Name:      order.PointsAwarded,
		contracts.PointsFrozen.Name:       order.PointsFrozen,
		contracts.PointsRefused.Name:      order.PointsRefused,
		contracts.InventoryRestocked.Name: order.Restocked,
		contracts.PointsReversed.Name:     order.PointsReversed,
	}
}

// FactTypes lists the event types that Facts understands.
func FactTypes() []string {
	types := make([]string, 0, len(facts()))
	for t := range facts() {
		types = append(types, t)
	}
	return types
}

// Sagas wait for some of the facts.
type Sagas interface {
	// Hear gives sagas what they wait for among the reports, in tx.
	Hear(ctx context.Context, tx *database.Tx, reports []order.Report) error
}

// Facts makes the handler of inventory's, payment's and points' replies: a
// batch is one read, one write per way orders go, and one event per status.
func Facts(s *store.Store, l *order.Learner, sagas Sagas) inbox.Batch {
	known := facts()
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		reports := make([]order.Report, len(events))
		for i, e := range events {
			id, err := strconv.ParseInt(e.Subject, 10, 64)
			if err != nil {
				return inbox.Permanent(fmt.Errorf("event %s: subject is no order id", e.ID))
			}
			reports[i] = order.Report{Order: order.ID(id), Fact: known[e.Type], Nudged: e.Nudge}
		}
		if err := sagas.Hear(ctx, tx, reports); err != nil {
			return err
		}
		err := l.Learn(ctx, s.Unit(tx), reports)
		if order.IsImpossible(err) {
			return inbox.Permanent(err)
		}
		return err
	}
}
