package store

import (
	"context"
	"fmt"
	"iter"
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
	rows, err := s.db.Query(ctx, "SELECT sku FROM product WHERE sku > ? ORDER BY sku LIMIT ?", after, skuPage)
	if err != nil {
		return nil, fmt.Errorf("list skus: %w", err)
	}
	defer rows.Close()
	skus := make([]string, 0, skuPage)
	for rows.Next() {
		var sku string
		if err := rows.Scan(&sku); err != nil {
			return nil, fmt.Errorf("list skus: %w", err)
		}
		skus = append(skus, sku)
	}
	return skus, rows.Err()
}
