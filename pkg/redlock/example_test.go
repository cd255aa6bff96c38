package redlock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redlock"
)

// A job that one of many replicas runs: the others find the lock held.
func ExampleLocker_TryDo() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()
	locker, _ := redlock.New(rdb, redlock.Config{})

	_ = locker.TryDo(ctx, "nightly", func(ctx context.Context) error {
		err := locker.TryDo(ctx, "nightly", func(context.Context) error { return nil })
		fmt.Println(errors.Is(err, redlock.ErrNotAcquired))
		return nil
	})
	// Output: true
}
