package cachepeers

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// cancelledLeader: ten readers join one load, and the caller whose load it is
// gives up.
func cancelledLeader(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	const followers = 9
	src := newSource("apple")
	leaderCtx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = stores[0].get(leaderCtx, "a", src.slowly(5*settle)) })
	for src.loads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var failed atomic.Int64
	for range followers {
		wg.Go(func() {
			if _, err := stores[0].get(ctx, "a", src.slowly(5*settle)); err != nil {
				failed.Add(1)
			}
		})
	}
	time.Sleep(settle)
	giveUp()
	wg.Wait()
	return compare.Outcome{Hole: failed.Load() > 0, Seen: fmt.Sprintf("%d of %d failed", failed.Load(), followers)}, nil
}

// coldKey counts loads of one key by processes that want it together.
func coldKey(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	const processes = 8
	stores, done, err := open(ctx, lib, r.Addr(), processes)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src := newSource("apple")
	var wg sync.WaitGroup
	for _, s := range stores {
		for range 4 {
			wg.Go(func() { _, _ = s.get(ctx, "a", src.slowly(settle)) })
		}
	}
	wg.Wait()
	return compare.Outcome{Hole: src.loads.Load() > 1, Seen: fmt.Sprintf("%d", src.loads.Load())}, nil
}
