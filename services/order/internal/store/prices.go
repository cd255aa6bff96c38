package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// Prices implements order.Store. Prices that this process has read are not read
// again until somebody learns another.
func (s *Store) Prices(ctx context.Context, skus []order.SKU) (map[order.SKU]money.Amount, error) {
	var revision int64
	if err := s.db.QueryRow(ctx, "SELECT revision FROM price_revision WHERE id = 1").Scan(&revision); err != nil {
		return nil, fmt.Errorf("read the revision of prices: %w", err)
	}
	prices, missing := s.known.find(revision, skus)
	if len(missing) == 0 {
		return prices, nil
	}
	read, err := s.readPrices(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("read %d prices: %w", len(missing), err)
	}
	s.known.keep(revision, read)
	maps.Copy(prices, read)
	return prices, nil
}

func (s *Store) readPrices(ctx context.Context, skus []order.SKU) (map[order.SKU]money.Amount, error) {
	in, args := database.In(skus)
	rows, err := s.db.Query(ctx, "SELECT sku, amount, currency FROM price WHERE withdrawn = 0 AND sku IN "+in, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	prices := make(map[order.SKU]money.Amount, len(skus))
	for rows.Next() {
		var sku, currency string
		var amount int64
		if err := rows.Scan(&sku, &amount, &currency); err != nil {
			return nil, err
		}
		prices[order.SKU(sku)] = money.Of(amount, money.Currency(currency))
	}
	return prices, rows.Err()
}

var priceColumns = []string{"sku", "version", "amount", "currency", "withdrawn"}

// LearnPrices implements order.Unit: insert what is new, then raise what is
// older. The version decides in SQL, so two replicas may learn at once.
func (u unit) LearnPrices(ctx context.Context, prices []order.Price) error {
	rows := newestPrices(prices)
	if _, err := u.tx.InsertIgnore(ctx, "price", priceColumns, rows); err != nil {
		return fmt.Errorf("learn %d prices: %w", len(rows), err)
	}
	if err := u.raisePrices(ctx, rows); err != nil {
		return fmt.Errorf("learn %d prices: %w", len(rows), err)
	}
	_, err := u.tx.Exec(ctx, "UPDATE price_revision SET revision = revision + 1 WHERE id = 1")
	if err != nil {
		return fmt.Errorf("raise the revision of prices: %w", err)
	}
	return nil
}

func (u unit) raisePrices(ctx context.Context, rows [][]any) error {
	_, err := u.tx.UpdateMany(ctx, database.UpdateMany{
		Table: "price", Key: priceColumns[:1], Values: priceColumns[1:], Rows: rows,
		Set: map[string]string{
			"version": "v.version", "amount": "v.amount", "currency": "v.currency", "withdrawn": "v.withdrawn",
		},
		Where: "v.version > t.version",
	})
	return err
}

// NoteSnapshot implements order.Unit. Two replicas may note it at once.
func (u unit) NoteSnapshot(ctx context.Context) error {
	now, err := u.tx.Now(ctx)
	if err == nil {
		_, err = u.tx.InsertIgnore(ctx, "price_snapshot", []string{"id", "taken_at"}, [][]any{{1, database.Micros(now)}})
	}
	if err != nil {
		return fmt.Errorf("note the price snapshot: %w", err)
	}
	return nil
}

// newestPrices are rows in SKU order, one per SKU.
func newestPrices(prices []order.Price) [][]any {
	newest := make(map[order.SKU]order.Price, len(prices))
	for _, p := range prices {
		if p.Version > newest[p.SKU].Version {
			newest[p.SKU] = p
		}
	}
	rows := make([][]any, 0, len(newest))
	for _, sku := range slices.Sorted(maps.Keys(newest)) {
		p := newest[sku]
		rows = append(rows, []any{string(sku), p.Version, p.Amount.Minor(), string(p.Amount.Currency()), p.Withdrawn})
	}
	return rows
}
