package lockpeers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// manyRequests is more than one caller who waits for all would send in a
// second, and a good deal less than sixteen who poll.
const manyRequests = 50

// waiters counts what the callers of one process send while they wait for a
// lock, which one of them could do for all.
func waiters(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	one, other, done, err := pair(ctx, r, lib, usual)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	held, err := one.acquire(ctx, "held")
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = held.release(ctx) }()
	waitInVain(ctx, other, 200*time.Millisecond) // opens the connections
	before, err := r.Requests(ctx)
	if err != nil {
		return compare.Outcome{}, err
	}
	waitInVain(ctx, other, time.Second)
	after, err := r.Requests(ctx)
	return compare.Outcome{Hole: after-before > manyRequests, Seen: fmt.Sprintf("%d", after-before)}, err
}

func waitInVain(ctx context.Context, l locker, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { _, _ = l.acquire(ctx, "held") })
	}
	wg.Wait()
}

// waitError looks at what a caller gets whose deadline passes.
func waitError(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	one, other, done, err := pair(ctx, r, lib, usual)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	held, err := one.acquire(ctx, "held")
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = held.release(ctx) }()
	waitCtx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = other.acquire(waitCtx, "held")
	if err == nil {
		return compare.Outcome{}, errors.New("got a lock that is held")
	}
	return compare.Outcome{Hole: !errors.Is(err, context.DeadlineExceeded), Seen: err.Error()}, nil
}
