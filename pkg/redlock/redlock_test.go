package redlock_test

import (
	"context"
	"errors"
	"log"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(childOf); addr != "" {
		if err := beChild(addr); err != nil {
			log.Fatal(err)
		}
		return
	}
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func newLocker(t *testing.T, rdb *redisclient.Client, ttl time.Duration) *redlock.Locker {
	t.Helper()
	locker, err := redlock.New(rdb, redlock.Config{TTL: ttl, RetryDelay: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	return locker
}

func acquire(t *testing.T, locker *redlock.Locker, name string) *redlock.Lock {
	t.Helper()
	lock, err := locker.TryAcquire(t.Context(), name)
	if err != nil {
		t.Fatalf("acquire %s: %v", name, err)
	}
	return lock
}

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	locker := newLocker(t, redistest.Open(t), 2*time.Second)
	first := acquire(t, locker, "job")
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("second acquire: %v, want ErrNotAcquired", err)
	}
	other := acquire(t, locker, "another job")
	if err := errors.Join(first.Release(), first.Release(), other.Release()); err != nil {
		t.Fatalf("release: %v", err)
	}
	if err := acquire(t, locker, "job").Release(); err != nil {
		t.Error(err)
	}
}

func TestDoExcludesOthers(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	var inside, runs atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		locker := newLocker(t, rdb, 5*time.Second)
		wg.Go(func() {
			err := locker.Do(t.Context(), "counter", func(context.Context) error {
				if inside.Add(1) != 1 {
					t.Error("two holders at a time")
				}
				runs.Add(1)
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() != 8 {
		t.Errorf("%d of 8 ran", runs.Load())
	}
}

func TestTryDoLeavesTheWorkToTheHolder(t *testing.T) {
	t.Parallel()
	locker := newLocker(t, redistest.Open(t), 2*time.Second)
	lock := acquire(t, locker, "job")
	err := locker.TryDo(t.Context(), "job", func(context.Context) error {
		t.Error("ran beside the holder")
		return nil
	})
	if !errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("got %v, want ErrNotAcquired", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestWatchdogOutlivesTheTTL(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), 300*time.Millisecond)
	lock := acquire(t, locker, "job")
	for range 5 { // 5 × 100 ms of Redis' time pass, each after a renewal
		mini.FastForward(100 * time.Millisecond)
		redistest.Eventually(t, "the lock is renewed", func() bool { return mini.TTL("souk:lock:{job}") > 250*time.Millisecond })
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

func TestContextEndsBeforeTheKeyCanExpire(t *testing.T) {
	t.Parallel()
	const ttl = 400 * time.Millisecond
	proxy := redistest.NewProxy(t, redistest.Mini(t).Addr())
	locker := newLocker(t, redistest.Dial(t, proxy.Addr()), ttl)
	begin := time.Now() // before the key is set, so its expiry is after begin+ttl
	lock := acquire(t, locker, "job")
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

func TestReleaseWorksAfterTheCallersContextEnded(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), 2*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	lock, err := locker.Acquire(ctx, "job")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := lock.Release(); err != nil {
		t.Errorf("release: %v", err)
	}
	if mini.Exists("souk:lock:{job}") {
		t.Error("the lock is still there")
	}
}

func TestAcquireWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	locker := newLocker(t, redistest.Open(t), 2*time.Second)
	lock := acquire(t, locker, "job")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := locker.Acquire(ctx, "job")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestRedisDownIsNotTheSameAsHeld(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	locker := newLocker(t, redistest.Dial(t, mini.Addr()), time.Second)
	mini.Close()
	_, err := locker.Acquire(t.Context(), "job")
	if err == nil || errors.Is(err, redlock.ErrNotAcquired) {
		t.Errorf("got %v, want Redis' error", err)
	}
}

// The lock was taken although the caller has given up before he heard of it.
func TestAbandonedAcquisitionGivesTheLockBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	locker := newLocker(t, redistest.Dial(t, proxy.Addr()), time.Minute)
	if err := acquire(t, locker, "warm").Release(); err != nil {
		t.Fatal(err)
	}
	proxy.LoseReply.Store(true)
	if _, err := locker.TryAcquire(t.Context(), "job"); !errors.Is(err, redisclient.ErrNoReply) {
		t.Errorf("without a reply: %v, want ErrNoReply", err)
	}
	direct := newLocker(t, redistest.Dial(t, server.Addr()), time.Minute)
	redistest.Eventually(t, "the lock is free", func() bool {
		lock, err := direct.TryAcquire(t.Context(), "job")
		return err == nil && lock.Release() == nil
	})
	proxy.DropReplies.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	context.AfterFunc(ctx, func() { proxy.DropReplies.Store(false) })
	if _, err := locker.TryAcquire(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with an ended context: %v, want its cause", err)
	}
	redistest.Eventually(t, "the lock is free", func() bool {
		lock, err := direct.TryAcquire(t.Context(), "job")
		return err == nil && lock.Release() == nil
	})
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	rdb, reg := redistest.Open(t), prometheus.NewRegistry()
	locker, err := redlock.New(rdb, redlock.Config{}, redlock.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := redlock.New(rdb, redlock.Config{}, redlock.WithMetrics(reg)); err == nil {
		t.Error("two lockers registered the same metrics")
	}
	lock := acquire(t, locker, "job")
	_, _ = locker.TryAcquire(t.Context(), "job")
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	const want = `
		# HELP souk_lock_acquired_total Locks acquired.
		# TYPE souk_lock_acquired_total counter
		souk_lock_acquired_total 1
		# HELP souk_lock_refused_total Attempts that found the lock held by another.
		# TYPE souk_lock_refused_total counter
		souk_lock_refused_total 1
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "souk_lock_acquired_total", "souk_lock_refused_total"); err != nil {
		t.Error(err)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	for name, cfg := range map[string]redlock.Config{
		"short TTL":      {TTL: time.Millisecond},
		"negative TTL":   {TTL: -time.Second},
		"negative delay": {RetryDelay: -1},
		"brace":          {Prefix: "{lock}:"},
	} {
		if _, err := redlock.New(rdb, cfg); !errors.Is(err, redlock.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
	locker := newLocker(t, rdb, time.Second)
	for _, name := range []string{"", "a{b", "}", strings.Repeat("n", 513)} {
		if _, err := locker.TryAcquire(t.Context(), name); !errors.Is(err, redlock.ErrName) {
			t.Errorf("%.20q: %v, want ErrName", name, err)
		}
		if _, err := locker.Acquire(t.Context(), name); !errors.Is(err, redlock.ErrName) {
			t.Errorf("%.20q: %v, want ErrName", name, err)
		}
	}
}
