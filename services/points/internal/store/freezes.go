package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"souk.example/pkg/database"
	"souk.example/services/points/internal/points"
)

// Freezes implements points.Unit; orders come in ascending order.
func (u unit) Freezes(ctx context.Context, orders []points.OrderID) (map[points.OrderID]points.Freeze, error) {
	found := make(map[points.OrderID]points.Freeze)
	for ids := range slices.Chunk(orders, chunk) {
		if err := u.readFreezes(ctx, ids, found); err != nil {
			return nil, fmt.Errorf("look up %d freezes: %w", len(ids), err)
		}
	}
	return found, nil
}

func (u unit) readFreezes(ctx context.Context, orders []points.OrderID, into map[points.OrderID]points.Freeze) error {
	in, args := database.In(orders)
	rows, err := u.tx.Query(ctx, "SELECT "+strings.Join(freezeColumns, ",")+" FROM points_freeze WHERE order_id IN "+in+
		" ORDER BY order_id"+u.tx.ForUpdate(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r freezeRow
		if err := rows.Scan(r.fields()...); err != nil {
			return err
		}
		into[points.OrderID(r.OrderID)] = r.freeze()
	}
	return rows.Err()
}

func (u unit) insertFreezes(ctx context.Context, freezes []points.Freeze) error {
	rows := make([][]any, len(freezes))
	for i, f := range freezes {
		rows[i] = freezeRowFrom(f).values()
	}
	if err := u.tx.Insert(ctx, "points_freeze", freezeColumns, rows); err != nil {
		return fmt.Errorf("insert %d freezes: %w", len(rows), err)
	}
	return u.listMissed(ctx, freezes)
}

// endFreezes moves freezes on from FROZEN. Under the lock they are; a miscount
// fails the batch.
func (u unit) endFreezes(ctx context.Context, freezes []points.Freeze) error {
	slices.SortFunc(freezes, func(a, b points.Freeze) int { return cmp.Compare(a.Order, b.Order) })
	rows := make([][]any, len(freezes))
	for i, f := range freezes {
		rows[i] = []any{int64(f.Order), string(f.Status), database.Micros(f.UpdatedAt)}
	}
	n, err := u.tx.UpdateMany(ctx, database.UpdateMany{
		Table: "points_freeze", Key: []string{"order_id"}, Values: []string{"status", "updated_at"}, Rows: rows,
		Set:   map[string]string{"status": "v.status", "updated_at": "v.updated_at"},
		Where: "t.status = '" + string(points.Frozen) + "'", Locked: true,
	})
	if err != nil {
		return fmt.Errorf("end %d freezes: %w", len(rows), err)
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("end freezes: only %d of %d were frozen", n, len(rows))
	}
	return nil
}
