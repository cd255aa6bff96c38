package ratelimit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// resultSize is how many numbers a script returns for each request.
const resultSize = 4

// call has Redis decide on requests of one key, in one step and as if they
// came one after the other.
func (l *Limiter) call(ctx context.Context, key string, counts ...int64) ([]Result, error) {
	asked := time.Now()
	keys := []string{l.cfg.Prefix + l.cfg.Name + ":{" + key + "}"}
	got, err := l.scripts.Run(ctx, l.rdb.Write(), l.cfg.Algorithm.script(), keys, l.arguments(counts)...).Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(got) != resultSize*len(counts) {
		return nil, fmt.Errorf("ratelimit %s: script returned %d values for %d requests", l.cfg.Name, len(got), len(counts))
	}
	results := make([]Result, 0, len(counts))
	for numbers := range slices.Chunk(got, resultSize) {
		r := l.result(numbers)
		if !r.Allowed {
			l.remember(key, counts[len(results)], asked, r)
		}
		results = append(results, r)
	}
	return results, nil
}

// arguments of the algorithm's script, as its head describes them.
func (l *Limiter) arguments(counts []int64) []any {
	limit := l.cfg.Limit
	args := []any{limit.Rate, limit.Per.Microseconds(), limit.Burst}
	if l.cfg.Algorithm == GCRA {
		args = []any{limit.interval(time.Microsecond).Microseconds(), limit.Burst}
	}
	for _, n := range counts {
		args = append(args, n)
	}
	return args
}

// result reads what a script returns for one request.
func (l *Limiter) result(numbers []int64) Result {
	return Result{
		Allowed: numbers[0] == 1, Limit: l.cfg.Limit.Burst, Remaining: numbers[1],
		RetryAfter: time.Duration(numbers[2]) * time.Microsecond,
		ResetAfter: time.Duration(numbers[3]) * time.Microsecond,
	}
}
