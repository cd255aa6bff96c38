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
	err = deleteMany(tx.dialect, table, key, rows, func(query string, args []any) error {
		n, err := tx.Exec(ctx, query, args...)
		deleted += n
		return err
	})
	return deleted, err
}

// DeleteMany is Tx.DeleteMany without a transaction around it: each statement
// is one by itself, which spares the round trips of BEGIN and COMMIT. What is
// gone may be deleted again, so a statement also runs again when the connection
// was lost and nobody knows what became of it; rows are not counted therefore.
func (db *DB) DeleteMany(ctx context.Context, table string, key []string, rows [][]any) error {
	return deleteMany(db.dialect, table, key, rows, func(query string, args []any) error {
		return db.repeat(ctx, func() error {
			_, err := db.write.ExecContext(ctx, query, args...)
			return translate(err)
		})
	})
}

// deleteMany has exec run the statements that delete the rows.
func deleteMany(d Dialect, table string, key []string, rows [][]any, exec func(query string, args []any) error) error {
	for chunk := range slices.Chunk(rows, maxParams/len(key)) {
		args, err := flatten(chunk, len(key))
		if err == nil {
			err = exec(deleteSQL(d, table, key, len(chunk)), args)
		}
		if err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
	}
	return nil
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
