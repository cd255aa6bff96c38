package outbox

import (
	"context"
	"database/sql"
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

// pendingQuery makes one seek in outbox's key for each partition held. EXISTS
// would say the same, but MariaDB then reads the whole backlog.
const pendingQuery = `SELECT l.topic, l.part,
	(SELECT o.id FROM outbox o WHERE o.topic = l.topic AND o.part = l.part%s ORDER BY o.id LIMIT 1)
	FROM relay_lease l WHERE l.owner = ?`

// wakeIdle wakes the loops that wait while something is pending.
func (r *relay) wakeIdle(ctx context.Context) (found bool, err error) {
	but, args := unspent(r.table.spent.of(r.table.spent.addresses()...))
	rows, err := r.o.db.Query(ctx, fmt.Sprintf(pendingQuery, but), append(args, r.leases.owner)...)
	if err != nil {
		return false, fmt.Errorf("poll outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a address
		var first sql.NullInt64
		if err := rows.Scan(&a.topic, &a.part, &first); err != nil {
			return false, err
		}
		// A loop at work, or one that backs off, finds them by itself.
		if p := r.o.partitions[a]; first.Valid && p != nil && p.idle.Load() {
			p.wake()
			found = true
		}
	}
	return found, rows.Err()
}
