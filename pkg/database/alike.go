package database

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// manyAlike is how many rows are worth a statement of their own: what they
	// save is what its round trip costs.
	manyAlike = 50
	// maxAlike keeps an IN list so short that optimizers treat it as one:
	// MariaDB's in_predicate_conversion_threshold is 1,000.
	maxAlike = 900
)

// partition sorts out rows that differ in nothing but the first column of their
// key: one UPDATE … WHERE key IN (…) for all of them costs a third of what they
// cost with values of their own. Their locks must be held already, because the
// database may find them in any order and by any index.
func (u UpdateMany) partition() (alike [][][]any, rest [][]any) {
	if !u.Locked || !u.constant() {
		return nil, u.Rows
	}
	groups := groupAlike(u.Rows)
	for _, rows := range groups {
		if len(groups) == 1 || len(rows) >= manyAlike {
			alike = append(alike, rows)
		} else {
			rest = append(rest, rows...)
		}
	}
	return alike, rest
}

// groupAlike puts rows together that are equal behind the first value.
func groupAlike(rows [][]any) (groups [][][]any) {
	known := make(map[string]int)
	var like []byte
	for _, r := range rows {
		like = appendLikeness(like[:0], r)
		group, ok := known[string(like)]
		if !ok {
			group = len(groups)
			known[string(like)] = group
			groups = append(groups, nil)
		}
		groups[group] = append(groups[group], r)
	}
	return groups
}

var givenColumn = regexp.MustCompile(`\bv\.(\w+)`)

// constant reports whether no expression reads the key's first column, in which
// rows that are alike differ.
func (u UpdateMany) constant() bool {
	for _, m := range givenColumn.FindAllStringSubmatch(u.expressions(), -1) {
		if m[1] == u.Key[0] {
			return false
		}
	}
	return true
}

func (u UpdateMany) expressions() string {
	all := u.Where
	for _, expression := range u.Set {
		all += " " + expression
	}
	return all
}

// appendLikeness appends what is equal for rows with equal values behind the first.
func appendLikeness(b []byte, row []any) []byte {
	for _, v := range row[min(1, len(row)):] {
		switch v := v.(type) {
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			b = append(strconv.AppendInt(append(b, 's'), int64(len(v)), 10), ':')
			b = append(b, v...)
		default:
			text := fmt.Sprintf("%T:%v", v, v)
			b = append(strconv.AppendInt(append(b, 'v'), int64(len(text)), 10), ':')
			b = append(b, text...)
		}
		b = append(b, ',')
	}
	return b
}

// updateAlike updates rows that differ in nothing but the first column of their
// key.
func (tx *Tx) updateAlike(ctx context.Context, u UpdateMany, rows [][]any) (affected int64, err error) {
	query, values, err := u.alikeSQL(rows[0])
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(rows, maxAlike) {
		args := append(make([]any, 0, len(values)+len(part)), values...)
		for _, r := range part {
			args = append(args, r[0])
		}
		n, err := tx.Exec(ctx, query+tuples(len(part), 1), args...)
		if err != nil {
			return 0, err
		}
		affected += n
	}
	return affected, nil
}

// alikeSQL is the statement up to the list of keys, with the values that all
// the rows have in common.
func (u UpdateMany) alikeSQL(row []any) (query string, args []any, err error) {
	cols := slices.Concat(u.Key, u.Values)
	if len(row) != len(cols) {
		return "", nil, fmt.Errorf("a row has %d values for %d columns", len(row), len(cols))
	}
	where := "t." + u.Key[0] + " IN "
	if u.Where != "" {
		where = "(" + u.Where + ") AND " + where
	}
	for _, k := range u.Key[1:] {
		where = "t." + k + " = v." + k + " AND " + where
	}
	named := "UPDATE " + u.Table + " AS t SET " + assignments(u.Set, "") + " WHERE " + where
	query = givenColumn.ReplaceAllStringFunc(named, func(given string) string {
		args = append(args, row[slices.Index(cols, strings.TrimPrefix(given, "v."))])
		return "?"
	})
	return query, args, nil
}
