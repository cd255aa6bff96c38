package ordertrace

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"souk.example/pkg/database"
)

// query finds a service's rows about an order in one table.
type query struct {
	table string
	where string
	args  []any
}

// queries lists where each service keeps rows about an order.
func queries(service string, order int64) []query {
	id := strconv.FormatInt(order, 10)
	perService := map[string][]query{
		"order":     {{"orders", "id = ?", []any{order}}},
		"inventory": {{"reservation", "order_id = ?", []any{order}}},
		"payment":   {{"payment", "order_id = ?", []any{order}}, {"ledger_entry", "cause = ?", []any{"capture:" + id}}},
		"points":    {{"points_entry", "order_id = ?", []any{order}}},
	}
	parked := query{"dead_letter", "k = ?", []any{id}}
	return append(perService[service], parked)
}

func (q query) read(ctx context.Context, tx *database.Tx, service string) ([]Entry, error) {
	rows, err := tx.Query(ctx, "SELECT * FROM "+q.table+" WHERE "+q.where, q.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found []Entry
	for rows.Next() {
		row, err := scanRow(rows, columns)
		if err != nil {
			return nil, err
		}
		found = append(found, Entry{At: timeOf(row), Service: service, Kind: q.table, Row: row})
	}
	return found, rows.Err()
}

func scanRow(rows *sql.Rows, columns []string) (map[string]any, error) {
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	row := make(map[string]any, len(columns))
	for i, name := range columns {
		row[name] = readable(name, values[i])
	}
	return row, nil
}

// readable turns an id into decimal text, as everywhere in souk's JSON, and
// bytes into what they are: JSON, text, or else base64.
func readable(column string, v any) any {
	switch v := v.(type) {
	case int64:
		if column == "id" || strings.HasSuffix(column, "_id") {
			return strconv.FormatInt(v, 10)
		}
	case []byte:
		if json.Valid(v) {
			return json.RawMessage(v)
		}
		if utf8.Valid(v) {
			return string(v)
		}
	}
	return v
}

// timeOf is when a row came to be, by the column that says so.
func timeOf(row map[string]any) time.Time {
	for _, column := range []string{"at", "created_at"} {
		if us, ok := row[column].(int64); ok {
			return time.UnixMicro(us).UTC()
		}
	}
	return time.Time{}
}
