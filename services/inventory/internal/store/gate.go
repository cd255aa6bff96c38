package store

import (
	"context"
	"fmt"
	"slices"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

const selectScarce = "SELECT sku FROM stock WHERE available <= ? " +
	"ORDER BY CASE WHEN available + reserved > 0 THEN 0 ELSE 1 END, available, sku LIMIT ?"

// Scarce implements gate.Stock: one pass over the stock.
func (s *Store) Scarce(ctx context.Context, below int64, limit int) ([]inventory.SKU, error) {
	return skus[inventory.SKU](ctx, s.db, selectScarce, below, limit)
}

// StockOf implements gate.Stock, without locks.
func (s *Store) StockOf(ctx context.Context, skus []inventory.SKU) ([]inventory.Stock, error) {
	found := make([]inventory.Stock, 0, len(skus))
	for part := range slices.Chunk(skus, chunk) {
		in, args := database.In(part)
		stock, err := list(ctx, s.db, stockFields, selectStock+"IN "+in, args...)
		if err != nil {
			return nil, fmt.Errorf("read stock of %d skus: %w", len(part), err)
		}
		found = append(found, stock...)
	}
	return found, nil
}

// Decided implements gate.Stock.
func (s *Store) Decided(ctx context.Context, orders []inventory.OrderID) (map[inventory.OrderID]bool, error) {
	decided := make(map[inventory.OrderID]bool, len(orders))
	for part := range slices.Chunk(orders, chunk) {
		in, args := database.In(part)
		id := func(id *inventory.OrderID) []any { return []any{id} }
		ids, err := list(ctx, s.db, id, "SELECT order_id FROM reservation WHERE order_id IN "+in, args...)
		if err != nil {
			return nil, fmt.Errorf("look for decisions about %d orders: %w", len(part), err)
		}
		for _, id := range ids {
			decided[id] = true
		}
	}
	return decided, nil
}

// list reads the rows of a query into values, whose fields are the columns.
func list[T any](ctx context.Context, db *database.DB, fields func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		var v T
		if err := rows.Scan(fields(&v)...); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}
