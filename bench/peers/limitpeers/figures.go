package limitpeers

import (
	"context"
	"errors"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// A rate and a burst that no measurement here reaches. More a second souk's
// GCRA refuses to promise.
const (
	plentyRate  = 100_000
	plentyBurst = 1_000_000_000
)

func figures() []compare.Figure {
	return []compare.Figure{
		{What: "hot key under its limit, 1 caller", Units: compare.NsPerOp, Cases: cases(1, under)},
		{What: "hot key under its limit, 64 callers", Units: compare.NsPerOp, Cases: cases(64, under)},
		{What: "hot key over its limit, 1 caller", Units: compare.NsPerOp, Cases: cases(1, over)},
		{What: "hot key over its limit, 64 callers", Units: compare.NsPerOp, Cases: cases(64, over)},
	}
}

func cases(goroutines int, op func(ctx context.Context, lib library, addr string) (compare.Op, func(), error)) []compare.Case {
	libs := []library{souk, soukGCRA, redisRate, throttle, gozero}
	out := make([]compare.Case, len(libs))
	for i, lib := range libs {
		out[i] = compare.Case{
			Name: lib.name, Ours: lib.name == souk.name || lib.name == soukGCRA.name,
			Open: compare.PerOp(goroutines, func(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
				return op(ctx, lib, r.Addr())
			}),
		}
	}
	return out
}

var errRefused = errors.New("refused, though under the limit")

// under decides on events that are allowed. throttled gives up on some when
// callers contend; that is its answer, not a failure to measure.
func under(ctx context.Context, lib library, addr string) (compare.Op, func(), error) {
	l, err := lib.open(ctx, addr, plentyRate, plentyBurst)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		ok, err := l.allow(ctx, lib.name)
		if lib.name == throttle.name || ok {
			return nil
		}
		if err == nil {
			err = errRefused
		}
		return err
	}, l.close, nil
}

// over decides on events that are nearly all refused.
func over(ctx context.Context, lib library, addr string) (compare.Op, func(), error) {
	l, err := lib.open(ctx, addr, 1, 1)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		_, err := l.allow(ctx, lib.name+" over")
		if lib.name == throttle.name {
			return nil
		}
		return err
	}, l.close, nil
}
