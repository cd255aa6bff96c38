package audit

import (
	"context"
	"strconv"
)

// checkIDs finds ids that a service gave twice (8). A table's own key keeps
// its rows apart; this looks across the tables that draw from one source.
func checkIDs(ctx context.Context, s snapshots, f *findings) error {
	if err := given(ctx, s.order, "an order and a pack have it",
		"SELECT o.id FROM orders o JOIN event_log e ON e.id = o.id", f); err != nil {
		return err
	}
	for _, q := range []querier{s.inventory, s.order, s.payment, s.points} {
		if err := given(ctx, q, "a pack and a parked message have it",
			"SELECT e.id FROM event_log e JOIN dead_letter d ON d.id = e.id", f); err != nil {
			return err
		}
	}
	return nil
}

func given(ctx context.Context, q querier, who, query string, f *findings) error {
	var id int64
	return each(ctx, q, query, []any{&id}, func() error {
		f.violated(Identity, "id "+strconv.FormatInt(id, 10), "%s", who)
		return nil
	})
}
