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

	_ = locker.TryDo(ctx, "nightly", func(context.Context) error {
		err := locker.TryDo(ctx, "nightly", func(context.Context) error { return nil })
		fmt.Println(errors.Is(err, redlock.ErrNotAcquired))
		return nil
	})
	// Output: true
}

// A register that refuses the writes of a holder who was overtaken.
func ExampleLock_Fence() {
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

	var highest int64 // in SQL: WHERE fence <= ?
	write := func(fence int64) bool {
		if fence < highest {
			return false
		}
		highest = fence
		return true
	}
	sleeper, _ := locker.TryAcquire(ctx, "report")
	server.FlushAll() // or: the sleeper's lock expired
	next, _ := locker.TryAcquire(ctx, "report")
	fmt.Println("next:", write(next.Fence()))
	fmt.Println("sleeper:", write(sleeper.Fence()))
	_, _ = next.Release(), sleeper.Release()
	// Output:
	// next: true
	// sleeper: false
}

func ExampleElector() {
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
	defer locker.Close()

	elector, _ := redlock.NewElector(locker, "scheduler", redlock.ElectorConfig{})
	err = elector.Run(ctx, func(_ context.Context, term redlock.Term) error {
		fmt.Println("leading:", term.Fence > 0)
		return nil // resigns; a leader usually works until its context ends
	})
	fmt.Println(err)
	// Output:
	// leading: true
	// <nil>
}
