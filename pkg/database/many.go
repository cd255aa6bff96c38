package database

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxParams bounds one statement's parameters below SQLite's 32,766 and
// MySQL's 65,535; longer lists are sent as several statements.
const maxParams = 30_000

// Insert adds rows, each with a value per column. A row that is there already
// is ErrDuplicate, and none of its statement's rows are added.
func (tx *Tx) Insert(ctx context.Context, table string, cols []string, rows [][]any) error {
	_, err := tx.insert(ctx, "INSERT", table, cols, rows, "")
	return err
}

// InsertIgnore adds the rows that no unique key holds yet, passes over the
// others and counts those it added; any other error is an error.
func (tx *Tx) InsertIgnore(ctx context.Context, table string, cols []string, rows [][]any) (inserted int64, err error) {
	if tx.dialect == SQLite {
		return tx.insert(ctx, "INSERT", table, cols, rows, " ON CONFLICT DO NOTHING")
	}
	return tx.insert(ctx, "INSERT IGNORE", table, cols, rows, "")
}

// Upsert adds rows or, where key holds one already, updates it: set maps a
// column to an expression in which new(col) is the incoming value and old(col)
// the stored one, e.g. {"balance": "old(balance) + new(balance)"}. Expressions
// are applied in no particular order, so one must not read an old(col) that
// another sets. On MySQL a conflict with any unique key updates; keep to
// tables with one.
func (tx *Tx) Upsert(ctx context.Context, table string, key, cols []string, rows [][]any, set map[string]string) error {
	assignments := make([]string, 0, len(set))
	for _, col := range slices.Sorted(maps.Keys(set)) {
		assignments = append(assignments, col+" = "+tx.expand(table, set[col]))
	}
	suffix := " ON CONFLICT (" + strings.Join(key, ",") + ") DO UPDATE SET "
	if tx.dialect == MySQL {
		suffix = " ON DUPLICATE KEY UPDATE "
	}
	_, err := tx.insert(ctx, "INSERT", table, cols, rows, suffix+strings.Join(assignments, ", "))
	return err
}

var (
	newColumn = regexp.MustCompile(`\bnew\((\w+)\)`)
	oldColumn = regexp.MustCompile(`\bold\((\w+)\)`)
)

func (tx *Tx) expand(table, expression string) string {
	incoming := "excluded.$1"
	if tx.dialect == MySQL {
		incoming = "VALUES($1)" // MariaDB and TiDB know no row alias
	}
	return oldColumn.ReplaceAllString(newColumn.ReplaceAllString(expression, incoming), table+".$1")
}

// insert runs verb in chunks and counts the rows the database says it touched.
func (tx *Tx) insert(ctx context.Context, verb, table string, cols []string, rows [][]any, suffix string) (affected int64, err error) {
	prefix := verb + " INTO " + table + " (" + strings.Join(cols, ",") + ") VALUES "
	for chunk := range slices.Chunk(rows, maxParams/len(cols)) {
		args, err := flatten(chunk, len(cols))
		if err != nil {
			return 0, fmt.Errorf("insert into %s: %w", table, err)
		}
		n, err := tx.Exec(ctx, prefix+tuples(len(cols), len(chunk))+suffix, args...)
		if err != nil {
			return 0, fmt.Errorf("insert into %s: %w", table, err)
		}
		affected += n
	}
	return affected, nil
}

// UpdateMany is an UPDATE of many rows, each with its own values.
type UpdateMany struct {
	Table  string
	Key    []string          // columns that name the row
	Values []string          // further columns of Rows, for Set and Where
	Rows   [][]any           // per row the key, then the values; keys must differ
	Set    map[string]string // column → expression over t.<stored> and v.<given>
	Where  string            // further condition over t. and v., e.g. "t.available >= v.quantity"
}

// UpdateMany runs u as one set-based statement per chunk of rows and counts
// the rows that were found and met Where, changed or not: a count below
// len(Rows) means that some did not.
func (tx *Tx) UpdateMany(ctx context.Context, u UpdateMany) (affected int64, err error) {
	cols := slices.Concat(u.Key, u.Values)
	for chunk := range slices.Chunk(u.Rows, maxParams/len(cols)) {
		args, err := flatten(chunk, len(cols))
		if err != nil {
			return 0, fmt.Errorf("update %s: %w", u.Table, err)
		}
		n, err := tx.Exec(ctx, tx.updateSQL(u, cols, len(chunk)), args...)
		if err != nil {
			return 0, fmt.Errorf("update %s: %w", u.Table, err)
		}
		affected += n
	}
	return affected, nil
}

func (tx *Tx) updateSQL(u UpdateMany, cols []string, rows int) string {
	on := make([]string, len(u.Key))
	for i, k := range u.Key {
		on[i] = "t." + k + " = v." + k
	}
	join := strings.Join(on, " AND ")
	if tx.dialect == MySQL {
		where := ""
		if u.Where != "" {
			where = " WHERE " + u.Where
		}
		return "UPDATE " + u.Table + " t JOIN (" + selects(cols, rows) + ") v ON " + join + " SET " + assignments(u.Set, "t.") + where
	}
	if u.Where != "" {
		join += " AND (" + u.Where + ")"
	}
	return "UPDATE " + u.Table + " AS t SET " + assignments(u.Set, "") + " FROM (" + values(cols, rows) + ") AS v WHERE " + join
}

func assignments(set map[string]string, prefix string) string {
	parts := make([]string, 0, len(set))
	for _, col := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, prefix+col+" = "+set[col])
	}
	return strings.Join(parts, ", ")
}

// selects is the given rows as MariaDB, MySQL and TiDB all read them.
func selects(cols []string, rows int) string {
	first := "SELECT ? AS " + strings.Join(cols, ", ? AS ")
	next := " UNION ALL SELECT ?" + strings.Repeat(",?", len(cols)-1)
	return first + strings.Repeat(next, rows-1)
}

// values is the given rows as SQLite reads them; a compound SELECT would end
// at 500 terms.
func values(cols []string, rows int) string {
	named := make([]string, len(cols))
	for i, c := range cols {
		named[i] = fmt.Sprintf("column%d AS %s", i+1, c)
	}
	return "SELECT " + strings.Join(named, ", ") + " FROM (VALUES " + tuples(len(cols), rows) + ")"
}

// tuples is "(?,?),(?,?)".
func tuples(cols, rows int) string {
	one := "(?" + strings.Repeat(",?", cols-1) + ")"
	return one + strings.Repeat(","+one, rows-1)
}

func flatten(rows [][]any, width int) ([]any, error) {
	args := make([]any, 0, len(rows)*width)
	for _, r := range rows {
		if len(r) != width {
			return nil, fmt.Errorf("a row has %d values for %d columns", len(r), width)
		}
		args = append(args, r...)
	}
	return args, nil
}

// In is "(?,?,?)" and its arguments, for WHERE x IN. An empty list matches
// nothing. Keep it below 30,000 values.
func In[T any](vs []T) (placeholders string, args []any) {
	if len(vs) == 0 {
		return "(NULL)", nil
	}
	args = make([]any, len(vs))
	for i, v := range vs {
		args[i] = v
	}
	return tuples(len(vs), 1), args
}

// ForUpdate ends a SELECT that must lock what it reads; SQLite's single writer
// has locked everything already.
func (tx *Tx) ForUpdate() string {
	if tx.dialect == MySQL {
		return " FOR UPDATE"
	}
	return ""
}
