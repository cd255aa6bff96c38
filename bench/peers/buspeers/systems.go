package buspeers

import (
	"context"
	"sync"

	"souk.example/bench/peers/engine"
	"souk.example/pkg/pubsub"
)

const channel = "peers"

// plain is PUBLISH and the channel of a go-redis subscription, with go-redis'
// defaults.
func plain(ctx context.Context, publishAt, subscribeAt string) (*system, error) {
	publisher, subscriber := engine.Plain(publishAt), engine.Plain(subscribeAt)
	subscription := subscriber.Subscribe(ctx, channel)
	if _, err := subscription.Receive(ctx); err != nil {
		return nil, err
	}
	h := &heard{keys: make(map[string]struct{})}
	go func() {
		for m := range subscription.Channel() {
			h.key(m.Payload)
		}
	}()
	return &system{
		publish: func(ctx context.Context, key string) error { return publisher.Publish(ctx, channel, key).Err() },
		heard:   h,
		close: func() {
			_, _, _ = subscription.Close(), subscriber.Close(), publisher.Close()
		},
	}, nil
}

// souk is one bus that publishes and another that subscribes, as in two
// processes.
func souk(ctx context.Context, publishAt, subscribeAt string) (*system, error) {
	publisher, closePublisher, err := openBus(ctx, publishAt)
	if err != nil {
		return nil, err
	}
	subscriber, closeSubscriber, err := openBus(ctx, subscribeAt)
	if err != nil {
		return nil, err
	}
	h := &heard{keys: make(map[string]struct{})}
	subscription := subscriber.Subscribe(channel, pubsub.Handler{
		Message: func(m pubsub.Message) { h.key(m.Key) },
		Resync:  h.resync,
	})
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = subscriber.Run(ctx) })
	return &system{
		publish: func(ctx context.Context, key string) error {
			return publisher.Publish(ctx, pubsub.Message{Topic: channel, Key: key})
		},
		heard: h,
		close: func() {
			stop()
			wg.Wait()
			subscription.Close()
			closeSubscriber()
			closePublisher()
		},
	}, nil
}

func openBus(ctx context.Context, addr string) (*pubsub.Bus, func(), error) {
	rdb, err := engine.Souk(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	bus, err := pubsub.New(rdb, pubsub.Config{Channel: channel, Service: "peers"})
	return bus, func() { _ = rdb.Close() }, err
}
