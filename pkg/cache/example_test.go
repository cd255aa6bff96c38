package cache_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// open gives an example a Redis of its own.
func open() (rdb *redisclient.Client, stop func()) {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	rdb, err = redisclient.Open(context.Background(), redisclient.Config{Addrs: []string{server.Addr()}})
	if err != nil {
		panic(err)
	}
	return rdb, func() { _ = rdb.Close(); server.Close() }
}

// Cache-aside: the cache asks the source when it has to.
func ExampleCache_Get() {
	rdb, stop := open()
	defer stop()
	ctx := context.Background()
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
	_ = names.Invalidate(ctx, "SKU-0001") // after the source has changed
	_, _, _ = names.Get(ctx, "SKU-0001", load)
	// Output:
	// asking the source
	// Teapot true <nil>
	// Teapot true <nil>
	// asking the source
}

// Write-through: the only writer of a key puts the new value into the cache.
func ExampleCache_Set() {
	rdb, stop := open()
	defer stop()
	ctx := context.Background()
	names, _ := cache.New[string]("name", rdb, cache.Config{TTL: time.Hour})
	defer names.Close()

	// The source has it already.
	if err := names.Set(ctx, "SKU-0001", "Teapot"); err != nil {
		fmt.Println("others may read the old name for an hour:", err)
	}
	name, _, _ := names.Get(ctx, "SKU-0001", func(context.Context) (string, bool, error) {
		return "", false, fmt.Errorf("the source is not asked")
	})
	fmt.Println(name)
	// Output: Teapot
}

// Many keys: one round trip, and one load of what is missing.
func ExampleCache_MGet() {
	rdb, stop := open()
	defer stop()
	ctx := context.Background()
	names, _ := cache.New[string]("name", rdb, cache.Config{})
	defer names.Close()
	_ = names.Set(ctx, "SKU-0001", "Teapot")

	found, err := names.MGet(ctx, []string{"SKU-0001", "SKU-0002", "SKU-0003"},
		func(_ context.Context, skus []string) (map[string]string, error) {
			fmt.Println("asking the source for", skus)
			return map[string]string{"SKU-0002": "Cup"}, nil // there is no SKU-0003
		})
	for _, sku := range slices.Sorted(maps.Keys(found)) {
		fmt.Println(sku, found[sku])
	}
	fmt.Println(err)
	// Output:
	// asking the source for [SKU-0002 SKU-0003]
	// SKU-0001 Teapot
	// SKU-0002 Cup
	// <nil>
}

// A filter: who asks for keys that do not exist reaches neither Redis nor the
// source.
func ExampleFilter() {
	rdb, stop := open()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	bus, _ := pubsub.New(rdb, pubsub.Config{})
	filter, _ := cache.NewFilter(func(context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) { yield("SKU-0001", nil) } // SELECT sku FROM …
	}, cache.FilterConfig{Keys: 10_000, FalsePositive: 0.001})
	names, _ := cache.New("name", rdb, cache.Config{}, cache.WithBus[string](bus), cache.WithFilter[string](filter))

	done := make(chan error, 2)
	go func() { done <- bus.Run(ctx) }()
	go func() { done <- filter.Run(ctx) }()
	for filter.MayExist("SKU-6666") { // until it was built, everything passes
		time.Sleep(time.Millisecond)
	}

	_, found, err := names.Get(ctx, "SKU-6666", func(context.Context) (string, bool, error) {
		return "", false, fmt.Errorf("the source is not asked")
	})
	fmt.Println(found, err)

	_ = names.Announce(ctx, "SKU-0002") // before the commit that creates it
	fmt.Println(filter.MayExist("SKU-0002"))

	names.Close()
	cancel()
	<-done
	<-done
	// Output:
	// false <nil>
	// true
}
