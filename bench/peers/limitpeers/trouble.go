package limitpeers

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// contention has many callers decide on one key that is far from its limit.
func contention(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	const callers, each = 64, 20
	l, err := lib.open(ctx, r.Addr(), 100_000, 1_000_000)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer l.close()
	var (
		wg     sync.WaitGroup
		failed atomic.Int64
	)
	for range callers {
		wg.Go(func() {
			for range each {
				if _, err := l.allow(ctx, "a"); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return compare.Outcome{Hole: failed.Load() > 0, Seen: fmt.Sprintf("%d of %d", failed.Load(), callers*each)}, nil
}

// down has one caller decide while there is no Redis.
func down(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	const decisions = 20
	l, err := lib.open(ctx, r.Addr(), 100, 100)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer l.close()
	if _, err := l.allow(ctx, "a"); err != nil {
		return compare.Outcome{}, err
	}
	r.Stop()
	failed, begin := 0, time.Now()
	for range decisions {
		decideCtx, cancel := context.WithTimeout(ctx, second)
		if _, err := l.allow(decideCtx, "a"); err != nil {
			failed++
		}
		cancel()
	}
	each := time.Since(begin) / decisions
	return compare.Outcome{
		Hole: failed > 0,
		Seen: fmt.Sprintf("%d of %d, %v each", failed, decisions, each.Round(10*time.Microsecond)),
	}, nil
}
