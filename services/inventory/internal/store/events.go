package store

import (
	"context"
	"fmt"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/productv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/services/inventory/internal/inventory"
)

// tell tells order of reservations, in the words of an event for each.
func (s *Store) tell(
	ctx context.Context, tx *database.Tx, reservations []inventory.Reservation, words func(inventory.Reservation) (eventbus.Event, error),
) error {
	if len(reservations) == 0 {
		return nil
	}
	events := make([]eventbus.Event, len(reservations))
	for i, r := range reservations {
		e, err := words(r)
		if err != nil {
			return err
		}
		events[i] = e
	}
	if err := s.outbox.Append(ctx, tx, contracts.TopicInventory, events...); err != nil {
		return fmt.Errorf("emit %d replies: %w", len(events), err)
	}
	return nil
}

// reminderOf is the reply again, so that order says what became of the order.
func reminderOf(r inventory.Reservation) (eventbus.Event, error) {
	e, err := replyTo(r)
	e.Nudge = true
	return e, err
}

// replyTo is what order was told when r was decided: whatever has become of a
// hold since, it was held. The event's id follows from the reservation, so a
// reply that is sent again is the same event.
func replyTo(r inventory.Reservation) (eventbus.Event, error) {
	id := int64(r.Order)
	if r.Status == inventory.Refused {
		return contracts.NewEvent(contracts.InventoryRejected, id, &inventoryv1.InventoryRejected{
			OrderId: id, Reason: r.Reason, Sku: string(r.RefusedSKU),
		})
	}
	return contracts.NewEvent(contracts.InventoryReserved, id, &inventoryv1.InventoryReserved{OrderId: id})
}

// restocked tells that the units of a sold order are available again.
func restocked(r inventory.Reservation) (eventbus.Event, error) {
	return contracts.NewEvent(contracts.InventoryRestocked, int64(r.Order), &inventoryv1.InventoryRestocked{OrderId: int64(r.Order)})
}

// emitProducts tells the world of new versions of products.
func (s *Store) emitProducts(ctx context.Context, tx *database.Tx, products ...inventory.Product) error {
	events := make([]eventbus.Event, len(products))
	for i, p := range products {
		e, err := contracts.NewProductChanged(&productv1.ProductChanged{
			Sku: string(p.SKU), Version: p.Version, Name: p.Name,
			Price: p.Price.Minor(), Currency: string(p.Price.Currency()), Withdrawn: p.Withdrawn,
		})
		if err != nil {
			return err
		}
		events[i] = e
	}
	if err := s.outbox.Append(ctx, tx, contracts.TopicProduct, events...); err != nil {
		return fmt.Errorf("emit %d products: %w", len(events), err)
	}
	return nil
}
