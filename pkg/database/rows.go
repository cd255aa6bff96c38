package database

import (
	"fmt"
	"iter"
	"strings"
)

// maxParams bounds one statement's parameters below SQLite's 32,766 and
// MySQL's 65,535; longer lists are sent as several statements.
const maxParams = 30_000

// maxStatementBytes bounds what one statement's texts and blobs may add up to.
// Escaped they grow to twice that, which still is below the smallest default of
// max_allowed_packet, MariaDB's 16 MiB.
const maxStatementBytes = 4 << 20

// chunks cuts rows of width values into parts that fit one statement each. A
// row too large for that is a part of its own.
func chunks(rows [][]any, width int) iter.Seq[[][]any] {
	return func(yield func([][]any) bool) {
		first, bytes := 0, 0
		for n, r := range rows {
			size := bytesOf(r)
			full := (n-first+1)*width > maxParams || bytes+size > maxStatementBytes
			if full && n > first {
				if !yield(rows[first:n]) {
					return
				}
				first, bytes = n, 0
			}
			bytes += size
		}
		if first < len(rows) {
			yield(rows[first:])
		}
	}
}

// bytesOf adds up a row's texts and blobs; maxParams bounds the rest.
func bytesOf(row []any) (n int) {
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
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

// selects is the given rows as MariaDB, MySQL and TiDB all read them.
func selects(cols []string, rows int) string {
	first := "SELECT ? AS " + strings.Join(cols, ", ? AS ")
	next := " UNION ALL SELECT ?" + strings.Repeat(",?", len(cols)-1)
	return first + strings.Repeat(next, rows-1)
}

// values is the given rows as SQLite reads them: its compound SELECT ends at
// 500 terms, a VALUES list does not.
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
