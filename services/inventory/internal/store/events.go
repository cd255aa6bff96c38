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

// emitReplies tells order of each decision. The event's id follows from the
// reservation, so a reply that is sent again is the same event.
func (u unit) emitReplies(ctx context.Context, replies []inventory.Reservation) error {
	if len(replies) == 0 {
		return nil
	}
	events := make([]eventbus.Event, len(replies))
	for i, r := range replies {
		e, err := replyTo(r)
		if err != nil {
			return err
		}
		events[i] = e
	}
	if err := u.outbox.Append(ctx, u.tx, contracts.TopicInventory, events...); err != nil {
		return fmt.Errorf("emit %d replies: %w", len(events), err)
	}
	return nil
}

// replyTo is what order was told when r was decided: whatever has become of a
// hold since, it was held.
func replyTo(r inventory.Reservation) (eventbus.Event, error) {
	id := int64(r.Order)
	if r.Status == inventory.Refused {
		return contracts.NewEvent(contracts.InventoryRejected, id, &inventoryv1.InventoryRejected{
			OrderId: id, Reason: r.Reason, Sku: string(r.RefusedSKU),
		})
	}
	return contracts.NewEvent(contracts.InventoryReserved, id, &inventoryv1.InventoryReserved{OrderId: id})
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
