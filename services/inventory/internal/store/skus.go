package store

import (
	"context"
	"fmt"
	"iter"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// skuPage is how many SKUs are read at a time.
const skuPage = 1000

// SKUs lists the SKU of every product, withdrawn ones included, in order.
func (s *Store) SKUs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for after := ""; ; {
			skus, err := s.skusAfter(ctx, after)
			if err != nil {
				yield("", err)
				return
			}
			for _, sku := range skus {
				if !yield(sku, nil) {
					return
				}
			}
			if len(skus) < skuPage {
				return
			}
			after = skus[len(skus)-1]
		}
	}
}

func (s *Store) skusAfter(ctx context.Context, after string) ([]string, error) {
	return skus[string](ctx, s.db, "SELECT sku FROM product WHERE sku > ? ORDER BY sku LIMIT ?", after, skuPage)
}

// OnSale lists the SKUs of the first products on sale, at most limit.
func (s *Store) OnSale(ctx context.Context, limit int) ([]inventory.SKU, error) {
	return skus[inventory.SKU](ctx, s.db, "SELECT sku FROM product WHERE withdrawn = 0 ORDER BY sku LIMIT ?", limit)
}

func skus[S ~string](ctx context.Context, db *database.DB, query string, args ...any) ([]S, error) {
	skus, err := list(ctx, db, func(sku *S) []any { return []any{sku} }, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list skus: %w", err)
	}
	return skus, nil
}
