package redlock_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

// BenchmarkUncontended takes and frees a lock that nobody else wants, in turns
// with bare redsync, which issues no fence, renews nothing and wakes nobody.
func BenchmarkUncontended(b *testing.B) {
	rdb := redistest.Open(b)
	locker, err := redlock.New(rdb, redlock.Config{})
	if err != nil {
		b.Fatal(err)
	}
	bare := redsync.New(goredis.NewPool(rdb.Write()))
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, timed(b, func() error {
			lock, err := locker.TryAcquire(b.Context(), "job")
			if err != nil {
				return err
			}
			return lock.Release()
		}))
		theirs = append(theirs, timed(b, func() error {
			m := bare.NewMutex("bare job")
			if err := m.LockContext(b.Context()); err != nil {
				return err
			}
			_, err := m.UnlockContext(b.Context())
			return err
		}))
	}
	report(b, "redlock", ours)
	report(b, "redsync", theirs)
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	begun := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

func report(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	for _, percentile := range []int{50, 99} {
		at := took[len(took)*percentile/100]
		b.ReportMetric(float64(at.Nanoseconds())/1000, fmt.Sprintf("%s-p%d-µs", name, percentile))
	}
}

// BenchmarkHandOver has eight callers, each with a client of its own, pass one
// lock on, and reports how long it was free between two of them.
func BenchmarkHandOver(b *testing.B) {
	addr := redistest.Start(b).Addr()
	b.Run("redlock", func(b *testing.B) {
		handOver(b, func() func(then func()) error {
			locker, err := redlock.New(redistest.Dial(b, addr), redlock.Config{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(locker.Close)
			return func(then func()) error {
				lock, err := locker.Acquire(b.Context(), "job")
				if err != nil {
					return err
				}
				then()
				return lock.Release()
			}
		})
	})
	b.Run("redsync", func(b *testing.B) {
		handOver(b, func() func(then func()) error {
			m := redsync.New(goredis.NewPool(redistest.Dial(b, addr).Write())).NewMutex("job", redsync.WithTries(1000))
			return func(then func()) error {
				if err := m.LockContext(b.Context()); err != nil {
					return err
				}
				then()
				_, err := m.UnlockContext(b.Context())
				return err
			}
		})
	})
}

// handOver runs b.N critical sections of a millisecond. Each caller stays away
// for some more, so that it passes the lock on instead of taking it again.
func handOver(b *testing.B, newCaller func() func(then func()) error) {
	turns := make(chan struct{}, b.N)
	for range b.N {
		turns <- struct{}{}
	}
	close(turns)
	var callers sync.WaitGroup
	var freed time.Time // guarded by the lock, as gaps are
	var gaps []time.Duration
	for range 8 {
		do := newCaller()
		callers.Go(func() {
			for range turns {
				err := do(func() {
					if !freed.IsZero() {
						gaps = append(gaps, time.Since(freed))
					}
					time.Sleep(time.Millisecond)
					freed = time.Now()
				})
				time.Sleep(4 * time.Millisecond)
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if len(gaps) > 0 {
		report(b, "free", gaps)
	}
}
