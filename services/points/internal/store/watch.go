package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
	"souk.example/services/points/internal/points"
)

// NewWatcher makes the one who asks order again what became of those for whom
// points are still frozen nudgeAfter their deadline.
func NewWatcher(db *database.DB, outbox Outbox, nudgeAfter time.Duration, cfg waitlist.Config, log *slog.Logger) *waitlist.Watcher {
	n := nudger(outbox, nudgeAfter)
	walk := func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (waitlist.Stretch, error) {
		return stretch(ctx, tx, n, after, before, limit)
	}
	return waitlist.New(db, walk, []waitlist.Duty{n.Duty()}, cfg, log)
}

// nudger repeats the reply that made a freeze known.
func nudger(outbox Outbox, after time.Duration) waitlist.Nudger[points.OrderID, points.Freeze] {
	return waitlist.Nudger[points.OrderID, points.Freeze]{
		After: after,
		Since: points.Freeze.WaitsSince,
		Lock: func(ctx context.Context, tx *database.Tx, orders []points.OrderID) (map[points.OrderID]points.Freeze, error) {
			return unit{tx: tx, outbox: outbox}.Freezes(ctx, orders)
		},
		Remind: func(ctx context.Context, tx *database.Tx, freezes []points.Freeze) error {
			return unit{tx: tx, outbox: outbox}.remind(ctx, freezes)
		},
	}
}

// listMissed lists new freezes that the walk may have passed: those of orders
// that were placed long before they were read here.
func (u unit) listMissed(ctx context.Context, freezes []points.Freeze) error {
	var open []waitlist.Entry
	for _, f := range freezes {
		if since, waits := f.WaitsSince(); waits {
			open = append(open, waitlist.Entry{ID: int64(f.Order), Why: waitlist.Nudge, Due: since})
		}
	}
	if len(open) == 0 {
		return nil
	}
	return waitlist.EnlistLate(ctx, u.tx, open)
}

// stretch reads, of the freezes that are open, as much as tells since when they
// wait. The others wait for nothing.
func stretch(
	ctx context.Context, tx *database.Tx, n waitlist.Nudger[points.OrderID, points.Freeze], after, before int64, limit int,
) (out waitlist.Stretch, err error) {
	if out, err = waitlist.Extent(ctx, tx, "points_freeze", "order_id", after, before, limit); err != nil || out.Rows == 0 {
		return out, err
	}
	rows, err := tx.Query(ctx, "SELECT order_id, at, deadline FROM points_freeze WHERE order_id > ? AND order_id <= ? AND status = ? ORDER BY order_id",
		after, out.Last, string(points.Frozen))
	if err != nil {
		return out, fmt.Errorf("read freezes after %d: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := freezeRow{Status: string(points.Frozen)}
		if err := rows.Scan(&r.OrderID, &r.At, &r.Deadline); err != nil {
			return out, err
		}
		if since, waits := r.freeze().WaitsSince(); waits {
			out.Waiting = append(out.Waiting, n.Entry(points.OrderID(r.OrderID), since))
		}
	}
	return out, rows.Err()
}
