package buspeers

import (
	"context"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
	"souk.example/pkg/pubsub"
)

func figures() []compare.Figure {
	return []compare.Figure{
		{What: "publish, 1 caller, nobody listens", Units: compare.NsPerOp, Cases: publishing(1)},
		{What: "publish, 64 callers, nobody listens", Units: compare.NsPerOp, Cases: publishing(64)},
		{What: "from publish to handler, one at a time", Units: compare.NsPerOp, Cases: []compare.Case{
			{Name: "souk", Ours: true, Open: compare.PerOp(1, delay(soukEcho))},
			{Name: "go-redis PUBLISH and Channel()", Open: compare.PerOp(1, delay(plainEcho))},
		}},
	}
}

func publishing(callers int) []compare.Case {
	return []compare.Case{
		{Name: "souk", Ours: true, Open: compare.PerOp(callers, publishSouk)},
		{Name: "bare PUBLISH of go-redis", Open: compare.PerOp(callers, publishPlain)},
	}
}

func publishSouk(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
	bus, done, err := openBus(ctx, r.Addr())
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		return bus.Publish(ctx, pubsub.Message{Topic: channel, Key: "product-1"})
	}, done, nil
}

func publishPlain(_ context.Context, r *engine.Redis) (compare.Op, func(), error) {
	rdb := engine.Plain(r.Addr())
	return func(ctx context.Context) error {
		return rdb.Publish(ctx, "bare", "product-1").Err()
	}, func() { _ = rdb.Close() }, nil
}

// echo publishes, and tells of each arrival.
type echo func(ctx context.Context, r *engine.Redis, arrived func()) (publish compare.Op, done func(), err error)

// delay is the time from before a publish to its arrival.
func delay(open echo) func(context.Context, *engine.Redis) (compare.Op, func(), error) {
	return func(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
		arrivals := make(chan struct{}, 1)
		publish, done, err := open(ctx, r, func() { arrivals <- struct{}{} })
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error {
			if err := publish(ctx); err != nil {
				return err
			}
			select {
			case <-arrivals:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}, done, nil
	}
}

func plainEcho(ctx context.Context, r *engine.Redis, arrived func()) (compare.Op, func(), error) {
	rdb := engine.Plain(r.Addr())
	subscription := rdb.Subscribe(ctx, "echo")
	if _, err := subscription.Receive(ctx); err != nil {
		return nil, nil, err
	}
	go func() {
		for range subscription.Channel() {
			arrived()
		}
	}()
	publish := func(ctx context.Context) error { return rdb.Publish(ctx, "echo", "product-1").Err() }
	return publish, func() { _, _ = subscription.Close(), rdb.Close() }, nil
}

func soukEcho(ctx context.Context, r *engine.Redis, arrived func()) (compare.Op, func(), error) {
	bus, closeBus, err := openBus(ctx, r.Addr())
	if err != nil {
		return nil, nil, err
	}
	ready := make(chan struct{}, 1)
	subscription := bus.Subscribe(channel, pubsub.Handler{
		Message: func(pubsub.Message) { arrived() },
		Resync: func() {
			select {
			case ready <- struct{}{}:
			default:
			}
		},
	})
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = bus.Run(ctx) }()
	<-ready // it comes with the first connection
	publish := func(ctx context.Context) error {
		return bus.Publish(ctx, pubsub.Message{Topic: channel, Key: "product-1"})
	}
	return publish, func() { stop(); <-ended; subscription.Close(); closeBus() }, nil
}
