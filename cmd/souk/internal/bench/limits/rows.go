package limits

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

// inTx is a step that is one transaction of a batch.
func (t *tables) inTx(ctx context.Context, fn func(ctx context.Context, tx *database.Tx) error) (int, error) {
	return batch, t.db.InTx(ctx, fn)
}

func (t *tables) insertOrders(ctx context.Context, _ int) (int, error) {
	_, rows := t.newOrders()
	return t.inTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, orderTable, orderColumns(), rows)
	})
}

func (t *tables) insertRows(ctx context.Context, _ int) (int, error) {
	now, first := time.Now().UnixMicro(), t.last.Add(batch)-batch
	rows := make([][]any, batch)
	for i := range rows {
		rows[i] = []any{fmt.Sprintf("capture:%d", first+int64(i)), "wallet:123456789", "revenue", 100, "CNY", now}
	}
	columns := []string{"cause", "debit_account", "credit_account", "amount", "currency", "at"}
	return t.inTx(ctx, func(ctx context.Context, tx *database.Tx) error { return tx.Insert(ctx, rowTable, columns, rows) })
}

// updateOrders moves a worker's orders on: they went the same way, so it is one
// statement.
func (t *tables) updateOrders(ctx context.Context, worker int) (int, error) {
	from := t.versions[worker] + 1
	done, err := t.inTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		in, ids := database.In(t.orders[worker])
		args := append([]any{"PENDING", from + 1, 1, "", time.Now().UnixMicro()}, ids...)
		return changed(tx.Exec(ctx, "UPDATE "+orderTable+" SET status = ?, version = ?, facts = ?, reason = ?, reserved_at = ? WHERE id IN "+in+
			" AND status = ? AND version = ?", append(args, "PENDING", from)...))
	})
	t.versions[worker]++
	return done, err
}

// updateRows raises every row by the same amounts, as sales of one unit do.
func (t *tables) updateRows(ctx context.Context, worker int) (int, error) {
	rows := make([][]any, batch)
	for i, sku := range t.products[worker] {
		rows[i] = []any{sku, -1, 1}
	}
	return t.inTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return changed(tx.UpdateMany(ctx, database.UpdateMany{
			Table: stockTable, Key: []string{"sku"}, Values: []string{"available", "reserved"}, Rows: rows, Locked: true,
			Set:   map[string]string{"available": "t.available + v.available", "reserved": "t.reserved + v.reserved"},
			Where: "t.available + v.available >= 0 AND t.reserved + v.reserved >= 0",
		}))
	})
}

func (t *tables) upsertRows(ctx context.Context, worker int) (int, error) {
	rows := make([][]any, batch)
	for i, sku := range t.products[worker] {
		rows[i] = []any{sku, 1, 0, 0, 0, 0}
	}
	return t.inTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Upsert(ctx, stockTable, stockColumns()[:1], stockColumns(), rows, map[string]string{"available": "old(available) + new(available)"})
	})
}

func changed(n int64, err error) error {
	if err == nil && n != batch {
		return fmt.Errorf("%d rows of %d were changed", n, batch)
	}
	return err
}
