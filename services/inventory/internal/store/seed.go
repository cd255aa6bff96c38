package store

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// AddMissing stores those of the products whose SKU is not in use, all of them
// or none, and counts them.
func (s *Store) AddMissing(ctx context.Context, products []inventory.NewProduct) (added int, err error) {
	for attempt := 0; ; attempt++ {
		err = s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			missing, err := missingAmong(ctx, tx, products)
			added = len(missing)
			if err != nil || added == 0 {
				return err
			}
			return s.add(ctx, tx, missing)
		})
		// A duplicate was added by somebody else since we looked: look again.
		if !errors.Is(err, database.ErrDuplicate) || attempt == 3 {
			return added, err
		}
	}
}

func missingAmong(ctx context.Context, tx *database.Tx, products []inventory.NewProduct) ([]inventory.NewProduct, error) {
	skus := make([]string, len(products))
	for i, p := range products {
		skus[i] = string(p.SKU)
	}
	in, args := database.In(skus)
	rows, err := tx.Query(ctx, "SELECT sku FROM product WHERE sku IN "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("look up %d skus: %w", len(skus), err)
	}
	defer rows.Close()
	known := make(map[inventory.SKU]bool)
	for rows.Next() {
		var sku inventory.SKU
		if err := rows.Scan(&sku); err != nil {
			return nil, err
		}
		known[sku] = true
	}
	var missing []inventory.NewProduct
	for _, p := range products {
		if !known[p.SKU] {
			known[p.SKU] = true
			missing = append(missing, p)
		}
	}
	return missing, rows.Err()
}
