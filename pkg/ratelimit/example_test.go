package ratelimit_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient"
)

// Two sign-ins at once and one more every minute, for each address.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()

	signIns, err := ratelimit.New(rdb, ratelimit.Config{
		Name: "sign-in", Limit: ratelimit.PerMinute(1, 2), OnOutage: ratelimit.Local,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		r, err := signIns.Allow(ctx, "203.0.113.7")
		fmt.Println(r.Allowed, r.Remaining, err)
	}
	// Output:
	// true 1 <nil>
	// true 0 <nil>
	// false 0 <nil>
}
