package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
	"souk.example/services/inventory/internal/inventory"
)

// Watcher makes the one who asks order again what became of those for whom
// stock is still held nudgeAfter their deadline.
func (s *Store) Watcher(nudgeAfter time.Duration, cfg waitlist.Config, log *slog.Logger) *waitlist.Watcher {
	n := s.nudger(nudgeAfter)
	walk := func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (waitlist.Stretch, error) {
		return stretch(ctx, tx, n, after, before, limit)
	}
	return waitlist.New(s.db, walk, []waitlist.Duty{n.Duty()}, cfg, log)
}

// nudger repeats the reply that made a hold known.
func (s *Store) nudger(after time.Duration) waitlist.Nudger[inventory.OrderID, inventory.Reservation] {
	return waitlist.Nudger[inventory.OrderID, inventory.Reservation]{
		After: after,
		Since: inventory.Reservation.WaitsSince,
		Lock: func(ctx context.Context, tx *database.Tx, orders []inventory.OrderID) (map[inventory.OrderID]inventory.Reservation, error) {
			return s.Unit(tx).Reservations(ctx, orders)
		},
		Remind: func(ctx context.Context, tx *database.Tx, holds []inventory.Reservation) error {
			return s.tell(ctx, tx, holds, reminderOf)
		},
	}
}

// listMissed lists new holds that the walk may have passed: those of orders
// that were placed long before they were read here.
func (u unit) listMissed(ctx context.Context, reservations []inventory.Reservation) error {
	var holds []waitlist.Entry
	for _, r := range reservations {
		if since, waits := r.WaitsSince(); waits {
			holds = append(holds, waitlist.Entry{ID: int64(r.Order), Why: waitlist.Nudge, Due: since})
		}
	}
	if len(holds) == 0 {
		return nil
	}
	return waitlist.EnlistLate(ctx, u.tx, holds)
}

// stretch reads, of the reservations that hold stock, as much as tells since when
// they wait. The others wait for nothing.
func stretch(
	ctx context.Context, tx *database.Tx, n waitlist.Nudger[inventory.OrderID, inventory.Reservation], after, before int64, limit int,
) (out waitlist.Stretch, err error) {
	if out, err = waitlist.Extent(ctx, tx, "reservation", "order_id", after, before, limit); err != nil || out.Rows == 0 {
		return out, err
	}
	rows, err := tx.Query(ctx, "SELECT order_id, at, deadline FROM reservation WHERE order_id > ? AND order_id <= ? AND status = ? ORDER BY order_id",
		after, out.Last, string(inventory.Held))
	if err != nil {
		return out, fmt.Errorf("read holds after %d: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		var order, at, deadline int64
		if err := rows.Scan(&order, &at, &deadline); err != nil {
			return out, err
		}
		r := inventory.Reservation{Order: inventory.OrderID(order), Status: inventory.Held, At: database.Time(at), Deadline: database.Time(deadline)}
		if since, waits := r.WaitsSince(); waits {
			out.Waiting = append(out.Waiting, n.Entry(r.Order, since))
		}
	}
	return out, rows.Err()
}
