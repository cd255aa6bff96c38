package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// Query says which part of the products on sale is wanted.
type Query struct {
	Text  string        // found in sku or name, whatever the case; "" for all
	After inventory.SKU // only products behind this one; "" for the first
	Limit int           // at most this many, 1 or more
}

func selectListings() string {
	return "SELECT p." + strings.Join(productColumns, ",p.") + ",s.available FROM product p JOIN stock s ON s.sku = p.sku WHERE p.withdrawn = 0"
}

// Listing returns a product on sale; false when there is none.
func (s *Store) Listing(ctx context.Context, sku inventory.SKU) (inventory.Listing, bool, error) {
	var l listingRow
	err := s.db.QueryRow(ctx, selectListings()+" AND p.sku = ?", string(sku)).Scan(l.fields()...)
	if errors.Is(err, database.ErrNotFound) {
		return inventory.Listing{}, false, nil
	}
	if err != nil {
		return inventory.Listing{}, false, fmt.Errorf("read product %s: %w", sku, err)
	}
	return l.listing(), true, nil
}

// Listings returns products on sale in the order of their SKUs.
func (s *Store) Listings(ctx context.Context, q Query) ([]inventory.Listing, error) {
	query, args := selectListings()+" AND p.sku > ?", []any{string(q.After)}
	if q.Text != "" {
		query += " AND p.search LIKE ? ESCAPE '!'"
		args = append(args, "%"+escapeLike(strings.ToLower(q.Text))+"%")
	}
	return s.listings(ctx, query+" ORDER BY p.sku LIMIT ?", append(args, q.Limit))
}

// ListingsOf returns those of the products that are on sale.
func (s *Store) ListingsOf(ctx context.Context, skus []string) ([]inventory.Listing, error) {
	if len(skus) == 0 {
		return nil, nil
	}
	in, args := database.In(skus)
	return s.listings(ctx, selectListings()+" AND p.sku IN "+in, args)
}

func (s *Store) listings(ctx context.Context, query string, args []any) ([]inventory.Listing, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list products: %w", err)
	}
	defer rows.Close()
	listings := []inventory.Listing{}
	for rows.Next() {
		var l listingRow
		if err := rows.Scan(l.fields()...); err != nil {
			return nil, fmt.Errorf("list products: %w", err)
		}
		listings = append(listings, l.listing())
	}
	return listings, rows.Err()
}

// escapeLike makes text mean itself in a LIKE pattern with ESCAPE '!'.
func escapeLike(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// listingRow is a product with what is left of it.
type listingRow struct {
	productRow
	Available int64
}

func (r *listingRow) fields() []any { return append(r.productRow.fields(), &r.Available) }

func (r *listingRow) listing() inventory.Listing {
	return inventory.Listing{Product: r.product(), Available: r.Available}
}
