package redlock_test

import (
	"context"
	"errors"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
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

func TestEndedContextTakesNothing(t *testing.T) {
	t.Parallel()
	locker := newLocker(t, redistest.Open(t), 2*time.Second)
	tired := errors.New("tired")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tired)
	if _, err := locker.Acquire(ctx, "job"); !errors.Is(err, tired) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if err := acquire(t, locker, "job").Release(); err != nil {
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
	locker := newLocker(t, redistest.DialHasty(t, proxy.Addr()), time.Minute)
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
	proxy.Latency.Store(int64(50 * time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := locker.TryAcquire(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with an ended context: %v, want its cause", err)
	}
	redistest.Eventually(t, "the lock is free", func() bool {
		lock, err := direct.TryAcquire(t.Context(), "job")
		return err == nil && lock.Release() == nil
	})
}

// A caller that is cancelled while Redis takes the lock for it has the lock, to release.
func TestCancelledCallerReleasesWhatItGot(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	locker := newLocker(t, rdb, time.Minute)
	if err := acquire(t, locker, "job").Release(); err != nil { // Redis knows the scripts
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rdb.Write().AddHook(replies(cancel))
	lock, err := locker.TryAcquire(ctx, "job")
	if err != nil {
		t.Fatal(err)
	}
	<-lock.Context().Done()
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if rdb.Read().Exists(t.Context(), "souk:lock:{job}").Val() != 0 {
		t.Error("the lock is still there")
	}
}

// replies is a hook of a client, called when a command has been replied to.
type replies func()

func (replies) DialHook(next redis.DialHook) redis.DialHook { return next }

func (replies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r replies) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer r()
		return next(ctx, cmd)
	}
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
	if _, err := redlock.New(nil, redlock.Config{}); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("nil node: %v, want ErrConfig", err)
	}
	if _, err := redlock.New(rdb, redlock.Config{}, redlock.WithNodes(rdb, nil)); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("another nil node: %v, want ErrConfig", err)
	}
	locker := newLocker(t, rdb, time.Second)
	if err := locker.Do(t.Context(), "job", nil); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("nothing to do: %v, want ErrConfig", err)
	}
	if err := locker.TryDo(t.Context(), "job", nil); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("nothing to try: %v, want ErrConfig", err)
	}
	for _, name := range []string{"", "a{b", "}", strings.Repeat("n", 513)} {
		if _, err := locker.TryAcquire(t.Context(), name); !errors.Is(err, redlock.ErrName) {
			t.Errorf("%.20q: %v, want ErrName", name, err)
		}
		if _, err := locker.Acquire(t.Context(), name); !errors.Is(err, redlock.ErrName) {
			t.Errorf("%.20q: %v, want ErrName", name, err)
		}
	}
}
