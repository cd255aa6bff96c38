package cache_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
)

func ExampleCache_Get() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()
	names, _ := cache.New[string]("name", rdb, cache.Config{})
	defer names.Close()

	load := func(context.Context) (string, bool, error) {
		fmt.Println("asking the source")
		return "Teapot", true, nil
	}
	for range 2 {
		name, found, err := names.Get(ctx, "SKU-0001", load)
		fmt.Println(name, found, err)
	}
	// Output:
	// asking the source
	// Teapot true <nil>
	// Teapot true <nil>
}
