package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"souk.example/pkg/database"
	"souk.example/pkg/failpoint"
	"souk.example/services/order/internal/order"
)

// Insert implements order.Unit.
func (u unit) Insert(ctx context.Context, orders []*order.State) error {
	rows := make([][]any, len(orders))
	for i, s := range orders {
		row, err := rowFrom(s)
		if err != nil {
			return err
		}
		rows[i] = row.values()
	}
	err := u.tx.Insert(ctx, "orders", orderColumns, rows)
	if errors.Is(err, database.ErrDuplicate) {
		return errors.Join(order.ErrKeyTaken, err)
	}
	if err != nil {
		return fmt.Errorf("insert %d orders: %w", len(orders), err)
	}
	if err := u.listMissed(ctx, orders); err != nil {
		return err
	}
	if err := u.emit(ctx, orders, eventFor); err != nil {
		return err
	}
	u.keep(orders)
	u.countEntered(map[order.Status]int{order.Pending: len(orders)})
	failpoint.Hit("intake-before-commit")
	return nil
}

// Placed implements order.Unit. It reads by the unique key in chunks, so that
// no statement outgrows a parameter limit.
func (u unit) Placed(ctx context.Context, keys []order.Key) (map[order.Key]*order.State, error) {
	const chunk = 500
	found := make(map[order.Key]*order.State)
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		if err := u.placed(ctx, keys[:n], found); err != nil {
			return nil, fmt.Errorf("look up %d idempotency keys: %w", n, err)
		}
		keys = keys[n:]
	}
	return found, nil
}

func (u unit) placed(ctx context.Context, keys []order.Key, found map[order.Key]*order.State) error {
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, int64(k.User), k.Key)
	}
	where := "(user_id = ? AND idem_key = ?)" + strings.Repeat(" OR (user_id = ? AND idem_key = ?)", len(keys)-1)
	states, err := u.query(ctx, "WHERE "+where, args...)
	for _, s := range states {
		found[s.Key] = s
	}
	return err
}

// query reads the orders that the rest of a SELECT names.
func (u unit) query(ctx context.Context, rest string, args ...any) ([]*order.State, error) {
	rows, err := u.tx.Query(ctx, "SELECT "+strings.Join(orderFields, ",")+" FROM orders "+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var states []*order.State
	for rows.Next() {
		var r orderRow
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, err
		}
		s, err := r.state()
		if err != nil {
			return nil, err
		}
		states = append(states, s)
	}
	return states, rows.Err()
}
