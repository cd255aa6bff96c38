package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"souk.example/pkg/database"
	"souk.example/services/inventory/internal/inventory"
)

// chunk bounds the keys in one IN list.
const chunk = 1000

// Reservations implements inventory.Unit; orders come in ascending order.
func (u unit) Reservations(ctx context.Context, orders []inventory.OrderID) (map[inventory.OrderID]inventory.Reservation, error) {
	found := make(map[inventory.OrderID]inventory.Reservation)
	for ids := range slices.Chunk(orders, chunk) {
		if err := u.readReservations(ctx, ids, found); err != nil {
			return nil, fmt.Errorf("look up %d reservations: %w", len(ids), err)
		}
	}
	return found, nil
}

func (u unit) readReservations(ctx context.Context, ids []inventory.OrderID, into map[inventory.OrderID]inventory.Reservation) error {
	in, args := database.In(ids)
	rows, err := u.tx.Query(ctx, "SELECT "+strings.Join(reservationColumns, ",")+
		" FROM reservation WHERE order_id IN "+in+" ORDER BY order_id"+u.tx.ForUpdate(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r reservationRow
	fields := r.fields()
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		if into[inventory.OrderID(r.OrderID)], err = r.reservation(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Record implements inventory.Unit. A duplicate reservation means that
// somebody else has decided meanwhile: database.ErrDuplicate, decide again.
func (u unit) Record(ctx context.Context, d inventory.Decisions) error {
	if err := u.insertReservations(ctx, d.New); err != nil {
		return err
	}
	if err := u.updateReservations(ctx, d.Changed); err != nil {
		return err
	}
	if err := u.record(ctx, u.tx, d.Moves, "", d.At); err != nil {
		return err
	}
	u.remember(d)
	if err := u.tell(ctx, u.tx, d.Replies, replyTo); err != nil {
		return err
	}
	return u.tell(ctx, u.tx, d.Restocked, restocked)
}

func (u unit) insertReservations(ctx context.Context, reservations []inventory.Reservation) error {
	rows := make([][]any, len(reservations))
	for i, r := range reservations {
		row, err := reservationRowFrom(r)
		if err != nil {
			return err
		}
		rows[i] = row.values()
	}
	if err := u.tx.Insert(ctx, "reservation", reservationColumns, rows); err != nil {
		return fmt.Errorf("insert %d reservations: %w", len(rows), err)
	}
	return u.listMissed(ctx, reservations)
}

// updateReservations moves each reservation on from the version it was read
// or recalled at. Under the lock there is no other, and a miscount fails the
// batch; in a fresh one something was recalled wrong, is forgotten, and the batch
// runs again. What was recalled is not locked, but nearly always goes one way,
// from HELD to COMMITTED, and so is found by one statement, in the order of its
// keys.
func (u unit) updateReservations(ctx context.Context, changes []inventory.Change) error {
	slices.SortFunc(changes, func(a, b inventory.Change) int { return cmp.Compare(a.After.Order, b.After.Order) })
	rows, orders := make([][]any, len(changes)), make([]inventory.OrderID, len(changes))
	for i, c := range changes {
		orders[i] = c.After.Order
		rows[i] = []any{int64(c.After.Order), string(c.After.Status), c.After.Version, database.Micros(c.After.UpdatedAt), c.Before}
	}
	n, err := u.tx.UpdateMany(ctx, database.UpdateMany{
		Table: "reservation", Key: []string{"order_id"}, Values: []string{"status", "version", "updated_at", "was"}, Rows: rows,
		Set:   map[string]string{"status": "v.status", "version": "v.version", "updated_at": "v.updated_at"},
		Where: "t.version = v.was", Locked: true,
	})
	if err != nil {
		return fmt.Errorf("update %d reservations: %w", len(rows), err)
	}
	if n == int64(len(rows)) {
		return nil
	}
	if u.Fresh(ctx) {
		u.memory.Forget(orders)
		return fmt.Errorf("update reservations: %d of %d: %w", n, len(rows), database.ErrStale)
	}
	return fmt.Errorf("update reservations: only %d of %d were as they had been read", n, len(rows))
}
