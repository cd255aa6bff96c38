package idpeers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// step is how far the clock is set back between two runs of a process.
const step = 5 * time.Millisecond

// perRun is how many ids each run of a process issues.
const perRun = 40_000

func bwmarrinStep(context.Context, *engine.Redis) (compare.Outcome, error) {
	return restarted(bwmarrin, func() (next, error) {
		// NewNode reads the epoch; setting it forward sets the clock back.
		snowflake.Epoch += step.Milliseconds()
		defer func() { snowflake.Epoch -= step.Milliseconds() }()
		return bwmarrin()
	}, perRun)
}

// sonyflakeStep takes few ids, as sonyflake issues 25 in a millisecond, and
// two of its time units as the step.
func sonyflakeStep(context.Context, *engine.Redis) (compare.Outcome, error) {
	return restarted(
		func() (next, error) { return sony(0) },
		func() (next, error) { return sony(4 * step) },
		1_000)
}

// restarted counts the ids that a process issues again after its restart.
func restarted(before, after func() (next, error), n int) (compare.Outcome, error) {
	first, err := run(before, n)
	if err != nil {
		return compare.Outcome{}, err
	}
	second, err := run(after, n)
	if err != nil {
		return compare.Outcome{}, err
	}
	return count(first, second), nil
}

func run(start func() (next, error), n int) ([]int64, error) {
	issue, err := start()
	if err != nil {
		return nil, err
	}
	return take(issue, n)
}

func count(first, second []int64) compare.Outcome {
	seen := make(map[int64]struct{}, len(first))
	for _, id := range first {
		seen[id] = struct{}{}
	}
	twice := 0
	for _, id := range second {
		if _, ok := seen[id]; ok {
			twice++
		}
	}
	return compare.Outcome{Hole: twice > 0, Seen: fmt.Sprintf("%d of %d", twice, len(second))}
}

func soukStep(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	first, err := soukRun(ctx, r, 0)
	if err != nil {
		return compare.Outcome{}, err
	}
	second, err := soukRun(ctx, r, step)
	if err != nil {
		return compare.Outcome{}, err
	}
	return count(first, second), nil
}

func soukRun(ctx context.Context, r *engine.Redis, back time.Duration) ([]int64, error) {
	w, err := startWorker(ctx, r, func() time.Time { return time.Now().Add(-back) })
	if err != nil {
		return nil, err
	}
	defer w.stop()
	return take(w.next, perRun)
}

// twins issues ids in two processes at the same time.
func twins(one, other next, n int) (compare.Outcome, error) {
	var (
		first     []int64
		firstErr  error
		firstDone = make(chan struct{})
	)
	go func() {
		defer close(firstDone)
		first, firstErr = take(one, n)
	}()
	second, err := take(other, n)
	<-firstDone
	if err := errors.Join(err, firstErr); err != nil {
		return compare.Outcome{}, err
	}
	return count(first, second), nil
}

func bwmarrinTwins(context.Context, *engine.Redis) (compare.Outcome, error) {
	return startTwins(bwmarrin, perRun)
}

func sonyflakeTwins(context.Context, *engine.Redis) (compare.Outcome, error) {
	return startTwins(func() (next, error) { return sony(0) }, 1_000)
}

func startTwins(start func() (next, error), n int) (compare.Outcome, error) {
	one, err := start()
	if err != nil {
		return compare.Outcome{}, err
	}
	other, err := start()
	if err != nil {
		return compare.Outcome{}, err
	}
	return twins(one, other, n)
}

func soukTwins(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	one, err := startWorker(ctx, r, nil)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer one.stop()
	other, err := startWorker(ctx, r, nil)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer other.stop()
	return twins(one.next, other.next, perRun)
}
