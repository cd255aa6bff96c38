// Package clientpeers compares souk's Redis client with go-redis as most open
// it, and with rueidis.
package clientpeers

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// Area is the comparison of pkg/redisclient.
func Area() compare.Area {
	return compare.Area{
		Name: "redisclient", Package: "pkg/redisclient",
		Behaviours: []compare.Behaviour{
			{
				What:  "the reply to DECRBY 1 on a stock of 10 is lost: the stock",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: doubleApplyPlain}, {Name: "rueidis, defaults", Run: doubleApplyRueidis}},
				Ours:  compare.Probe{Name: "souk Write()", Run: doubleApplySouk},
			},
			{
				What:  "a GET with a deadline of 100 ms on a connection that is a black hole: returns after",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: deadlinePlain}, {Name: "rueidis, defaults", Run: deadlineRueidis}},
				Ours:  compare.Probe{Name: "souk Read()", Run: deadlineSouk},
			},
			{
				What:  "Redis down: a GET fails after",
				Peers: []compare.Probe{{Name: "go-redis, defaults", Known: true, Run: downPlain}},
				Ours:  compare.Probe{Name: "souk Read()", Run: downSouk},
			},
		},
		Figures: figures(),
	}
}

// getter and decrementer are one command of a client that is already
// connected; both return when the client does.
type (
	getter      func(ctx context.Context) error
	decrementer func(ctx context.Context) error
)

func plain(addr string) (*redis.Client, error) {
	rdb := engine.Plain(addr)
	return rdb, rdb.Ping(context.Background()).Err()
}

func openRueidis(addr string) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
}

func doubleApplyPlain(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (decrementer, func(), error) {
		rdb, err := plain(addr)
		return func(ctx context.Context) error { return rdb.DecrBy(ctx, "stock", 1).Err() }, func() { _ = rdb.Close() }, err
	})
}

func doubleApplyRueidis(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (decrementer, func(), error) {
		rdb, err := openRueidis(addr)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error {
			return rdb.Do(ctx, rdb.B().Decrby().Key("stock").Decrement(1).Build()).Error()
		}, rdb.Close, nil
	})
}

func doubleApplySouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return loseReply(ctx, r, func(addr string) (decrementer, func(), error) {
		rdb, err := engine.Souk(ctx, addr)
		if err != nil {
			return nil, nil, err
		}
		err = rdb.Write().Ping(ctx).Err()
		return func(ctx context.Context) error { return rdb.Write().DecrBy(ctx, "stock", 1).Err() }, func() { _ = rdb.Close() }, err
	})
}

// loseReply has the reply to one DECRBY lost with its connection.
func loseReply(ctx context.Context, r *engine.Redis, open func(addr string) (decrementer, func(), error)) (compare.Outcome, error) {
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
	proxy.LoseReply()
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

func deadlinePlain(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (getter, func(), error) {
		rdb, err := plain(addr)
		return func(ctx context.Context) error { return rdb.Get(ctx, "k").Err() }, func() { _ = rdb.Close() }, err
	})
}

func deadlineRueidis(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (getter, func(), error) {
		rdb, err := openRueidis(addr)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error { return rdb.Do(ctx, rdb.B().Get().Key("k").Build()).Error() }, rdb.Close, nil
	})
}

func deadlineSouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	return blackHole(ctx, r, func(addr string) (getter, func(), error) {
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

func blackHole(ctx context.Context, r *engine.Redis, open func(addr string) (getter, func(), error)) (compare.Outcome, error) {
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
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
	proxy.Swallow()
	return returns(func() {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		_ = get(ctx)
	}), nil
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
	defer rdb.Close()
	r.Stop()
	return returns(func() { _ = rdb.Get(context.Background(), "k").Err() }), nil
}

func downSouk(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
	rdb, err := engine.Souk(ctx, r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer rdb.Close()
	if err := rdb.Ping(ctx); err != nil {
		return compare.Outcome{}, err
	}
	r.Stop()
	return returns(func() { _ = rdb.Read().Get(ctx, "k").Err() }), nil
}
