package cachepeers

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
	"souk.example/pkg/cache"
)

func figures() []compare.Figure {
	return []compare.Figure{
		{What: "hit in memory", Units: compare.NsPerOp, Cases: cases(1, reading,
			souk, goredisCacheLocal, aside)},
		{What: "hit in Redis", Units: compare.NsPerOp, Cases: append(cases(1, reading,
			soukWithoutMemory, goredisCache, gozero, rocks, eko), bareGet())},
		{What: "64 readers of one cold key", Units: compare.NsPerOp, Cases: cases(1, stampede,
			souk, goredisCache, goredisCacheLocal, gozero, rocks, eko, aside)},
	}
}

// soukWithoutMemory asks Redis at each read.
var soukWithoutMemory = library{"souk, nothing in memory", func(ctx context.Context, addr string) (store, error) {
	return openSouk(ctx, addr, cache.Config{TTL: ttl, MaxLoads: maxLoads, NoL1: true})
}}

func cases(goroutines int, op func(s store) compare.Op, libs ...library) []compare.Case {
	out := make([]compare.Case, len(libs))
	for i, lib := range libs {
		out[i] = compare.Case{
			Name: lib.name, Ours: lib.name == souk.name || lib.name == soukWithoutMemory.name,
			Open: compare.PerOp(goroutines, func(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
				stores, done, err := open(ctx, lib, r.Addr(), 1)
				if err != nil {
					return nil, nil, err
				}
				return op(stores[0]), done, nil
			}),
		}
	}
	return out
}

// reading reads one key, which the first reading fills.
func reading(s store) compare.Op {
	src := newSource("apple")
	key := "hit" + strconv.FormatInt(serial.Add(1), 10)
	return func(ctx context.Context) error {
		_, err := s.get(ctx, key, src.load)
		return err
	}
}

// serial tells keys apart that share a Redis.
var serial atomic.Int64

// stampede has 64 readers want a key that nobody has read before.
func stampede(s store) compare.Op {
	src := newSource("apple")
	return func(ctx context.Context) error {
		key := "cold" + strconv.FormatInt(serial.Add(1), 10)
		var (
			wg     sync.WaitGroup
			failed atomic.Pointer[error]
		)
		for range 64 {
			wg.Go(func() {
				if _, err := s.get(ctx, key, src.load); err != nil {
					failed.Store(&err)
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		return nil
	}
}

// bareGet is what a hit in Redis costs without any library.
func bareGet() compare.Case {
	return compare.Case{Name: "bare GET and decode", Open: compare.PerOp(1,
		func(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
			rdb, err := engine.Souk(ctx, r.Addr())
			if err != nil {
				return nil, nil, err
			}
			data, err := encode(newSource("apple").product(), nil)
			if err != nil {
				return nil, nil, err
			}
			op := func(ctx context.Context) error {
				data, err := rdb.Read().Get(ctx, "bare").Bytes()
				if err != nil {
					return err
				}
				var p product
				return json.Unmarshal(data, &p)
			}
			return op, func() { _ = rdb.Close() }, rdb.Write().Set(ctx, "bare", data, 0).Err()
		})}
}
