package redlock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

// onEach runs a conformance test over every kind of Redis, and over three.
func onEach(t *testing.T, test func(t *testing.T, nodes []*redisclient.Client)) {
	t.Helper()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) { test(t, []*redisclient.Client{rdb}) })
	t.Run("three nodes", func(t *testing.T) {
		t.Parallel()
		test(t, []*redisclient.Client{redistest.Open(t), redistest.Open(t), redistest.Open(t)})
	})
}

// lockerOn makes a Locker that only a message wakes, unless cfg says otherwise.
func lockerOn(t testing.TB, nodes []*redisclient.Client, cfg redlock.Config) *redlock.Locker {
	t.Helper()
	if cfg.RetryDelay == 0 {
		cfg.RetryDelay = time.Hour
	}
	locker, err := redlock.New(nodes[0], cfg, redlock.WithNodes(nodes[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	return locker
}

// flush has every node forget everything.
func flush(t *testing.T, nodes []*redisclient.Client) {
	t.Helper()
	for _, n := range nodes {
		flushAll := func(ctx context.Context, rdb *redis.Client) error { return rdb.FlushAll(ctx).Err() }
		var err error
		switch rdb := n.Write().(type) {
		case *redis.ClusterClient:
			err = rdb.ForEachMaster(t.Context(), flushAll)
		case *redis.Client:
			err = flushAll(t.Context(), rdb)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReleaseWakesWhoWaits(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		held := acquire(t, lockerOn(t, nodes, redlock.Config{}), "job")
		got := make(chan *redlock.Lock)
		waiter := lockerOn(t, nodes, redlock.Config{})
		go func() {
			lock, err := waiter.Acquire(t.Context(), "job")
			if err != nil {
				t.Error(err)
			}
			got <- lock
		}()
		subscribed(t, nodes[0], 1)
		if err := held.Release(); err != nil {
			t.Error(err)
		}
		next := <-got
		if next.Fence() <= held.Fence() {
			t.Errorf("fence %d after %d", next.Fence(), held.Fence())
		}
		if err := next.Release(); err != nil {
			t.Error(err)
		}
	})
}

// subscribed waits until n connections wait for the lock "job".
func subscribed(t *testing.T, rdb *redisclient.Client, n int64) {
	t.Helper()
	const channel = "souk:lock:{job}"
	count := func(ctx context.Context, rdb redis.Cmdable) int64 {
		return rdb.PubSubNumSub(ctx, channel).Val()[channel]
	}
	redistest.Eventually(t, "the waiters have subscribed", func() bool {
		cluster, ok := rdb.Read().(*redis.ClusterClient)
		if !ok {
			return count(t.Context(), rdb.Read()) == n
		}
		var sum int64
		var mu sync.Mutex
		_ = cluster.ForEachMaster(t.Context(), func(ctx context.Context, rdb *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			sum += count(ctx, rdb)
			return nil
		})
		return sum == n
	})
}

func TestFencesIncreaseWhateverRedisForgets(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		lockers := []*redlock.Locker{lockerOn(t, nodes, redlock.Config{}), lockerOn(t, nodes, redlock.Config{})}
		var last int64
		for i := range 60 {
			lock := acquire(t, lockers[i%2], "job")
			if lock.Fence() <= last {
				t.Fatalf("fence %d after %d", lock.Fence(), last)
			}
			last = lock.Fence()
			if i%20 == 10 {
				flush(t, nodes) // with it, the lock is lost
			}
			if err := lock.Release(); err != nil && !errors.Is(err, redlock.ErrLost) {
				t.Fatal(err)
			}
		}
	})
}

func TestManyCallersOfManyProcesses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		var inside, done int
		var callers sync.WaitGroup
		for range 4 {
			// Three nodes may be divided between those woken at once: then the timer decides.
			locker := lockerOn(t, nodes, redlock.Config{RetryDelay: 20 * time.Millisecond})
			for range 8 {
				callers.Go(func() {
					err := locker.Do(t.Context(), "counter", func(context.Context) error {
						inside++ // the race detector looks on
						if inside != 1 {
							t.Error("two holders at a time")
						}
						done++
						inside--
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		callers.Wait()
		if done != 32 {
			t.Errorf("%d of 32 ran", done)
		}
	})
}

func TestHolderCannotWaitForItself(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		locker := lockerOn(t, nodes, redlock.Config{})
		err := locker.Do(t.Context(), "job", func(ctx context.Context) error {
			return locker.Do(ctx, "another", func(ctx context.Context) error {
				return locker.Do(ctx, "job", func(context.Context) error { return nil })
			})
		})
		if !errors.Is(err, redlock.ErrReentrant) {
			t.Errorf("got %v, want ErrReentrant", err)
		}
		lock := acquire(t, locker, "job")
		detached := context.WithoutCancel(lock.Context())
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
		if err := locker.TryDo(detached, "job", func(context.Context) error { return nil }); err != nil {
			t.Errorf("after the release: %v", err)
		}
	})
}

func TestStrangersReleaseFreesNothingAndWakesNobody(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		locker := lockerOn(t, nodes, redlock.Config{})
		first := acquire(t, locker, "job")
		flush(t, nodes)
		second := acquire(t, locker, "job")
		expectSilence := listen(t, nodes[0], "souk:lock:{job}")
		if err := first.Release(); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("release of a lost lock: %v, want ErrLost", err)
		}
		expectSilence()
		if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
			t.Errorf("the second holder's lock is gone: %v", err)
		}
		if err := second.Release(); err != nil {
			t.Error(err)
		}
	})
}

// listen subscribes to a channel. What it returns reports an error when a
// message has been published there since.
func listen(t *testing.T, rdb *redisclient.Client, channel string) (expectSilence func()) {
	t.Helper()
	heard := rdb.Read().Subscribe(t.Context(), channel)
	t.Cleanup(func() { _ = heard.Close() })
	if _, err := heard.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		const own = "the first message"
		if err := rdb.Write().Publish(t.Context(), channel, own).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := heard.ReceiveMessage(t.Context()); err != nil || got.Payload != own {
			t.Errorf("those who wait were woken: %v, %v", got, err)
		}
	}
}
