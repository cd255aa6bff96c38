package database

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// UpdateMany is an UPDATE of many rows, each with its own values. Give the
// rows in the order of their keys: that is the order in which they are locked.
type UpdateMany struct {
	Table  string
	Key    []string          // columns that name the row
	Values []string          // further columns of Rows, for Set and Where
	Rows   [][]any           // per row the key, then the values; keys must differ
	Set    map[string]string // column → expression over t.<stored> and v.<given>
	Where  string            // further condition over t. and v., e.g. "t.available >= v.quantity"
	Locked bool              // the transaction holds the locks of the rows, so it may be told of them in any order
}

// UpdateMany runs u as set-based statements and counts the rows that were found
// and met Where, changed or not, on every dialect: a count below len(Rows) means
// that some did not. No expression of Set may read another column that Set
// changes. With Locked, rows of which many have the same values cost a third of
// what others do.
func (tx *Tx) UpdateMany(ctx context.Context, u UpdateMany) (affected int64, err error) {
	if err := selfContained(u.Set, storedColumn); err != nil {
		return 0, fmt.Errorf("update %s: %w", u.Table, err)
	}
	alike, rest := u.partition()
	for _, rows := range alike {
		n, err := tx.updateAlike(ctx, u, rows)
		if err != nil {
			return 0, fmt.Errorf("update %s: %w", u.Table, err)
		}
		affected += n
	}
	n, err := tx.updateEach(ctx, u, rest)
	if err != nil {
		return 0, fmt.Errorf("update %s: %w", u.Table, err)
	}
	return affected + n, nil
}

// updateEach updates rows each of which has its own values.
func (tx *Tx) updateEach(ctx context.Context, u UpdateMany, rows [][]any) (affected int64, err error) {
	width := len(u.Key) + len(u.Values)
	for chunk := range chunks(rows, width) {
		args, err := flatten(chunk, width)
		if err != nil {
			return 0, err
		}
		n, err := tx.Exec(ctx, u.sql(tx.dialect, len(chunk)), args...)
		if err != nil {
			return 0, err
		}
		affected += n
	}
	return affected, nil
}

func (u UpdateMany) sql(d Dialect, rows int) string {
	cols := slices.Concat(u.Key, u.Values)
	condition := u.condition()
	if d == MySQL {
		// STRAIGHT_JOIN reads the given rows first, in their order, so that
		// the stored ones are found by key and locked in that order.
		return "UPDATE (" + selects(cols, rows) + ") v STRAIGHT_JOIN " + u.Table + " t ON " + condition +
			" SET " + assignments(u.Set, "t.")
	}
	return "UPDATE " + u.Table + " AS t SET " + assignments(u.Set, "") +
		" FROM (" + values(cols, rows) + ") AS v WHERE " + condition
}

func (u UpdateMany) condition() string {
	parts := make([]string, 0, len(u.Key)+1)
	for _, k := range u.Key {
		parts = append(parts, "t."+k+" = v."+k)
	}
	if u.Where != "" {
		parts = append(parts, "("+u.Where+")")
	}
	return strings.Join(parts, " AND ")
}

func assignments(set map[string]string, prefix string) string {
	parts := make([]string, 0, len(set))
	for _, col := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, prefix+col+" = "+set[col])
	}
	return strings.Join(parts, ", ")
}
