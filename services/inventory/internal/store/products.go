package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// Add implements inventory.Catalogue.
func (s *Store) Add(ctx context.Context, products []inventory.NewProduct) error {
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return s.add(ctx, tx, products) })
	if errors.Is(err, database.ErrDuplicate) {
		return inventory.ErrSKUTaken.With(err)
	}
	return err
}

// add stores the products, their units, why there are that many, and the
// events that tell of them.
func (s *Store) add(ctx context.Context, tx *database.Tx, products []inventory.NewProduct) error {
	rows, stock, moves := make([][]any, len(products)), make([][]any, len(products)), make(inventory.Moves)
	changed := make([]inventory.Product, len(products))
	for i, p := range products {
		changed[i], rows[i] = p.Product, productRowFrom(p.Product).values()
		stock[i] = []any{string(p.SKU), 0, 0, 0, 0, 0}
		p.Move(moves)
	}
	if err := tx.Insert(ctx, "product", productColumns, rows); err != nil {
		return fmt.Errorf("insert %d products: %w", len(rows), err)
	}
	if err := tx.Insert(ctx, "stock", stockColumns, stock); err != nil {
		return fmt.Errorf("insert stock of %d products: %w", len(rows), err)
	}
	if err := s.record(ctx, tx, moves, "", changed[0].UpdatedAt); err != nil {
		return err
	}
	return s.emitProducts(ctx, tx, changed...)
}

// Change implements inventory.Catalogue.
func (s *Store) Change(ctx context.Context, sku inventory.SKU, change func(inventory.Product) (inventory.Product, bool, error)) (p inventory.Product, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		stored, err := lockProduct(ctx, tx, sku)
		if err != nil {
			return err
		}
		changed, different, err := change(stored)
		p = changed
		if err != nil || !different {
			return err
		}
		if err := updateProduct(ctx, tx, changed); err != nil {
			return err
		}
		return s.emitProducts(ctx, tx, changed)
	})
	return p, err
}

func lockProduct(ctx context.Context, tx *database.Tx, sku inventory.SKU) (inventory.Product, error) {
	var r productRow
	query := "SELECT " + strings.Join(productColumns, ",") + " FROM product WHERE sku = ?" + tx.ForUpdate()
	err := tx.QueryRow(ctx, query, string(sku)).Scan(r.fields()...)
	if errors.Is(err, database.ErrNotFound) {
		return inventory.Product{}, inventory.ErrProductNotFound
	}
	if err != nil {
		return inventory.Product{}, fmt.Errorf("lock product %s: %w", sku, err)
	}
	return r.product(), nil
}

func updateProduct(ctx context.Context, tx *database.Tx, p inventory.Product) error {
	cols := productColumns[1:]
	n, err := tx.Exec(ctx, "UPDATE product SET "+strings.Join(cols, " = ?, ")+" = ? WHERE sku = ?",
		append(productRowFrom(p).values()[1:], string(p.SKU))...)
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows instead of one", n)
	}
	if err != nil {
		return fmt.Errorf("update product %s: %w", p.SKU, err)
	}
	return nil
}
