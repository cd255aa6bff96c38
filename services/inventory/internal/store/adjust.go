package store

import (
	"context"
	"errors"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/services/inventory/internal/inventory"
)

// adjustRoute scopes the idempotency keys of adjustments.
const adjustRoute = "POST /v1/admin/stock/{sku}/adjustments"

// stockJSON is a stock as the idempotency table keeps it.
type stockJSON struct {
	SKU       string `json:"sku"`
	Available int64  `json:"available"`
	Reserved  int64  `json:"reserved"`
	Sold      int64  `json:"sold"`
	Initial   int64  `json:"initial"`
	Adjusted  int64  `json:"adjusted"`
}

func (s stockJSON) stock() inventory.Stock {
	return inventory.Stock{
		SKU: inventory.SKU(s.SKU), Available: s.Available, Reserved: s.Reserved, Sold: s.Sold, Initial: s.Initial, Adjusted: s.Adjusted,
	}
}

func stockJSONFrom(s inventory.Stock) stockJSON {
	return stockJSON{
		SKU: string(s.SKU), Available: s.Available, Reserved: s.Reserved, Sold: s.Sold, Initial: s.Initial, Adjusted: s.Adjusted,
	}
}

// Adjust implements inventory.Catalogue: the stock, the ledger and the
// idempotency key change in one transaction.
func (s *Store) Adjust(ctx context.Context, a inventory.Adjustment) (inventory.Adjusted, error) {
	req := idempotency.Request{UserID: a.User, Route: adjustRoute, Key: a.Key, Fingerprint: a.Fingerprint}
	kept, replayed, err := idempotency.Do(ctx, s.db, req, func(ctx context.Context, tx *database.Tx) (stockJSON, error) {
		return s.adjust(ctx, tx, a)
	})
	if err != nil {
		return inventory.Adjusted{}, fmt.Errorf("adjust stock of %s: %w", a.SKU, err)
	}
	return inventory.Adjusted{Stock: kept.stock(), Replayed: replayed}, nil
}

func (s *Store) adjust(ctx context.Context, tx *database.Tx, a inventory.Adjustment) (stockJSON, error) {
	var stock inventory.Stock
	err := tx.QueryRow(ctx, selectStock+"= ?"+tx.ForUpdate(), string(a.SKU)).Scan(stockFields(&stock)...)
	if errors.Is(err, database.ErrNotFound) {
		return stockJSON{}, inventory.ErrProductNotFound
	}
	if err != nil {
		return stockJSON{}, fmt.Errorf("lock stock: %w", err)
	}
	if err := stock.Adjust(a.Delta); err != nil {
		return stockJSON{}, err
	}
	if err := s.record(ctx, tx, a.Moves(), a.Reason, a.At); err != nil {
		return stockJSON{}, err
	}
	stock.Available += a.Delta
	stock.Adjusted += a.Delta
	return stockJSONFrom(stock), nil
}

// Stock implements inventory.Catalogue.
func (s *Store) Stock(ctx context.Context, sku inventory.SKU) (inventory.Stock, error) {
	var stock inventory.Stock
	err := s.db.QueryRow(ctx, selectStock+"= ?", string(sku)).Scan(stockFields(&stock)...)
	if errors.Is(err, database.ErrNotFound) {
		return stock, inventory.ErrProductNotFound
	}
	if err != nil {
		return stock, fmt.Errorf("read stock of %s: %w", sku, err)
	}
	return stock, nil
}
