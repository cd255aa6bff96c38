package consumer

import (
	"context"

	"souk.example/contracts"
	"souk.example/contracts/productv1"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
)

// Prices makes the handler of product.changed.
func Prices(s *store.Store) inbox.Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		prices := make([]order.Price, len(events))
		for i, e := range events {
			p, err := contracts.DecodeAs[productv1.ProductChanged](e)
			if err != nil {
				return inbox.Permanent(err)
			}
			prices[i] = order.Price{
				SKU: order.SKU(p.Sku), Version: p.Version, Amount: money.Of(p.Price, money.Currency(p.Currency)), Withdrawn: p.Withdrawn,
			}
		}
		return s.Unit(tx).LearnPrices(ctx, prices)
	}
}
