package idgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/database"
	"souk.example/pkg/redisclient"
)

// A position is what orders ids: milliseconds since the epoch, then the
// sequence.
const maxPosition = 1<<(41+sequenceBits) - 1

// lease is a grant in use. A renewal is a new value that shares last.
type lease struct {
	grant   Grant
	floor   int64     // the first position that no earlier holder can have used
	ceiling int64     // the last position that the high-water mark allows
	anchor  time.Time // on this process's clock, no later than grant.Now
	ttl     time.Duration
	forever bool
	last    *atomic.Int64 // the last position taken
}

func newLease(g Grant, anchor time.Time, ttl time.Duration, last *atomic.Int64) *lease {
	return &lease{
		grant: g, floor: max(positionAt(g.After+1), 0), ceiling: positionAt(g.HighWater+1) - 1,
		anchor: anchor, ttl: ttl, last: last,
	}
}

// advance takes the next n positions, from now on if it can be, and returns
// the first; it reports false, and takes none, when they would pass the ceiling.
func (l *lease) advance(now, n int64) (position int64, ok bool) {
	for {
		last := l.last.Load()
		position = max(last+1, l.floor, now)
		if position > l.ceiling-(n-1) {
			return 0, false
		}
		if l.last.CompareAndSwap(last, position+n-1) {
			return position, true
		}
	}
}

// id is the id at a position.
func (l *lease) id(position int64) int64 {
	return position>>sequenceBits<<timeShift | int64(l.grant.Worker)<<sequenceBits | position&(1<<sequenceBits-1)
}

// seal ends advance, in calls under way too, and returns the last position
// that was taken.
func (l *lease) seal() int64 { return l.last.Swap(maxPosition) }

// now is the position of the store's present, and whether the lease holds
// still, with a margin. The process's clock only measures the time since
// anchor, so setting it does not matter.
func (l *lease) now(local time.Time) (position int64, alive bool) {
	since := local.Sub(l.anchor)
	return positionAt(l.grant.Now.Add(since).UnixMilli()), l.forever || since < l.ttl-l.ttl/10
}

func positionAt(unixMillis int64) int64 { return (unixMillis - epochMillis) << sequenceBits }

// retryPause is how often Acquire asks again: when all numbers are taken, and
// when the store is away.
const retryPause = 250 * time.Millisecond

// Acquire leases a free worker number: one that was never used, was released,
// or whose holder's lease has ended. It blocks until there is one or ctx ends,
// while the store cannot be reached too. An error that the store answers with,
// such as a missing table, it returns at once, as it does ErrConfig of a bad
// Config. It does nothing for a Worker whose lease has not ended.
func (w *Worker) Acquire(ctx context.Context) error {
	if err := w.validate(); err != nil {
		return err
	}
	outage := redisclient.Outage{Log: w.cfg.Log, Begun: "no worker number leased, trying on", Ended: "worker number leased"}
	for {
		err := w.acquireFree(ctx)
		if err != nil && !away(err) {
			return err
		}
		outage.Note(ctx, err)
		if err == nil {
			return nil
		}
		if ended := pause(ctx); ended != nil {
			return errors.Join(err, ended)
		}
	}
}

// away reports whether the store did not serve, but may later.
func away(err error) bool {
	return database.IsTransient(err) || errors.Is(err, io.EOF) || redis.IsLoadingError(err)
}

// pause waits for a retryPause, or fails with the end of ctx.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(retryPause):
		return nil
	}
}

// acquireFree is Acquire for as long as the store can be reached.
func (w *Worker) acquireFree(ctx context.Context) error {
	for {
		err := w.acquire(ctx)
		switch {
		case errors.Is(err, ErrTaken):
			continue // there may be others
		case !errors.Is(err, ErrNoneFree):
			return err
		}
		if ended := pause(ctx); ended != nil {
			return errors.Join(err, ended)
		}
	}
}

// acquire asks the store once, unless Acquire or Run, which may both be under
// way, has leased a number.
func (w *Worker) acquire(ctx context.Context) error {
	w.acquiring.Lock()
	defer w.acquiring.Unlock()
	anchor := w.cfg.now()
	if l := w.lease.Load(); l != nil {
		if _, alive := l.now(anchor); alive {
			return nil
		}
	}
	first := w.cfg.Datacenter << w.cfg.WorkerBits
	got, err := w.leases.Take(ctx, first, first+1<<w.cfg.WorkerBits, w.cfg.Owner, w.cfg.LeaseTTL)
	if err != nil {
		return fmt.Errorf("lease a worker number: %w", err)
	}
	w.lease.Store(newLease(got, anchor, w.cfg.LeaseTTL, new(atomic.Int64)))
	return nil
}

// extend renews l. The renewed lease goes on where l stands.
func (w *Worker) extend(ctx context.Context, l *lease) (*lease, error) {
	anchor := w.cfg.now()
	got, err := w.leases.Extend(ctx, l.grant, w.cfg.LeaseTTL)
	if err != nil {
		return nil, fmt.Errorf("renew worker %d: %w", l.grant.Worker, err)
	}
	return newLease(got, anchor, w.cfg.LeaseTTL, l.last), nil
}

// free ends l at once and lowers its mark to what was used, so that the number
// can be taken again without waiting and without running ahead of the clock.
func (w *Worker) free(ctx context.Context, l *lease) error {
	return w.leases.Free(ctx, l.grant, max(highWater(l.seal()), l.grant.After))
}

// highWater is the timestamp of a position.
func highWater(position int64) int64 { return position>>sequenceBits + epochMillis }
