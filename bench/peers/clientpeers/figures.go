package clientpeers

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

func figures() []compare.Figure {
	var out []compare.Figure
	for _, callers := range []int{1, 64, 512} {
		out = append(out, compare.Figure{
			What: fmt.Sprintf("GET, %d at a time", callers), Units: compare.NsPerOp, Cases: gets(callers),
		})
	}
	return out
}

func gets(callers int) []compare.Case {
	return []compare.Case{
		{Name: "souk Hot()", Ours: true, Open: compare.PerOp(callers, hotGet)},
		{Name: "souk Read()", Ours: true, Open: compare.PerOp(callers, readGet)},
		{Name: "go-redis, defaults", Open: compare.PerOp(callers, plainGet)},
		{Name: "rueidis, defaults", Open: compare.PerOp(callers, rueidisGet)},
	}
}

func prepare(ctx context.Context, r *engine.Redis) error {
	return r.Direct().Set(ctx, "k", "value", 0).Err()
}

func hotGet(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
	rdb, err := engine.Souk(ctx, r.Addr())
	if err != nil {
		return nil, nil, err
	}
	hot := rdb.Hot()
	return func(ctx context.Context) error {
		_, err := hot.Get(ctx, "k")
		return err
	}, func() { _ = rdb.Close() }, prepare(ctx, r)
}

func readGet(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
	rdb, err := engine.Souk(ctx, r.Addr())
	if err != nil {
		return nil, nil, err
	}
	return getOf(rdb.Read()), func() { _ = rdb.Close() }, prepare(ctx, r)
}

func plainGet(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
	rdb := engine.Plain(r.Addr())
	return getOf(rdb), func() { _ = rdb.Close() }, prepare(ctx, r)
}

func getOf(rdb redis.Cmdable) compare.Op {
	return func(ctx context.Context) error { return rdb.Get(ctx, "k").Err() }
}

func rueidisGet(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
	rdb, err := openRueidis(r.Addr())
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		return rdb.Do(ctx, rdb.B().Get().Key("k").Build()).Error()
	}, rdb.Close, prepare(ctx, r)
}
