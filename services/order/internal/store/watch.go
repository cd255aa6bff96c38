package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
	"souk.example/services/order/internal/order"
)

// whyDeadline marks orders that are cancelled when their deadline passes.
const whyDeadline = "deadline"

// Watcher makes the one who cancels orders past their deadline and asks again
// for what orders have missed for nudgeAfter.
func (s *Store) Watcher(e *order.Expirer, nudgeAfter time.Duration, cfg waitlist.Config, log *slog.Logger) *waitlist.Watcher {
	n := s.nudger(nudgeAfter)
	expire := func(ctx context.Context, tx *database.Tx, ids []int64) ([]waitlist.Entry, error) {
		return nil, e.Expire(ctx, s.Unit(tx), orderIDs(ids))
	}
	walk := func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (waitlist.Stretch, error) {
		return stretch(ctx, tx, n, after, before, limit)
	}
	duties := []waitlist.Duty{{Why: whyDeadline, Do: expire, Urgent: true}, n.Duty()}
	return waitlist.New(s.db, walk, duties, cfg, log)
}

// nudger repeats the event that an order is in its status by.
func (s *Store) nudger(after time.Duration) waitlist.Nudger[order.ID, *order.State] {
	return waitlist.Nudger[order.ID, *order.State]{
		After: after,
		Since: (*order.State).WaitsSince,
		Lock: func(ctx context.Context, tx *database.Tx, ids []order.ID) (map[order.ID]*order.State, error) {
			return s.Unit(tx).Lock(ctx, ids)
		},
		Remind: func(ctx context.Context, tx *database.Tx, states []*order.State) error {
			return s.Unit(tx).Remind(ctx, states)
		},
	}
}

func orderIDs(ids []int64) []order.ID {
	out := make([]order.ID, len(ids))
	for i, id := range ids {
		out[i] = order.ID(id)
	}
	return out
}

// listMissed lists new orders that the walk would miss: all that they wait for
// when it may have passed their ids, and deadlines that are nearer than it.
func (u unit) listMissed(ctx context.Context, orders []*order.State) error {
	var missed []waitlist.Entry
	for _, s := range orders {
		id := int64(s.ID)
		late := waitlist.Late(id, s.CreatedAt)
		if late || s.Deadline.Before(waitlist.WalkedBy(id)) {
			missed = append(missed, deadlineOf(s))
		}
		if late {
			missed = append(missed, waitlist.Entry{ID: id, Why: waitlist.Nudge, Due: s.CreatedAt})
		}
	}
	return waitlist.Enlist(ctx, u.tx, missed)
}

// listWaiting lists orders that wait for somebody and did not before: the walk
// may have passed them, and the list have struck them off.
func (u unit) listWaiting(ctx context.Context, updates []order.Update) error {
	var begun []waitlist.Entry
	for _, up := range updates {
		since, waits := up.After.WaitsSince()
		if _, waited := up.Before.WaitsSince(); waits && !waited {
			begun = append(begun, waitlist.Entry{ID: int64(up.After.ID), Why: waitlist.Nudge, Due: since})
		}
	}
	return waitlist.Enlist(ctx, u.tx, begun)
}

func deadlineOf(s *order.State) waitlist.Entry {
	return waitlist.Entry{ID: int64(s.ID), Why: whyDeadline, Due: s.Deadline}
}

// stretch reads, of the orders that may wait for somebody, as much as tells
// whether and since when. At the ends of an order nothing is waited for, but at
// CANCELLED, where a refund may be.
func stretch(ctx context.Context, tx *database.Tx, n waitlist.Nudger[order.ID, *order.State], after, before int64, limit int) (out waitlist.Stretch, err error) {
	if out, err = waitlist.Extent(ctx, tx, "orders", "id", after, before, limit); err != nil || out.Rows == 0 {
		return out, err
	}
	rows, err := tx.Query(ctx, "SELECT id, status, facts, created_at, deadline, reserved_at, paid_at, refund_requested_at FROM orders"+
		" WHERE id > ? AND id <= ? AND status NOT IN (?, ?, ?) ORDER BY id",
		after, out.Last, string(order.Completed), string(order.Rejected), string(order.Returned))
	if err != nil {
		return out, fmt.Errorf("read orders after %d: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r orderRow
		if err := rows.Scan(&r.ID, &r.Status, &r.Facts, &r.CreatedAt, &r.Deadline, &r.ReservedAt, &r.PaidAt, &r.RefundRequestedAt); err != nil {
			return out, err
		}
		out.Waiting = append(out.Waiting, waitsOf(r.waiting(), n)...)
	}
	return out, rows.Err()
}

func waitsOf(s *order.State, n waitlist.Nudger[order.ID, *order.State]) (entries []waitlist.Entry) {
	if s.Status.Cancellable() {
		entries = append(entries, deadlineOf(s))
	}
	if since, waits := s.WaitsSince(); waits {
		entries = append(entries, n.Entry(s.ID, since))
	}
	return entries
}

// waiting is the part of the order that says what it waits for.
func (r *orderRow) waiting() *order.State {
	return &order.State{
		ID: order.ID(r.ID), Status: order.Status(r.Status), Facts: order.Facts(r.Facts),
		CreatedAt: instant(r.CreatedAt), Deadline: instant(r.Deadline), ReservedAt: instant(r.ReservedAt),
		PaidAt: instant(r.PaidAt), RefundRequestedAt: instant(r.RefundRequestedAt),
	}
}
