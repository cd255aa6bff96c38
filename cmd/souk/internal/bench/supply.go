package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"souk.example/pkg/database"
)

// What a run needs so that nothing runs out, however fast the machine: at 100
// fen each, a wallet pays for a million orders and a product has a thousand
// million units.
const (
	price         = 100
	walletNeeds   = price * 1_000_000
	unitsNeeded   = 1_000_000_000
	supplyWorkers = 16
	uniformSKUs   = 1_000
	priceWait     = time.Minute // for order to learn the prices of new products
)

func skusOf(p Profile) []string {
	if p == Hot {
		return []string{"BENCH-HOT"}
	}
	skus := make([]string, uniformSKUs)
	for i := range skus {
		skus[i] = fmt.Sprintf("BENCH-%04d", i+1)
	}
	return skus
}

// supply makes the bench's products as far as they are missing, fills their
// stock and the customers' wallets up through the public API, and returns the
// products to buy.
func (r run) supply(ctx context.Context) ([]string, error) {
	r.say("preparing products and wallets")
	skus := skusOf(r.cfg.Profile)
	if err := r.stockUp(ctx, skus); err != nil {
		return nil, err
	}
	if err := r.fillWallets(ctx); err != nil {
		return nil, err
	}
	return skus, r.awaitPrices(ctx, skus)
}

func (r run) stockUp(ctx context.Context, skus []string) error {
	available, err := amounts[string](ctx, r.stack.Inventory, "SELECT sku, available FROM stock WHERE sku LIKE 'BENCH-%'")
	if err != nil {
		return err
	}
	return inParallel(ctx, skus, func(ctx context.Context, sku string) error {
		units, exists := available[sku]
		switch {
		case !exists:
			return r.post(ctx, r.stack.Admin, "/v1/admin/products", r.id+sku, benchProduct(sku))
		case units < unitsNeeded/2:
			return r.post(ctx, r.stack.Admin, "/v1/admin/stock/"+sku+"/adjustments", r.id+sku,
				map[string]any{"delta": unitsNeeded - units, "reason": "souk bench"})
		}
		return nil
	})
}

func benchProduct(sku string) any {
	return map[string]any{
		"sku": sku, "name": "Bench piece " + sku, "description": "Bought by souk bench.", "image_url": "",
		"price": fen(price), "stock": unitsNeeded,
	}
}

func (r run) fillWallets(ctx context.Context) error {
	balances, err := amounts[int64](ctx, r.stack.Payment, "SELECT user_id, balance FROM wallet WHERE currency = 'CNY'")
	if err != nil {
		return err
	}
	return inParallel(ctx, r.stack.Customers, func(ctx context.Context, c Customer) error {
		if balances[c.ID] >= walletNeeds {
			return nil
		}
		return r.post(ctx, c.Token, "/v1/wallet/topups", r.id+"topup", map[string]any{"amount": fen(walletNeeds)})
	})
}

func fen(n int64) any { return map[string]any{"amount": n, "currency": "CNY"} }

// awaitPrices waits until order knows the products: until then it refuses them.
func (r run) awaitPrices(ctx context.Context, skus []string) error {
	ctx, cancel := context.WithTimeout(ctx, priceWait)
	defer cancel()
	for {
		prices, err := amounts[string](ctx, r.stack.Order, "SELECT sku, amount FROM price WHERE sku LIKE 'BENCH-%'")
		if err != nil {
			return err
		}
		if containsAll(prices, skus) {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("order does not know all prices: %w", err)
		}
	}
}

func containsAll(known map[string]int64, skus []string) bool {
	for _, sku := range skus {
		if _, ok := known[sku]; !ok {
			return false
		}
	}
	return true
}

// amounts reads a query of keys and numbers.
func amounts[K string | int64](ctx context.Context, db *database.DB, query string) (map[K]int64, error) {
	rows, err := db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[K]int64)
	for rows.Next() {
		var key K
		var n int64
		if err := rows.Scan(&key, &n); err != nil {
			return nil, err
		}
		found[key] = n
	}
	return found, rows.Err()
}

func inParallel[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(supplyWorkers)
	for _, one := range all {
		g.Go(func() error { return do(ctx, one) })
	}
	return g.Wait()
}
