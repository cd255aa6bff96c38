package clientpeers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

func deadlinePlain(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := plain(addr)
		return func(ctx context.Context) error { return rdb.Get(ctx, "k").Err() }, func() { _ = rdb.Close() }, err
	})
}

func deadlineRueidis(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := openRueidisOnce(addr)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error { return rdb.Do(ctx, rdb.B().Get().Key("k").Build()).Error() }, rdb.Close, nil
	})
}

func deadlineSouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := engine.Souk(ctx, addr)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error { return rdb.Read().Get(ctx, "k").Err() }, func() { _ = rdb.Close() }, rdb.Ping(ctx)
	})
}

// late is when a deadline of 100 ms has not been kept.
const (
	deadline = 100 * time.Millisecond
	late     = 200 * time.Millisecond
	tooLate  = 3 * time.Second // nobody waits for it any longer
)

func blackHole(ctx context.Context, r *engine.Redis, open func(addr string) (command, func(), error)) (compare.Outcome, error) {
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	if err := r.Direct().Set(ctx, "k", "value", 0).Err(); err != nil {
		return compare.Outcome{}, err
	}
	get, done, err := open(proxy.Addr())
	if err != nil {
		proxy.Close()
		return compare.Outcome{}, err
	}
	// The order matters: a client that still waits returns once the proxy ends.
	defer done()
	defer proxy.Close()
	if err := get(ctx); err != nil {
		return compare.Outcome{}, fmt.Errorf("before the fault: %w", err)
	}
	proxy.Swallow()
	var answered atomic.Bool
	seen := returns(func() {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		answered.Store(get(ctx) == nil)
	})
	if answered.Load() {
		return compare.Outcome{}, errors.New("the GET was answered by way of another connection")
	}
	return seen, nil
}

// returns measures call, for a few seconds at most.
func returns(call func()) compare.Outcome {
	begin, returned := time.Now(), make(chan struct{})
	go func() { defer close(returned); call() }()
	select {
	case <-returned:
		took := time.Since(begin)
		return compare.Outcome{Hole: took > late, Seen: took.Round(100 * time.Microsecond).String()}
	case <-time.After(tooLate):
		return compare.Outcome{Hole: true, Seen: fmt.Sprintf("more than %v", tooLate)}
	}
}

func downPlain(_ context.Context, r *engine.Redis) (compare.Outcome, error) {
	rdb, err := plain(r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = rdb.Close() }()
	r.Stop()
	return returns(func() { _ = rdb.Get(context.Background(), "k").Err() }), nil
}

func downSouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	rdb, err := engine.Souk(ctx, r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer func() { _ = rdb.Close() }()
	if err := rdb.Ping(ctx); err != nil {
		return compare.Outcome{}, err
	}
	r.Stop()
	return returns(func() { _ = rdb.Read().Get(ctx, "k").Err() }), nil
}
