// Package consumer feeds inventory what order asks of it.
package consumer

import (
	"context"
	"fmt"
	"strconv"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
)

// actions maps each event type to what it asks for.
func actions() map[string]inventory.Action {
	return map[string]inventory.Action{
		contracts.OrderPlaced.Name:           inventory.Reserve,
		contracts.OrderPaid.Name:             inventory.Commit,
		contracts.OrderRejected.Name:         inventory.Release,
		contracts.OrderCancelled.Name:        inventory.Release,
		contracts.OrderRestockRequested.Name: inventory.Restock,
	}
}

// Types lists the event types that Orders understands.
func Types() []string {
	types := make([]string, 0, len(actions()))
	for t := range actions() {
		types = append(types, t)
	}
	return types
}

// Orders makes the handler of order's requests: a batch is one look-up at most, one
// lock of the stock concerned, and one write per table.
func Orders(settler *inventory.Settler, s *store.Store) inbox.Batch {
	known := actions()
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		requests := make([]inventory.Request, len(events))
		for i, e := range events {
			r, err := requestFrom(e, known[e.Type])
			if err != nil {
				return inbox.Permanent(fmt.Errorf("event %s: %w", e.ID, err))
			}
			requests[i] = r
		}
		err := settler.Settle(ctx, s.Unit(tx), requests)
		if inventory.IsImpossible(err) {
			return inbox.Permanent(err)
		}
		return err
	}
}

// requestFrom needs the payload only where there are lines in it: the subject
// of every order event is the order.
func requestFrom(e eventbus.Event, action inventory.Action) (inventory.Request, error) {
	id, err := strconv.ParseInt(e.Subject, 10, 64)
	if err != nil {
		return inventory.Request{}, fmt.Errorf("subject is no order id: %w", err)
	}
	r := inventory.Request{Order: inventory.OrderID(id), Action: action, Nudged: e.Nudge}
	if action != inventory.Reserve {
		return r, nil
	}
	placed, err := contracts.DecodeAs[orderv1.OrderPlaced](e)
	if err != nil {
		return r, err
	}
	if placed.OrderId != id {
		return r, fmt.Errorf("placed order %d under subject %d", placed.OrderId, id)
	}
	r.Deadline = database.Time(placed.DeadlineUs)
	for _, l := range placed.Lines {
		r.Lines = append(r.Lines, inventory.Line{SKU: inventory.SKU(l.Sku), Quantity: l.Quantity})
	}
	return r, nil
}
