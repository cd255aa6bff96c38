package redlock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

func TestWaitersShareOneSubscription(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	locker := lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{})
	held := acquire(t, locker, "job")
	ctx, cancel := context.WithCancel(t.Context())
	var waiters sync.WaitGroup
	for range 50 {
		waiters.Go(func() {
			if _, err := locker.Acquire(ctx, "job"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
		})
	}
	subscribed(t, rdb, 1)
	cancel()
	waiters.Wait()
	subscribed(t, rdb, 0) // a channel without waiters is given up
	if err := held.Release(); err != nil {
		t.Error(err)
	}
}

// What the first in the queue has heard in vain, the next ones still learn.
func TestNextInTheQueueIsWokenWhenTheFirstFails(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	rdb := redistest.Dial(t, mini.Addr())
	locker := lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{})
	acquire(t, locker, "job")
	var waiters sync.WaitGroup
	for range 3 {
		waiters.Go(func() {
			if _, err := locker.Acquire(t.Context(), "job"); err == nil {
				t.Error("acquired beside the holder")
			}
		})
	}
	subscribed(t, rdb, 1)
	mini.SetError("ERR out of order")
	mini.Publish("souk:lock:{job}", "")
	waiters.Wait()
	mini.SetError("")
}

func TestTimerStandsInForLostMessages(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	locker := lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{RetryDelay: 10 * time.Millisecond})
	if err := rdb.Write().Set(t.Context(), "souk:lock:{job}", "a holder who died", 0).Err(); err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() { got <- locker.Do(t.Context(), "job", func(context.Context) error { return nil }) }()
	subscribed(t, rdb, 1)
	if err := rdb.Write().Del(t.Context(), "souk:lock:{job}").Err(); err != nil { // as an expiry, nobody hears it
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestWaiterOutlivesALostSubscription(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	locker := lockerOn(t, []*redisclient.Client{redistest.DialHasty(t, proxy.Addr())}, redlock.Config{})
	direct := redistest.Dial(t, server.Addr())
	held := acquire(t, lockerOn(t, []*redisclient.Client{direct}, redlock.Config{}), "job")
	got := make(chan error)
	go func() {
		err := redisclient.ErrNoReply // of an attempt that was cut, too
		for errors.Is(err, redisclient.ErrNoReply) {
			err = locker.Do(t.Context(), "job", func(context.Context) error { return nil })
		}
		got <- err
	}()
	subscribed(t, direct, 1)
	proxy.Cut()
	if err := held.Release(); err != nil { // perhaps while nobody listens
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestClosedLockerStillLocks(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	locker := lockerOn(t, []*redisclient.Client{rdb}, redlock.Config{RetryDelay: 5 * time.Millisecond})
	held := acquire(t, locker, "job")
	locker.Close()
	locker.Close()
	got := make(chan error)
	go func() { got <- locker.Do(t.Context(), "job", func(context.Context) error { return nil }) }()
	if err := errors.Join(held.Release(), <-got); err != nil {
		t.Error(err)
	}
}
