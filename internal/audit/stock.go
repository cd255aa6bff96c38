package audit

import "context"

// counts are the units of a SKU by where they are.
type counts struct{ available, reserved, sold, initial, adjusted int64 }

func (c *counts) fields() []any {
	return []any{&c.available, &c.reserved, &c.sold, &c.initial, &c.adjusted}
}

// units is what reservations hold and have sold of a SKU.
type units struct{ held, committed int64 }

// checkStock holds every SKU against its own sum, its ledger and its
// reservations (1). There are far fewer SKUs than orders: sums per SKU fit in
// memory.
func checkStock(ctx context.Context, s snapshots, f *findings) error {
	taken, err := checkReservations(ctx, s, f)
	if err != nil {
		return err
	}
	ledger, err := foldStockLedger(ctx, s.inventory)
	if err != nil {
		return err
	}
	var sku string
	var c counts
	err = each(ctx, s.inventory, "SELECT sku, available, reserved, sold, initial, adjusted FROM stock",
		append([]any{&sku}, c.fields()...), func() error {
			f.checked.Stock++
			checkCounts(sku, c, ledger[sku], taken[sku], f)
			delete(ledger, sku)
			delete(taken, sku)
			return nil
		})
	for sku := range ledger {
		f.violated(Stock, sku, "the ledger knows it, but there is no stock of it")
	}
	for sku, u := range taken {
		f.violated(Stock, sku, "%d held and %d sold, but there is no stock of it", u.held, u.committed)
	}
	return err
}

func foldStockLedger(ctx context.Context, q querier) (map[string]counts, error) {
	fold := map[string]counts{}
	var sku string
	var c counts
	err := each(ctx, q, "SELECT sku, SUM(d_available), SUM(d_reserved), SUM(d_sold), SUM(d_initial), SUM(d_adjusted) FROM stock_ledger GROUP BY sku",
		append([]any{&sku}, c.fields()...), func() error {
			fold[sku] = c
			return nil
		})
	return fold, err
}

func checkCounts(sku string, c, ledger counts, taken units, f *findings) {
	if c.available < 0 || c.reserved < 0 || c.sold < 0 {
		f.violated(Stock, sku, "below zero: %d available, %d reserved, %d sold", c.available, c.reserved, c.sold)
	}
	if have, got := c.available+c.reserved+c.sold, c.initial+c.adjusted; have != got {
		f.violated(Stock, sku, "%d available + %d reserved + %d sold = %d, but %d came in", c.available, c.reserved, c.sold, have, got)
	}
	if c != ledger {
		f.violated(Stock, sku, "it is %+v, its ledger adds up to %+v", c, ledger)
	}
	if c.reserved != taken.held || c.sold != taken.committed {
		f.violated(Stock, sku, "%d reserved and %d sold, but reservations hold %d and have bought %d", c.reserved, c.sold, taken.held, taken.committed)
	}
}
