package audit

import (
	"context"
	"strconv"
)

// checkIDs finds ids that a service gave twice (8). A table's own key keeps
// its rows apart; this looks across the tables that draw from one source.
func checkIDs(ctx context.Context, s snapshots, f *findings) error {
	const parked = "SELECT e.id FROM event_log e JOIN dead_letter d ON d.id = e.id"
	for _, pair := range []struct {
		db         querier
		who, query string
	}{
		{s.order, "an order and a pack have it", "SELECT o.id FROM orders o JOIN event_log e ON e.id = o.id"},
		{s.order, "an order and a parked message have it", "SELECT o.id FROM orders o JOIN dead_letter d ON d.id = o.id"},
		{s.inventory, "a batch of the stock ledger and a pack have it", "SELECT e.id FROM event_log e" + inLedger("e")},
		{s.inventory, "a batch of the stock ledger and a parked message have it", "SELECT d.id FROM dead_letter d" + inLedger("d")},
		{s.inventory, "a pack and a parked message have it", parked},
		{s.order, "a pack and a parked message have it", parked},
		{s.payment, "a pack and a parked message have it", parked},
		{s.points, "a pack and a parked message have it", parked},
	} {
		if err := given(ctx, pair.db, pair.who, pair.query, f); err != nil {
			return err
		}
	}
	return nil
}

// inLedger keeps the rows whose id a batch has; a batch is many rows.
func inLedger(alias string) string {
	return " WHERE EXISTS (SELECT 1 FROM stock_ledger l WHERE l.batch_id = " + alias + ".id)"
}

func given(ctx context.Context, q querier, who, query string, f *findings) error {
	var id int64
	return each(ctx, q, query, []any{&id}, func() error {
		f.violated(Identity, "id "+strconv.FormatInt(id, 10), "%s", who)
		return nil
	})
}
