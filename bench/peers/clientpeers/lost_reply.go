package clientpeers

import (
	"context"
	"fmt"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

func doubleApplyPlain(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := plain(addr)
		return func(ctx context.Context) error { return rdb.DecrBy(ctx, "stock", 1).Err() }, func() { _ = rdb.Close() }, err
	})
}

func doubleApplyRueidis(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := openRueidisOnce(addr)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error {
			return rdb.Do(ctx, rdb.B().Decrby().Key("stock").Decrement(1).Build()).Error()
		}, rdb.Close, nil
	})
}

func doubleApplySouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (command, func(), error) {
		rdb, err := engine.Souk(ctx, addr)
		if err != nil {
			return nil, nil, err
		}
		err = rdb.Write().Ping(ctx).Err()
		return func(ctx context.Context) error { return rdb.Write().DecrBy(ctx, "stock", 1).Err() }, func() { _ = rdb.Close() }, err
	})
}

// loseReply has the reply to one DECRBY lost with its connection.
func loseReply(ctx context.Context, r *engine.Redis, open func(addr string) (command, func(), error)) (compare.Outcome, error) {
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer proxy.Close()
	decrement, done, err := open(proxy.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	if err := r.Direct().Set(ctx, "stock", 10, 0).Err(); err != nil {
		return compare.Outcome{}, err
	}
	proxy.LoseReply("DECRBY")
	said := decrement(ctx)
	stock, err := r.Direct().Get(ctx, "stock").Int()
	if err != nil {
		return compare.Outcome{}, err
	}
	told := "the caller was told that it failed"
	if said == nil {
		told = "the caller was told that it worked"
	}
	return compare.Outcome{Hole: stock < 9, Seen: fmt.Sprintf("%d; %s", stock, told)}, nil
}
