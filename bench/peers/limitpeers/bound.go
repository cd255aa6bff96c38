package limitpeers

import (
	"context"
	"fmt"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// The drift is looked for at 10 events a second and a burst of 10. The pause
// leaves a fraction of an event behind each time, which must not be lost.
const (
	driftRate  = 10
	driftBurst = 10
	driftPause = 170 * time.Millisecond
	driftSpan  = 2 * time.Second
)

// driftOfAtMost asks redis_rate for as many as fit.
func driftOfAtMost(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	l := openRedisRate(r.Addr(), driftRate, driftBurst)
	defer l.close()
	return drift(func() (int, error) {
		got, err := l.limiter.AllowAtMost(ctx, "a", l.limit, driftBurst)
		if err != nil {
			return 0, err
		}
		return got.Allowed, nil
	})
}

// driftOfSouk takes one event after the other until none fits.
func driftOfSouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	l, err := souk.open(ctx, r.Addr(), driftRate, driftBurst)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer l.close()
	return drift(func() (n int, err error) {
		for ; ; n++ {
			ok, err := l.allow(ctx, "a")
			if err != nil || !ok {
				return n, err
			}
		}
	})
}

// drift counts what is allowed after the burst. What the rate has made by the
// last time of asking is due, but for a fraction of one event.
func drift(asManyAsFit func() (int, error)) (compare.Outcome, error) {
	begin := time.Now()
	if _, err := asManyAsFit(); err != nil {
		return compare.Outcome{}, err
	}
	allowed, last := 0, begin
	for time.Since(begin) < driftSpan {
		time.Sleep(driftPause)
		last = time.Now()
		n, err := asManyAsFit()
		if err != nil {
			return compare.Outcome{}, err
		}
		allowed += n
	}
	due := int(last.Sub(begin).Seconds() * driftRate)
	return compare.Outcome{Hole: allowed < due-1, Seen: fmt.Sprintf("%d of %d that were due", allowed, due)}, nil
}

// overAdmission asks for events without pause, from a moment before a full
// second to a moment after it, and compares with the bound of the limit.
func overAdmission(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	const (
		rate, burst = 100, 100
		around      = 75 * time.Millisecond
	)
	l, err := lib.open(ctx, r.Addr(), rate, burst)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer l.close()
	if _, err := l.allow(ctx, "warm-up"); err != nil {
		return compare.Outcome{}, err
	}
	edge := time.Now().Truncate(second).Add(2 * second)
	time.Sleep(time.Until(edge.Add(-around)))
	begin, allowed := time.Now(), 0
	for time.Until(edge) > -around {
		ok, err := l.allow(ctx, "a")
		if err != nil {
			return compare.Outcome{}, err
		}
		if ok {
			allowed++
		}
	}
	bound := burst + int(time.Since(begin).Seconds()*rate) + 1
	return compare.Outcome{Hole: allowed > bound, Seen: fmt.Sprintf("%d, at most %d", allowed, bound)}, nil
}
