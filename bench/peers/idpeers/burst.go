package idpeers

import (
	"context"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// patience is how long the last caller of a burst may wait: an interactive
// request notices more.
const patience = 50 * time.Millisecond

const burst = 10_000

func sonyflakeBurst(context.Context, *engine.Redis) (compare.Outcome, error) {
	issue, err := sony(0)
	if err != nil {
		return compare.Outcome{}, err
	}
	return wait(issue)
}

func bwmarrinBurst(context.Context, *engine.Redis) (compare.Outcome, error) {
	issue, err := bwmarrin()
	if err != nil {
		return compare.Outcome{}, err
	}
	return wait(issue)
}

func soukBurst(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	w, err := startWorker(ctx, r, nil)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer w.stop()
	return wait(w.next)
}

func wait(issue next) (compare.Outcome, error) {
	begin := time.Now()
	if _, err := take(issue, burst); err != nil {
		return compare.Outcome{}, err
	}
	took := time.Since(begin)
	return compare.Outcome{Hole: took > patience, Seen: took.Round(100 * time.Microsecond).String()}, nil
}
