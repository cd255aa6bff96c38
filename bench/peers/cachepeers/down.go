package cachepeers

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// readers is how many read while Redis is down, readWait how long each waits.
const (
	readers  = 100
	readWait = 2 * time.Second
)

// downCold: the source must not be asked by every reader at once. Failing the
// readers spares the source and is no hole, but it is said.
func downCold(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src := newSource("apple")
	r.Stop()
	failed := readAll(ctx, stores[0], src.slowly(settle), func(i int) string { return "cold" + strconv.Itoa(i) }, readWait)
	most := src.most.Load()
	return compare.Outcome{
		Hole: most > maxLoads,
		Seen: fmt.Sprintf("up to %d loads at a time; %d of %d reads failed", most, failed, readers),
	}, nil
}

// downWarm: what was read once can still be served.
func downWarm(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src := newSource("apple")
	if err := warm(ctx, stores[0], src); err != nil {
		return compare.Outcome{}, err
	}
	r.Stop()
	before, failed, begin := src.loads.Load(), 0, time.Now()
	const turns = 5
	for range turns { // one after the other, so that none joins another's load
		if err := readOne(ctx, stores[0], "a", src.load, readWait); err != nil {
			failed++
		}
	}
	loads := src.loads.Load() - before
	return compare.Outcome{
		Hole: failed > 0 || loads > 0,
		Seen: fmt.Sprintf("%d loads for %d reads; %d failed; %s each", loads, turns, failed, brief(time.Since(begin)/turns)),
	}, nil
}

// silentPatience is how long a reader has at most, longest what is no hole: the
// source would have answered all of them in a few milliseconds.
const (
	silentPatience = 10 * time.Second
	longest        = 2 * time.Second
)

// downSilent: a Redis that says nothing must not hold readers up for long.
func downSilent(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src := newSource("apple")
	if err := warm(ctx, stores[0], src); err != nil {
		return compare.Outcome{}, err
	}
	resume, err := r.Silence()
	if err != nil {
		return compare.Outcome{}, err
	}
	defer resume()
	begin := time.Now()
	failed := readAll(ctx, stores[0], src.load, func(i int) string { return "cold" + strconv.Itoa(i) }, silentPatience)
	last := time.Since(begin)
	return compare.Outcome{
		Hole: failed > 0 || last > longest,
		Seen: fmt.Sprintf("%s; %d of %d reads failed", brief(last), failed, readers),
	}, nil
}

func readOne(ctx context.Context, s store, key string, load loader, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, err := s.get(ctx, key, load)
	return err
}

// readAll reads with many readers at once and counts those that failed.
func readAll(ctx context.Context, s store, load loader, key func(i int) string, wait time.Duration) int64 {
	var (
		wg     sync.WaitGroup
		failed atomic.Int64
	)
	for i := range readers {
		wg.Go(func() {
			if err := readOne(ctx, s, key(i), load, wait); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	return failed.Load()
}

// brief rounds d to what a table can hold.
func brief(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}
