package database

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// DeleteMany deletes the rows with the given keys and counts those that were
// there. It finds each row by its key, which key must be an index's beginning:
// MySQL would scan a small table for an IN list instead, and then wait for
// every row that any open transaction has added.
func (tx *Tx) DeleteMany(ctx context.Context, table string, key []string, rows [][]any) (deleted int64, err error) {
	for chunk := range slices.Chunk(rows, maxParams/len(key)) {
		args, err := flatten(chunk, len(key))
		if err != nil {
			return 0, fmt.Errorf("delete from %s: %w", table, err)
		}
		n, err := tx.Exec(ctx, deleteSQL(tx.dialect, table, key, len(chunk)), args...)
		if err != nil {
			return 0, fmt.Errorf("delete from %s: %w", table, err)
		}
		deleted += n
	}
	return deleted, nil
}

func deleteSQL(d Dialect, table string, key []string, rows int) string {
	if d == SQLite {
		return "DELETE FROM " + table + " WHERE (" + strings.Join(key, ",") + ") IN (VALUES " + tuples(len(key), rows) + ")"
	}
	on := make([]string, len(key))
	for i, k := range key {
		on[i] = "t." + k + " = v." + k
	}
	return "DELETE t FROM (" + selects(key, rows) + ") v STRAIGHT_JOIN " + table + " t ON " + strings.Join(on, " AND ")
}
