package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

const selectStock = "SELECT sku, available, reserved, sold, initial, adjusted FROM stock WHERE sku "

// LockStock implements inventory.Unit; skus come in ascending order, and are
// locked in it: two batches never wait for each other in a circle.
func (u unit) LockStock(ctx context.Context, skus []inventory.SKU) (map[inventory.SKU]int64, error) {
	available := make(map[inventory.SKU]int64, len(skus))
	for part := range slices.Chunk(skus, chunk) {
		if err := u.lockStock(ctx, part, available); err != nil {
			return nil, fmt.Errorf("lock stock of %d skus: %w", len(part), err)
		}
	}
	return available, nil
}

func (u unit) lockStock(ctx context.Context, skus []inventory.SKU, into map[inventory.SKU]int64) error {
	in, args := database.In(skus)
	rows, err := u.tx.Query(ctx, "SELECT sku, available FROM stock WHERE sku IN "+in+" ORDER BY sku"+u.tx.ForUpdate(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var sku inventory.SKU
	var available int64
	for rows.Next() {
		if err := rows.Scan(&sku, &available); err != nil {
			return err
		}
		into[sku] = available
	}
	return rows.Err()
}

// record moves the units and writes why: a row of stock per SKU that really
// changes and a ledger row per SKU and cause, all under one new batch id.
func (s *Store) record(ctx context.Context, tx *database.Tx, moves inventory.Moves, note string, at time.Time) error {
	if len(moves) == 0 {
		return nil
	}
	if err := moveStock(ctx, tx, moves.Net()); err != nil {
		return err
	}
	return s.insertMoves(ctx, tx, moves, note, at)
}

// moveStock adds each SKU's movement. Under the lock every count stays at 0 or
// above; the condition is there for the day somebody forgets the lock, and a
// miscount fails the transaction.
func moveStock(ctx context.Context, tx *database.Tx, net map[inventory.SKU]inventory.Move) error {
	rows := make([][]any, 0, len(net))
	for _, sku := range slices.Sorted(maps.Keys(net)) {
		m := net[sku]
		rows = append(rows, []any{string(sku), m.Available, m.Reserved, m.Sold, m.Initial, m.Adjusted})
	}
	set := make(map[string]string, len(stockColumns)-1)
	for _, col := range stockColumns[1:] {
		set[col] = "t." + col + " + v." + col
	}
	n, err := tx.UpdateMany(ctx, database.UpdateMany{
		Table: "stock", Key: stockColumns[:1], Values: stockColumns[1:], Rows: rows, Set: set,
		Where: "t.available + v.available >= 0 AND t.reserved + v.reserved >= 0 AND t.sold + v.sold >= 0", Locked: true,
	})
	if err != nil {
		return fmt.Errorf("move stock of %d skus: %w", len(rows), err)
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("move stock: only %d of %d skus held enough", n, len(rows))
	}
	return nil
}

var ledgerColumns = []string{
	"batch_id", "sku", "cause", "d_available", "d_reserved", "d_sold", "d_initial", "d_adjusted", "note", "at",
}

func (s *Store) insertMoves(ctx context.Context, tx *database.Tx, moves inventory.Moves, note string, at time.Time) error {
	batch, err := s.ids.Next()
	if err != nil {
		return fmt.Errorf("id of ledger batch: %w", err)
	}
	rows := make([][]any, 0, len(moves))
	var id, written any = batch, database.Micros(at) // the same of all rows, so one object
	for _, key := range slices.SortedFunc(maps.Keys(moves), compareMoveKeys) {
		m := moves[key]
		rows = append(rows, []any{
			id, string(key.SKU), string(key.Cause),
			m.Available, m.Reserved, m.Sold, m.Initial, m.Adjusted, note, written,
		})
	}
	if err := tx.Insert(ctx, "stock_ledger", ledgerColumns, rows); err != nil {
		return fmt.Errorf("insert %d stock ledger rows: %w", len(rows), err)
	}
	return nil
}

func compareMoveKeys(a, b inventory.MoveKey) int {
	return cmp.Or(strings.Compare(string(a.SKU), string(b.SKU)), strings.Compare(string(a.Cause), string(b.Cause)))
}
