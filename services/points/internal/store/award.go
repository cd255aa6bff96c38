package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"souk.example/pkg/database"
	"souk.example/services/points/internal/points"
)

// Awards implements points.Unit.
func (u unit) Awards(ctx context.Context, orders []points.OrderID) (map[points.OrderID]points.Award, error) {
	in, args := database.In(orders)
	rows, err := u.tx.Query(ctx,
		"SELECT order_id, user_id, amount FROM points_entry WHERE order_id IN "+in+" AND cause_id = ?", append(args, points.CausePaid)...)
	if err != nil {
		return nil, fmt.Errorf("look up awards of %d orders: %w", len(orders), err)
	}
	defer rows.Close()
	found := make(map[points.OrderID]points.Award)
	for rows.Next() {
		var order, user, amount int64
		if err := rows.Scan(&order, &user, &amount); err != nil {
			return nil, fmt.Errorf("read award: %w", err)
		}
		id := points.OrderID(order)
		found[id] = points.Award{Order: id, User: points.UserID(user), Points: found[id].Points + amount}
	}
	return found, rows.Err()
}

// Record implements points.Unit. A duplicate entry means that somebody else
// has awarded meanwhile: database.ErrDuplicate, decide again.
func (u unit) Record(ctx context.Context, d points.Decisions) error {
	rows := make([][]any, len(d.Entries))
	for i, e := range d.Entries {
		rows[i] = entryRowFrom(e).values()
	}
	if err := u.tx.Insert(ctx, "points_entry", entryColumns, rows); err != nil {
		return fmt.Errorf("insert %d entries: %w", len(rows), err)
	}
	if err := u.credit(ctx, d.Earned); err != nil {
		return err
	}
	return u.emitReplies(ctx, d.Replies)
}

// credit raises accounts in the order of their keys, so that two batches never
// wait for each other in a circle.
func (u unit) credit(ctx context.Context, earned map[points.UserID]int64) error {
	rows := make([][]any, 0, len(earned))
	for _, user := range slices.Sorted(maps.Keys(earned)) {
		rows = append(rows, []any{int64(user), earned[user], 0, 0})
	}
	err := u.tx.Upsert(ctx, "points_account", accountColumns[:1], accountColumns, rows,
		map[string]string{"balance": "old(balance) + new(balance)"})
	if err != nil {
		return fmt.Errorf("credit %d accounts: %w", len(rows), err)
	}
	return nil
}
