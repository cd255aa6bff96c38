package store

import (
	"context"
	"fmt"

	"souk.example/services/inventory/internal/inventory"
)

// Totals implements gauges.Counter: one pass over products and stock.
func (s *Store) Totals(ctx context.Context) (inventory.Totals, error) {
	var t inventory.Totals
	err := s.db.QueryRow(ctx, "SELECT COALESCE(SUM(1 - p.withdrawn), 0),"+
		" COALESCE(SUM(CASE WHEN p.withdrawn = 0 AND s.available = 0 THEN 1 ELSE 0 END), 0),"+
		" COALESCE(SUM(s.available), 0), COALESCE(SUM(s.reserved), 0), COALESCE(SUM(s.sold), 0)"+
		" FROM product p JOIN stock s ON s.sku = p.sku").
		Scan(&t.Products, &t.SoldOut, &t.Available, &t.Reserved, &t.Sold)
	if err != nil {
		return inventory.Totals{}, fmt.Errorf("count stock: %w", err)
	}
	return t, nil
}
