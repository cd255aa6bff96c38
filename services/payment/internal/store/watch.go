package store

import (
	"context"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
	"souk.example/services/payment/internal/payment"
)

// Watcher makes the one who tells order again of money that was taken for an
// order that is cancelled, until order asks for it back.
func (j *Journal) Watcher(tellAfter time.Duration, cfg waitlist.Config, log *slog.Logger) *waitlist.Watcher {
	again := waitlist.Nudger[payment.OrderID, payment.Payment]{
		After: tellAfter,
		Since: payment.Payment.WaitsSince,
		Lock: func(ctx context.Context, tx *database.Tx, orders []payment.OrderID) (map[payment.OrderID]payment.Payment, error) {
			return payments(ctx, tx, orders)
		},
		Remind: func(ctx context.Context, tx *database.Tx, taken []payment.Payment) error {
			return j.emit(ctx, tx, taken, nil)
		},
	}
	return waitlist.New(j.db, waitlist.NoWalk, []waitlist.Duty{again.Duty()}, cfg, log)
}

// listTaken lists those of the payments for whose refund somebody has to wait.
func listTaken(ctx context.Context, tx *database.Tx, payments []payment.Payment) error {
	var waiting []waitlist.Entry
	for _, p := range payments {
		if since, waits := p.WaitsSince(); waits {
			waiting = append(waiting, waitlist.Entry{ID: int64(p.Order), Why: waitlist.Nudge, Due: since})
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return waitlist.Enlist(ctx, tx, waiting)
}
