package database

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Insert adds rows, each with a value per column. A row that is there already
// is ErrDuplicate; roll the transaction back then, because rows of a long list
// may have been added.
func (tx *Tx) Insert(ctx context.Context, table string, cols []string, rows [][]any) error {
	return tx.insert(ctx, table, cols, rows, "")
}

// InsertIgnore adds the rows that no unique key holds yet, passes over the
// others and counts those it added. Any other error is an error: MySQL's own
// INSERT IGNORE would store a truncated value and say nothing.
func (tx *Tx) InsertIgnore(ctx context.Context, table string, cols []string, rows [][]any) (inserted int64, err error) {
	in := insertion{verb: "INSERT", table: table, cols: cols, suffix: " ON CONFLICT DO NOTHING"}
	if tx.dialect == MySQL {
		in.verb, in.suffix = "INSERT IGNORE", ""
	}
	for chunk := range chunks(rows, len(cols)) {
		n, err := tx.insertText(ctx, in, chunk) // one statement, because the warnings are the last one's
		if err == nil && tx.dialect == MySQL {
			err = tx.onlyDuplicates(ctx, int64(len(chunk))-n)
		}
		if err != nil {
			return 0, fmt.Errorf("insert into %s: %w", table, err)
		}
		inserted += n
	}
	return inserted, nil
}

// onlyDuplicates checks that the last INSERT IGNORE ignored nothing else.
func (tx *Tx) onlyDuplicates(ctx context.Context, ignored int64) error {
	rows, err := tx.Query(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for ; rows.Next(); ignored-- {
		var level, text string
		var code int
		if err := rows.Scan(&level, &code, &text); err != nil {
			return err
		}
		if code != myDuplicate || ignored <= 0 {
			return fmt.Errorf("a row the table cannot hold unchanged (error %d)", code)
		}
	}
	return rows.Err()
}

// Upsert adds rows or, where key holds one already, updates it: set maps a
// column to an expression in which new(col) is the incoming value and old(col)
// the stored one, e.g. {"balance": "old(balance) + new(balance)"}. A column's
// expression may not read the old value of another column that is set too,
// because the databases disagree on which value that is.
//
// On MySQL a conflict with any unique key updates: keep to tables with one. A
// CHECK is evaluated on the incoming row as well.
func (tx *Tx) Upsert(ctx context.Context, table string, key, cols []string, rows [][]any, set map[string]string) error {
	if err := selfContained(set, oldColumn); err != nil {
		return fmt.Errorf("upsert into %s: %w", table, err)
	}
	updates := make([]string, 0, len(set))
	for _, col := range slices.Sorted(maps.Keys(set)) {
		updates = append(updates, col+" = "+tx.expand(table, set[col]))
	}
	suffix := " ON CONFLICT (" + strings.Join(key, ",") + ") DO UPDATE SET "
	if tx.dialect == MySQL {
		suffix = " ON DUPLICATE KEY UPDATE "
	}
	return tx.insert(ctx, table, cols, rows, suffix+strings.Join(updates, ", "))
}

var (
	newColumn    = regexp.MustCompile(`\bnew\((\w+)\)`)
	oldColumn    = regexp.MustCompile(`\bold\((\w+)\)`)
	storedColumn = regexp.MustCompile(`\bt\.(\w+)`)
)

func (tx *Tx) expand(table, expression string) string {
	incoming := "excluded.$1"
	if tx.dialect == MySQL {
		incoming = "VALUES($1)" // MariaDB and TiDB know no row alias
	}
	return oldColumn.ReplaceAllString(newColumn.ReplaceAllString(expression, incoming), table+".$1")
}

// selfContained refuses a SET in which one column reads another that is set.
func selfContained(set map[string]string, reads *regexp.Regexp) error {
	for col, expression := range set {
		for _, m := range reads.FindAllStringSubmatch(expression, -1) {
			if _, assigned := set[m[1]]; assigned && m[1] != col {
				return fmt.Errorf("%s is set from the old %s, which is set too", col, m[1])
			}
		}
	}
	return nil
}

// insert adds rows in chunks.
func (tx *Tx) insert(ctx context.Context, table string, cols []string, rows [][]any, suffix string) error {
	in := insertion{verb: "INSERT", table: table, cols: cols, suffix: suffix}
	for chunk := range chunks(rows, len(cols)) {
		if err := tx.insertChunk(ctx, in, chunk); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	return nil
}
