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

// query finds a service's rows about an order in one table. The columns are
// named one by one, so that what a card is known by stays where it is.
type query struct {
	table   string
	columns string
	where   string
	args    []any
}

// queries lists where each service keeps rows about an order.
func queries(service string, order int64) []query {
	id := strconv.FormatInt(order, 10)
	var own []query
	switch service {
	case "order":
		own = orderQueries(order, id)
	case "inventory":
		own = []query{{"reservation", "order_id, status, items, reason, refused_sku, version, at, updated_at", "order_id = ?", []any{order}}}
	case "payment":
		own = paymentQueries(order, id)
	case "points":
		own = []query{
			{"points_freeze", "order_id, user_id, amount, status, at, updated_at", "order_id = ?", []any{order}},
			{"points_entry", "order_id, rule, cause_id, user_id, amount, at", "order_id = ?", []any{order}},
		}
	}
	return append(own, query{
		"dead_letter", "id, grp, topic, part, log_offset, pos, event_source, event_id, event_type, error_class, error, attempts, next_attempt_at, status, resolved_by",
		"k = ?", []any{id},
	})
}

func orderQueries(order int64, id string) []query {
	return []query{
		{
			"orders", "id, user_id, idem_key, status, version, facts, items, total, payable, points_used, currency, payment_method, reason, " +
				"created_at, deadline, reserved_at, paid_at, completed_at, closed_at, refund_requested_at, refunded_at, " +
				"return_requested_at, restock_requested_at, reversal_requested_at, returned_at", "id = ?", []any{order},
		},
		{"straggler", "order_id, why, due", "order_id = ?", []any{order}},
		{"saga", "id, type, step, op, status, version, due, attempts, last_error, started_at, updated_at", "id = ?", []any{id}},
		{"saga_step", "saga_id, step, op, status, error, started_at, ended_at", "saga_id = ?", []any{id}},
	}
}

// paymentQueries leave out provider_call's instrument, which may be a card's
// token.
func paymentQueries(order int64, id string) []query {
	return []query{
		{
			"payment", "order_id, user_id, status, method, amount, currency, captured, refunded, provider_ref, reason, cancel_requested, created_at, updated_at",
			"order_id = ?", []any{order},
		},
		{"refund", "refund_id, order_id, status, amount, currency, provider_ref, created_at, updated_at", "order_id = ?", []any{order}},
		{"provider_call", "call_key, kind, order_id, amount, currency, attempts, owner, due_at", "order_id = ?", []any{order}},
		{"ledger_entry", "cause, debit_account, credit_account, amount, currency, at", "cause = ? OR cause LIKE ?", []any{"capture:" + id, "refund:" + id + ":%"}},
	}
}

func (q query) read(ctx context.Context, tx *database.Tx, service string) ([]Entry, error) {
	rows, err := tx.Query(ctx, "SELECT "+q.columns+" FROM "+q.table+" WHERE "+q.where, q.args...)
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

// readable turns an id into decimal text, as everywhere in souk's JSON,
// microseconds into their time, null if there is none yet, and bytes into what they
// are: JSON, text, or else base64.
func readable(column string, v any) any {
	switch v := v.(type) {
	case int64:
		if column == "id" || strings.HasSuffix(column, "_id") {
			return strconv.FormatInt(v, 10)
		}
		if isTime(column) {
			return orNull(v)
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

func orNull(micros int64) any {
	if micros == 0 {
		return nil
	}
	return time.UnixMicro(micros).UTC()
}

func isTime(column string) bool {
	return column == "at" || column == "due" || column == "deadline" || strings.HasSuffix(column, "_at")
}

// timeOf is when a row came to be, by the column that says so.
func timeOf(row map[string]any) time.Time {
	for _, column := range []string{"at", "created_at", "started_at", "due_at", "due"} {
		if t, ok := row[column].(time.Time); ok {
			return t
		}
	}
	return time.Time{}
}
