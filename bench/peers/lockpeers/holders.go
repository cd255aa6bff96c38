package lockpeers

import (
	"context"
	"fmt"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// pair opens two processes' lockers.
func pair(ctx context.Context, r *engine.Redis, lib library, ttl time.Duration) (one, other locker, done func(), err error) {
	one, err = lib.open(ctx, r.Addr(), ttl)
	if err != nil {
		return nil, nil, nil, err
	}
	other, err = lib.open(ctx, r.Addr(), ttl)
	if err != nil {
		one.close()
		return nil, nil, nil, err
	}
	return one, other, func() { one.close(); other.close() }, nil
}

// longWork holds a lock for three TTLs, which a holder that lives may do.
func longWork(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	one, other, done, err := pair(ctx, r, lib, ttl)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	held, err := one.acquire(ctx, "work")
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = held.release(ctx) }()
	begin := time.Now()
	waitCtx, cancel := context.WithTimeout(ctx, 3*ttl)
	defer cancel()
	second, err := other.acquire(waitCtx, "work")
	if err != nil {
		return compare.Outcome{Seen: "none; the lock was renewed"}, nil
	}
	defer func() { _ = second.release(ctx) }()
	return compare.Outcome{Hole: true, Seen: fmt.Sprintf("after %v, while the first works on", brief(time.Since(begin)))}, nil
}

// stolen empties Redis, has another take the lock, and waits for the first
// holder to be told.
func stolen(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	one, other, done, err := pair(ctx, r, lib, ttl)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	held, err := one.acquire(ctx, "work")
	if err != nil {
		return compare.Outcome{}, err
	}
	begin := time.Now()
	if err := r.Direct().FlushAll(ctx).Err(); err != nil {
		return compare.Outcome{}, err
	}
	second, err := other.acquire(ctx, "work")
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = second.release(ctx) }()
	select {
	case <-held.lost():
		return compare.Outcome{Seen: fmt.Sprintf("after %v", brief(time.Since(begin)))}, nil
	case <-time.After(2 * ttl):
		return compare.Outcome{Hole: true, Seen: "not in two TTLs; it has to ask"}, nil
	}
}

func brief(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
