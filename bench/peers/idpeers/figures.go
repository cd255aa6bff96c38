package idpeers

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
	"souk.example/pkg/idgen"
)

func figures() []compare.Figure {
	units := []string{"ns/id"}
	return []compare.Figure{
		{What: "a burst of 100,000 ids after a pause", Units: units, Cases: []compare.Case{
			{Name: "souk", Ours: true, Open: soukCase(inBurst)},
			{Name: "bwmarrin/snowflake", Open: alone(bwmarrin, inBurst)},
		}},
		{What: "ids without pause", Units: units, Cases: []compare.Case{
			{Name: "souk", Ours: true, Open: soukCase(sustained)},
			{Name: "bwmarrin/snowflake", Open: alone(bwmarrin, sustained)},
			{Name: "sony/sonyflake", Open: alone(func() (next, error) { return sony(0) }, sustained)},
		}},
		{What: "one UUID, version 7", Units: compare.NsPerOp, Cases: []compare.Case{
			uuidCase("souk UUIDv7", true, func() error { idgen.UUIDv7(); return nil }),
			uuidCase("google/uuid version 7", false, func() error { _, err := uuid.NewV7(); return err }),
		}},
		{What: "one UUID, version 4", Units: compare.NsPerOp, Cases: []compare.Case{
			uuidCase("souk UUIDv4", true, func() error { idgen.UUIDv4(); return nil }),
			uuidCase("google/uuid version 4", false, func() error { _, err := uuid.NewRandom(); return err }),
		}},
	}
}

func uuidCase(name string, ours bool, make func() error) compare.Case {
	return compare.Case{Name: name, Ours: ours, Open: compare.PerOp(1,
		func(context.Context, *engine.Redis) (compare.Op, func(), error) {
			return func(context.Context) error { return make() }, func() {}, nil
		})}
}

type sampler func(ctx context.Context, issue next) ([]float64, error)

func alone(start func() (next, error), s sampler) func(context.Context, *engine.Redis) (compare.Sample, func(), error) {
	return func(context.Context, *engine.Redis) (compare.Sample, func(), error) {
		issue, err := start()
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) ([]float64, error) { return s(ctx, issue) }, func() {}, nil
	}
}

func soukCase(s sampler) func(context.Context, *engine.Redis) (compare.Sample, func(), error) {
	return func(ctx context.Context, r *engine.Redis) (compare.Sample, func(), error) {
		w, err := startWorker(ctx, r, nil)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) ([]float64, error) { return s(ctx, w.next) }, w.stop, nil
	}
}

// inBurst pauses until nothing is borrowed any more, then measures a burst.
func inBurst(_ context.Context, issue next) ([]float64, error) {
	const ids = 100_000
	time.Sleep(leaseTTL / 5)
	begin := time.Now()
	if _, err := take(issue, ids); err != nil {
		return nil, err
	}
	return []float64{float64(time.Since(begin).Nanoseconds()) / ids}, nil
}

// sustained issues ids as fast as they come for longer than souk can borrow
// ahead, and measures after that.
func sustained(ctx context.Context, issue next) ([]float64, error) {
	if _, err := issueFor(ctx, issue, leaseTTL); err != nil {
		return nil, err
	}
	begin := time.Now()
	n, err := issueFor(ctx, issue, leaseTTL)
	return []float64{float64(time.Since(begin).Nanoseconds()) / float64(max(n, 1))}, err
}

// issueFor issues ids for span and on until they have run out, half as long
// again at most: souk's come in portions, of which a span is to hold a whole
// number. Those that have run out are asked for again.
func issueFor(ctx context.Context, issue next, span time.Duration) (n int64, err error) {
	for begin := time.Now(); time.Since(begin) < span*3/2; {
		_, err := issue()
		switch {
		case err == nil:
			n++
		case !later(err) || ctx.Err() != nil:
			return n, err
		case time.Since(begin) > span:
			return n, nil
		default:
			time.Sleep(time.Millisecond)
		}
	}
	return n, nil
}

// later reports that ids are to be had again soon: after the next renewal, or
// once a renewal that a busy machine delayed has come through.
func later(err error) bool {
	return errors.Is(err, idgen.ErrExhausted) || errors.Is(err, idgen.ErrNoLease)
}
