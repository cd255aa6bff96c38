package registry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/registry"
)

// One process announces itself, another, here the same, finds it.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()
	bus, _ := pubsub.New(rdb, pubsub.Config{}) // a process runs its bus as well
	services, _ := registry.New(rdb, bus, registry.Config{Look: 10 * time.Millisecond})

	me, err := services.Announcer("shop", registry.Instance{ID: "shop-1", URL: "http://10.0.0.7:8080"})
	if err != nil {
		fmt.Println(err)
		return
	}
	left := make(chan error, 1)
	go func() { left <- me.Run(ctx) }()

	shops, _ := services.Watch("shop")
	done := make(chan error, 1)
	go func() { done <- shops.Run(ctx) }()
	for len(shops.List().Instances) == 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(shops.List().Instances[0].URL)
	cancel()
	<-left
	<-done
	// Output: http://10.0.0.7:8080
}
