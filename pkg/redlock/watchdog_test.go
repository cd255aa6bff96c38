package redlock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

func TestWatchdogOutlivesTheTTL(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), 300*time.Millisecond)
	lock := acquire(t, locker, "job")
	for range 5 { // 5 × 100 ms of Redis' time pass, each after a renewal
		mini.FastForward(100 * time.Millisecond)
		redistest.Eventually(t, "the lock is renewed, and its fence remembered", func() bool {
			return mini.TTL("souk:lock:{job}") > 250*time.Millisecond && mini.TTL("souk:lock:{job}:fence") == 7*24*time.Hour
		})
	}
	if err := context.Cause(lock.Context()); err != nil {
		t.Errorf("the lock was lost: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestTakenLockEndsTheHoldersContext(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), 150*time.Millisecond)
	lock := acquire(t, locker, "job")
	if err := mini.Set("souk:lock:{job}", "somebody else"); err != nil {
		t.Fatal(err)
	}
	<-lock.Context().Done()
	if cause := context.Cause(lock.Context()); !errors.Is(cause, redlock.ErrLost) {
		t.Errorf("cause = %v, want ErrLost", cause)
	}
	if err := lock.Release(); !errors.Is(err, redlock.ErrLost) {
		t.Errorf("release = %v, want ErrLost", err)
	}
	if got, _ := mini.Get("souk:lock:{job}"); got != "somebody else" {
		t.Errorf("release removed another's lock: %q", got)
	}
}

// A lock that was acquired under another ends with it, but is not lost.
func TestLossOfTheOuterLockIsNotTheInners(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	locker := newLocker(t, rdb, 300*time.Millisecond)
	outer := acquire(t, locker, "outer")
	inner, err := locker.Acquire(outer.Context(), "inner")
	if err != nil {
		t.Fatal(err)
	}
	if err := rdb.Write().Set(t.Context(), "souk:lock:{outer}", "another", 0).Err(); err != nil {
		t.Fatal(err)
	}
	<-inner.Context().Done()
	if cause := context.Cause(inner.Context()); !errors.Is(cause, redlock.ErrLost) {
		t.Errorf("cause = %v, want the outer lock's loss", cause)
	}
	if err := inner.Release(); err != nil {
		t.Errorf("release of the inner lock: %v", err)
	}
	if err := outer.Release(); !errors.Is(err, redlock.ErrLost) {
		t.Errorf("release of the outer lock: %v, want ErrLost", err)
	}
}

func TestContextEndsBeforeTheKeyCanExpire(t *testing.T) {
	t.Parallel()
	const key, ttl = "souk:lock:{job}", 400 * time.Millisecond
	for name, renewed := range map[string]func(*testing.T, *miniredis.Miniredis){
		"never renewed": func(*testing.T, *miniredis.Miniredis) {},
		"renewed once": func(t *testing.T, mini *miniredis.Miniredis) {
			mini.SetTTL(key, time.Hour)
			redistest.Eventually(t, "the lock is renewed", func() bool { return mini.TTL(key) <= ttl })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mini := redistest.Mini(t)
			proxy := redistest.NewProxy(t, mini.Addr())
			lock := acquire(t, newLocker(t, redistest.DialHasty(t, proxy.Addr()), ttl), "job")
			renewed(t, mini)
			begin := time.Now() // soon after the key was set
			proxy.DropReplies.Store(true)
			<-lock.Context().Done()
			if took := time.Since(begin); took >= ttl {
				t.Errorf("context ended after %v, the key may expire at %v", took, ttl)
			}
			if cause := context.Cause(lock.Context()); !errors.Is(cause, redlock.ErrLost) {
				t.Errorf("cause = %v, want ErrLost", cause)
			}
			proxy.DropReplies.Store(false)
			_ = lock.Release()
		})
	}
}

func TestTransientFailureDoesNotLoseTheLock(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), 600*time.Millisecond)
	lock := acquire(t, locker, "job")
	mini.SetError("LOADING Redis is loading the dataset in memory")
	failed := time.NewTimer(300 * time.Millisecond) // the first renewal is due after 200 ms
	defer failed.Stop()
	<-failed.C
	mini.SetError("")
	mini.SetTTL("souk:lock:{job}", time.Millisecond*300)
	redistest.Eventually(t, "the lock is renewed", func() bool { return mini.TTL("souk:lock:{job}") > 500*time.Millisecond })
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

// The first renewal takes two round trips, because Redis asks for the script.
func TestSlowRedisLosesNoHolder(t *testing.T) {
	t.Parallel()
	const ttl = 1500 * time.Millisecond
	proxy := redistest.NewProxy(t, redistest.Start(t).Addr())
	locker := newLocker(t, redistest.DialHasty(t, proxy.Addr()), ttl)
	if err := acquire(t, locker, "warm").Release(); err != nil {
		t.Fatal(err)
	}
	proxy.Latency.Store(int64(300 * time.Millisecond))
	lock := acquire(t, locker, "job")
	select {
	case <-lock.Context().Done():
		t.Errorf("the lock was lost: %v", context.Cause(lock.Context()))
	case <-time.After(2 * ttl):
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}
