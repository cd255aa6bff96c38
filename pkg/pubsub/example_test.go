package pubsub_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

func ExampleBus() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()
	bus, _ := pubsub.New(rdb, pubsub.Config{Service: "catalogue"})

	ready, got, done := make(chan struct{}, 1), make(chan string), make(chan struct{})
	sub := bus.Subscribe("product", pubsub.Handler{
		Message: func(m pubsub.Message) { got <- m.Service + " changed " + m.Key },
		Resync:  func() { ready <- struct{}{} },
	})
	go func() { defer close(done); _ = bus.Run(ctx) }()
	<-ready
	_ = bus.Publish(ctx, pubsub.Message{Topic: "product", Key: "SKU-0001"})
	fmt.Println(<-got)

	cancel()
	<-done
	sub.Close()
	// Output: catalogue changed SKU-0001
}

func ExampleState() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()
	bus, _ := pubsub.New(rdb, pubsub.Config{Service: "gateway"})
	blacklist, _ := pubsub.NewState(bus, "blacklist", pubsub.StateConfig[map[string]bool]{})

	var running sync.WaitGroup
	running.Go(func() { _ = bus.Run(ctx) })
	running.Go(func() { _ = blacklist.Run(ctx) })
	err = blacklist.Update(ctx, func(blocked map[string]bool) (map[string]bool, error) {
		if blocked == nil {
			blocked = make(map[string]bool)
		}
		blocked["10.0.0.7"] = true
		return blocked, nil
	})
	blocked, known := blacklist.Get() // on every node, a moment later
	fmt.Println(blocked["10.0.0.7"], known, err)

	cancel()
	running.Wait()
	// Output: true true <nil>
}
