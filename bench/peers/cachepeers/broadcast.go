package cachepeers

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// fills is how many keys one process loads while another has asked for them.
const fills = 100

// fillsBroadcast counts what other processes are told of fills, which change
// nothing for anybody.
func fillsBroadcast() compare.Behaviour {
	return compare.Behaviour{
		What:  "100 cold keys are filled: messages to a process that has asked for them before",
		Peers: []compare.Probe{{Name: aside.name, Run: trackedFills}},
		Ours:  compare.Probe{Name: souk.name, Run: soukFills},
	}
}

func soukFills(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	listener := r.Direct().PSubscribe(ctx, "*")
	defer func() { _ = listener.Close() }()
	if _, err := listener.Receive(ctx); err != nil {
		return compare.Outcome{}, err
	}
	var heard atomic.Int64
	go func() {
		for range listener.Channel() {
			heard.Add(1)
		}
	}()
	return fillAll(ctx, r, souk, &heard)
}

// trackedFills listens as rueidisaside does, by Redis' client-side caching.
func trackedFills(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	var heard atomic.Int64
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:     []string{r.Addr()},
		OnInvalidations: func(keys []rueidis.RedisMessage) { heard.Add(int64(len(keys))) },
	})
	if err != nil {
		return compare.Outcome{}, err
	}
	defer client.Close()
	for i := range fills {
		key := "k" + strconv.Itoa(i)
		if err := client.DoCache(ctx, client.B().Get().Key(key).Cache(), ttl).Error(); err != nil && !rueidis.IsRedisNil(err) {
			return compare.Outcome{}, err
		}
	}
	return fillAll(ctx, r, aside, &heard)
}

func fillAll(ctx context.Context, r *engine.Redis, lib library, heard *atomic.Int64) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src := newSource("apple")
	for i := range fills {
		if _, err := stores[0].get(ctx, "k"+strconv.Itoa(i), src.load); err != nil {
			return compare.Outcome{}, err
		}
	}
	time.Sleep(settle)
	return compare.Outcome{Hole: heard.Load() > 0, Seen: fmt.Sprintf("%d", heard.Load())}, nil
}
