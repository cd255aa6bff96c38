package pubsub_test

import (
	"context"
	"fmt"

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
