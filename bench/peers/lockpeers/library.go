// Package lockpeers compares souk's locks with redsync and bsm/redislock.
package lockpeers

import (
	"context"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/engine"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redlock"
)

// locker takes locks as one process.
type locker interface {
	// acquire waits for the lock until ctx ends.
	acquire(ctx context.Context, name string) (lock, error)
	close()
}

// lock is one that is held.
type lock interface {
	release(ctx context.Context) error
	// lost tells the holder that the lock is no longer its own; nil when the
	// library has no way to tell.
	lost() <-chan struct{}
	// fence is the fencing token, or 0 when the library has none.
	fence() int64
}

// library opens one process's locker. Locks live for ttl unless renewed.
type library struct {
	name string
	open func(ctx context.Context, addr string, ttl time.Duration) (locker, error)
}

// Label implements compare.Library.
func (l library) Label() string { return l.name }

type soukLocker struct {
	*redlock.Locker
	rdb *redisclient.Client
}

type soukLock struct{ *redlock.Lock }

var souk = library{"souk", func(ctx context.Context, addr string, ttl time.Duration) (locker, error) {
	rdb, err := engine.Souk(ctx, addr)
	if err != nil {
		return nil, err
	}
	l, err := redlock.New(rdb, redlock.Config{TTL: ttl})
	return soukLocker{l, rdb}, err
}}

func (l soukLocker) acquire(ctx context.Context, name string) (lock, error) {
	held, err := l.Acquire(ctx, name)
	return soukLock{held}, err
}

func (l soukLocker) close()                      { l.Close(); _ = l.rdb.Close() }
func (l soukLock) release(context.Context) error { return l.Release() }
func (l soukLock) lost() <-chan struct{}         { return l.Context().Done() }
func (l soukLock) fence() int64                  { return l.Fence() }

type redsyncLocker struct {
	sync *redsync.Redsync
	rdb  *redis.Client
	ttl  time.Duration
}

type redsyncLock struct{ *redsync.Mutex }

var redsyncs = library{"redsync", func(_ context.Context, addr string, ttl time.Duration) (locker, error) {
	rdb := engine.Plain(addr)
	return redsyncLocker{redsync.New(goredis.NewPool(rdb)), rdb, ttl}, nil
}}

func (l redsyncLocker) acquire(ctx context.Context, name string) (lock, error) {
	m := l.sync.NewMutex(name, redsync.WithExpiry(l.ttl))
	return redsyncLock{m}, m.LockContext(ctx)
}

func (l redsyncLocker) close() { _ = l.rdb.Close() }

func (l redsyncLock) release(ctx context.Context) error {
	_, err := l.UnlockContext(ctx)
	return err
}
func (redsyncLock) lost() <-chan struct{} { return nil }
func (redsyncLock) fence() int64          { return 0 }

type bsmLocker struct {
	client *redislock.Client
	rdb    *redis.Client
	ttl    time.Duration
}

type bsmLock struct{ *redislock.Lock }

var bsm = library{"bsm/redislock", func(_ context.Context, addr string, ttl time.Duration) (locker, error) {
	rdb := engine.Plain(addr)
	return bsmLocker{redislock.New(rdb), rdb, ttl}, nil
}}

// acquire retries as the library's own example does.
func (l bsmLocker) acquire(ctx context.Context, name string) (lock, error) {
	held, err := l.client.Obtain(ctx, name, l.ttl, &redislock.Options{RetryStrategy: redislock.LinearBackoff(100 * time.Millisecond)})
	return bsmLock{held}, err
}

func (l bsmLocker) close()                          { _ = l.rdb.Close() }
func (l bsmLock) release(ctx context.Context) error { return l.Release(ctx) }
func (bsmLock) lost() <-chan struct{}               { return nil }
func (bsmLock) fence() int64                        { return 0 }
