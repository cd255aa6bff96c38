package outbox

import (
	"context"
	"fmt"
	"time"
)

// The pace of polling: fast after rows that nobody in this process announced,
// which another process committed, then slower until there are such again.
const (
	pollBusy = 5 * time.Millisecond
	pollIdle = 250 * time.Millisecond
)

// poll wakes partitions for packs that other processes append.
func (r *relay) poll(ctx context.Context) {
	pace := pollIdle
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pace):
		}
		found, err := r.wakeIdle(ctx)
		switch {
		case err != nil || !found:
			pace = min(2*pace, pollIdle)
		default:
			pace = pollBusy
		}
	}
}

// wakeIdle asks with one cheap query where something is pending: a seek in
// outbox's key for each partition held.
func (r *relay) wakeIdle(ctx context.Context) (found bool, err error) {
	rows, err := r.o.db.Query(ctx, `SELECT l.topic, l.part FROM relay_lease l WHERE l.owner = ?
		AND EXISTS (SELECT 1 FROM outbox o WHERE o.topic = l.topic AND o.part = l.part)`, r.leases.owner)
	if err != nil {
		return false, fmt.Errorf("poll outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a address
		if err := rows.Scan(&a.topic, &a.part); err != nil {
			return false, err
		}
		// A loop at work, or one that backs off, finds them by itself.
		if p := r.o.partitions[a]; p != nil && p.idle.Load() {
			p.wake()
			found = true
		}
	}
	return found, rows.Err()
}
