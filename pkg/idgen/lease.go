package idgen

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"souk.example/pkg/database"
)

// A position is what orders ids: milliseconds since the epoch, then the
// sequence.
const maxPosition = 1<<(41+sequenceBits) - 1

// lease is one grant of a machine number. A renewal is a new value that shares
// last.
type lease struct {
	machine      int64
	epoch        int64
	floor        int64     // the first position that no earlier holder can have used
	ceiling      int64     // the last position that the high-water mark allows
	anchor, base time.Time // base is the database's time at anchor, on this process's clock
	ttl          time.Duration
	forever      bool
	last         *atomic.Int64 // the last position taken
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
	return position>>sequenceBits<<timeShift | l.machine<<sequenceBits | position&(1<<sequenceBits-1)
}

// seal ends advance, in calls under way too, and returns the last position
// that was taken.
func (l *lease) seal() int64 { return l.last.Swap(maxPosition) }

// now is the position of the database's present, and whether the lease holds
// still, with a margin. The process's clock only measures the time since
// anchor, so setting it does not matter.
func (l *lease) now(local time.Time) (position int64, alive bool) {
	since := local.Sub(l.anchor)
	return positionAt(l.base.Add(since).UnixMilli()), l.forever || since < l.ttl-l.ttl/10
}

func positionAt(unixMillis int64) int64 { return (unixMillis - epochMillis) << sequenceBits }

var (
	// errTaken: another process took the number, first or after its end.
	errTaken = errors.New("worker number taken by another")
	// errNoneFree: every number is leased.
	errNoneFree = errors.New("no worker number is free")
)

// waitForNumber is how often Acquire looks for a number when all are taken.
const waitForNumber = 250 * time.Millisecond

// Acquire leases a free worker number: one that was never used, was released,
// or whose holder's lease has ended. It blocks until there is one or ctx ends.
func (w *Worker) Acquire(ctx context.Context) error {
	if err := w.cfg.Validate(); err != nil {
		return err
	}
	for {
		err := w.acquire(ctx)
		switch {
		case errors.Is(err, errTaken):
			continue // there may be others
		case !errors.Is(err, errNoneFree):
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(waitForNumber):
		}
	}
}

func (w *Worker) acquire(ctx context.Context) error {
	var got *lease
	err := w.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		anchor := w.cfg.now()
		base, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		free, err := w.pick(ctx, tx, database.Micros(base))
		if err != nil {
			return err
		}
		got = w.grant(free, anchor, base)
		return w.take(ctx, tx, free, got)
	})
	if err != nil {
		return fmt.Errorf("lease a worker number: %w", err)
	}
	w.lease.Store(got)
	return nil
}

// candidate is a worker number that may be taken, as it stands in the table.
type candidate struct {
	worker    int
	known     bool // has a row
	epoch     int64
	highWater int64
}

// grant is the lease that a candidate would give: above everything any holder
// of the number may have issued, and at most a TTL ahead of what it begins with.
func (w *Worker) grant(c candidate, anchor, base time.Time) *lease {
	floor := max(positionAt(c.highWater+1), 0)
	return &lease{
		machine: int64(c.worker), epoch: c.epoch + 1,
		floor: floor, ceiling: w.ceiling(base, floor),
		anchor: anchor, base: base, ttl: w.cfg.LeaseTTL,
		last: new(atomic.Int64),
	}
}

// ceiling is a TTL beyond the database's clock, or beyond reached where ids
// have run ahead of it.
func (w *Worker) ceiling(base time.Time, reached int64) int64 {
	from := max(positionAt(base.UnixMilli()), reached)
	return (from>>sequenceBits+w.cfg.LeaseTTL.Milliseconds())<<sequenceBits | (1<<sequenceBits - 1)
}

// highWater is a position's timestamp as the table keeps it.
func highWater(position int64) int64 { return position>>sequenceBits + epochMillis }
