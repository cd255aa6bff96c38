package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"souk.example/pkg/database"
	"souk.example/pkg/inbox"
	"souk.example/services/points/internal/points"
)

// chunk bounds the keys in one IN list.
const chunk = 1000

// Fresh implements points.Unit.
func (u unit) Fresh(ctx context.Context) bool { return inbox.Fresh(ctx) }

// Awards implements points.Unit. Of a new order there is no entry at all, so
// which of them count is no question for the database: conditions on the rest
// of the key have its optimizer plan three ranges per order.
func (u unit) Awards(ctx context.Context, orders []points.OrderID) (map[points.OrderID]points.Award, error) {
	entries, err := u.Entries(ctx, orders)
	if err != nil {
		return nil, err
	}
	found := make(map[points.OrderID]points.Award)
	for order, entries := range entries {
		for _, e := range entries {
			if e.Cause == points.CausePaid && e.Rewards() {
				found[order] = points.Award{Order: order, User: e.User, Points: found[order].Points + e.Amount}
			}
		}
	}
	return found, nil
}

// Entries implements points.Unit.
func (u unit) Entries(ctx context.Context, orders []points.OrderID) (map[points.OrderID][]points.Entry, error) {
	found := make(map[points.OrderID][]points.Entry)
	for ids := range slices.Chunk(orders, chunk) {
		if err := u.readEntries(ctx, ids, found); err != nil {
			return nil, fmt.Errorf("look up entries of %d orders: %w", len(ids), err)
		}
	}
	return found, nil
}

func (u unit) readEntries(ctx context.Context, orders []points.OrderID, into map[points.OrderID][]points.Entry) error {
	in, args := database.In(orders)
	rows, err := u.tx.Query(ctx, "SELECT "+strings.Join(entryColumns, ",")+" FROM points_entry WHERE order_id IN "+in, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r entryRow
		if err := rows.Scan(r.fields()...); err != nil {
			return err
		}
		e := r.entry()
		into[e.Order] = append(into[e.Order], e)
	}
	return rows.Err()
}

// Record implements points.Unit. A duplicate entry or freeze means that
// somebody else has decided meanwhile: database.ErrDuplicate, decide again.
func (u unit) Record(ctx context.Context, d points.Decisions) error {
	rows := make([][]any, len(d.Entries))
	for i, e := range d.Entries {
		rows[i] = entryRowFrom(e).values()
	}
	if err := u.tx.Insert(ctx, "points_entry", entryColumns, rows); err != nil {
		return fmt.Errorf("insert %d entries: %w", len(rows), err)
	}
	if err := u.insertFreezes(ctx, d.New); err != nil {
		return err
	}
	if err := u.endFreezes(ctx, d.Changed); err != nil {
		return err
	}
	if err := u.moveAccounts(ctx, d.Moves); err != nil {
		return err
	}
	return u.emitReplies(ctx, d)
}
