package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
	"souk.example/services/order/internal/order"
)

// The walk and the intake share two facts. The walk passes an id only ripeAge
// after the id was made; and a transaction that inserts an order commits
// within half of that after it asked for the time, or not at all (Config
// bounds it). So an order whose id is younger than the other half at insertion
// is seen by the walk, and one that is older puts itself on the list. The bound
// is the client's: a server that takes longer than that over a COMMIT nobody
// waits for any more could slip an order past the walk; the audit names it.
const (
	ripeAge  = time.Minute
	lateAge  = ripeAge / 2
	slowWalk = 5 * time.Second // how far behind ripeAge the walk may be in good health
)

// whyDeadline marks stragglers that wait for their deadline.
const whyDeadline = "deadline"

// missed reports whether the walk would see s too late, or perhaps never.
func missed(s order.State) bool {
	made := idgen.Parse(int64(s.ID)).Time
	return s.Deadline.Before(made.Add(ripeAge+slowWalk)) || made.Before(s.CreatedAt.Add(-lateAge))
}

// firstID is the smallest id made at t or later. Below the milliseconds an id
// has 22 bits: see package idgen.
func firstID(t time.Time) int64 { return t.Sub(idgen.Parse(0).Time).Milliseconds() << 22 }

// listMissed puts new orders that the walk would miss on the list.
func (u unit) listMissed(ctx context.Context, orders []order.State) error {
	var missing []order.Straggler
	for _, s := range orders {
		if missed(s) {
			missing = append(missing, order.Straggler{Order: s.ID, Deadline: s.Deadline})
		}
	}
	return u.enlist(ctx, missing)
}

func (u unit) enlist(ctx context.Context, stragglers []order.Straggler) error {
	rows := make([][]any, len(stragglers))
	for i, s := range stragglers {
		rows[i] = []any{int64(s.Order), whyDeadline, database.Micros(s.Deadline)}
	}
	if _, err := u.tx.InsertIgnore(ctx, "straggler", []string{"order_id", "why", "due"}, rows); err != nil {
		return fmt.Errorf("list %d stragglers: %w", len(rows), err)
	}
	return nil
}

// Advance implements order.WatchUnit.
func (u unit) Advance(ctx context.Context, s order.Stretch) error {
	if err := u.enlist(ctx, s.Waiting); err != nil {
		return err
	}
	if _, err := u.tx.Exec(ctx, "UPDATE deadline_watch SET walked = ? WHERE id = 1", int64(s.Last)); err != nil {
		return fmt.Errorf("note the walk: %w", err)
	}
	return nil
}

// Strike implements order.WatchUnit.
func (u unit) Strike(ctx context.Context, ids []order.ID) error {
	in, args := database.In(ids)
	if _, err := u.tx.Exec(ctx, "DELETE FROM straggler WHERE order_id IN "+in+" AND why = ?", append(args, whyDeadline)...); err != nil {
		return fmt.Errorf("strike %d stragglers: %w", len(ids), err)
	}
	return nil
}

// Postpone implements order.WatchUnit.
func (u unit) Postpone(ctx context.Context, id order.ID, due time.Time) error {
	_, err := u.tx.Exec(ctx, "UPDATE straggler SET due = ? WHERE order_id = ? AND why = ?", database.Micros(due), int64(id), whyDeadline)
	if err != nil {
		return fmt.Errorf("postpone order %d: %w", id, err)
	}
	return nil
}

// Due implements order.Waitlist.
func (s *Store) Due(ctx context.Context, limit int) (ids []order.ID, err error) {
	err = s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		ids, err = due(ctx, tx, now, limit)
		return err
	})
	slices.Sort(ids)
	return ids, err
}

func due(ctx context.Context, tx *database.Tx, now time.Time, limit int) (ids []order.ID, err error) {
	rows, err := tx.Query(ctx, "SELECT order_id FROM straggler WHERE why = ? AND due <= ? ORDER BY due LIMIT ?",
		whyDeadline, database.Micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("look for deadlines: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id order.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Ripe implements order.Waitlist. What it reads may have moved on by the time
// it is listed; a listed order that waits no more is found out when it is due.
func (s *Store) Ripe(ctx context.Context, after order.ID, limit int) (stretch order.Stretch, err error) {
	err = s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		stretch, err = ripe(ctx, tx, after, firstID(now.Add(-ripeAge)), limit)
		return err
	})
	return stretch, err
}

func ripe(ctx context.Context, tx *database.Tx, after order.ID, end int64, limit int) (s order.Stretch, err error) {
	rows, err := tx.Query(ctx, "SELECT id, status, deadline FROM orders WHERE id > ? AND id < ? ORDER BY id LIMIT ?", int64(after), end, limit)
	if err != nil {
		return s, fmt.Errorf("read orders after %d: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		var status order.Status
		var deadline int64
		if err := rows.Scan(&s.Last, &status, &deadline); err != nil {
			return s, err
		}
		s.Orders++
		if status.Cancellable() {
			s.Waiting = append(s.Waiting, order.Straggler{Order: s.Last, Deadline: database.Time(deadline)})
		}
	}
	return s, rows.Err()
}
