package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/groupcommit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	flush   = groupcommit.Flush[int, int]
	outcome = groupcommit.Outcome[int]
)

var (
	errPoison  = errors.New("poison")
	errPassing = errors.New("passing")
)

// double answers every request with twice its value.
func double(_ context.Context, batch []int) ([]outcome, error) {
	outcomes := make([]outcome, len(batch))
	for i, q := range batch {
		outcomes[i] = outcome{Value: 2 * q}
	}
	return outcomes, nil
}

// start runs a committer until the test ends.
func start(t testing.TB, cfg groupcommit.Config, f flush) *groupcommit.Committer[int, int] {
	c := groupcommit.New(cfg, f)
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		loop.Wait()
	})
	return c
}

type answer struct {
	value int
	err   error
}

// doAll calls Do with 0..n-1 at once and returns the answers by request.
func doAll(ctx context.Context, c *groupcommit.Committer[int, int], n int) []answer {
	answers := make([]answer, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() { answers[i].value, answers[i].err = c.Do(ctx, i) })
	}
	callers.Wait()
	return answers
}

func TestEveryCallerGetsItsOwnAnswer(t *testing.T) {
	for _, batchMax := range []int{1, 500} {
		t.Run(fmt.Sprintf("batch max %d", batchMax), func(t *testing.T) {
			c := start(t, groupcommit.Config{BatchMax: batchMax}, double)
			for i, a := range doAll(t.Context(), c, 1000) {
				if a.err != nil || a.value != 2*i {
					t.Fatalf("Do(%d) = %d, %v", i, a.value, a.err)
				}
			}
		})
	}
}

func TestLoneRequestGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, groupcommit.Config{}, double)
		before := time.Now()
		if _, err := c.Do(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(before); waited != 0 {
			t.Errorf("a lone request waited %v", waited)
		}
	})
}

func TestWhatQueuesDuringAFlushIsTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		c := start(t, groupcommit.Config{BatchMax: 4}, func(ctx context.Context, batch []int) ([]outcome, error) {
			sizes = append(sizes, len(batch))
			time.Sleep(time.Second)
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = c.Do(t.Context(), 0) })
		synctest.Wait()
		callers.Go(func() { doAll(t.Context(), c, 6) })
		callers.Wait()
		if want := []int{1, 4, 2}; !slices.Equal(sizes, want) {
			t.Errorf("batches of %v, want %v", sizes, want)
		}
	})
}

func TestBatchesAreSpacedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flushTime = 10 * time.Millisecond
		var begun []time.Duration
		epoch := time.Now()
		c := start(t, groupcommit.Config{Cadence: 25 * time.Millisecond}, func(ctx context.Context, batch []int) ([]outcome, error) {
			begun = append(begun, time.Since(epoch))
			time.Sleep(flushTime)
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = c.Do(t.Context(), 0) }) // at 0, alone
		synctest.Wait()
		callers.Go(func() { doAll(t.Context(), c, 100) }) // at 10 ms, after one
		time.Sleep(flushTime + time.Millisecond)
		callers.Go(func() { _, _ = c.Do(t.Context(), 0) }) // at 35 ms, after a hundred
		callers.Wait()
		time.Sleep(time.Second)
		_, _ = c.Do(t.Context(), 0) // at once, long after
		want := []time.Duration{0, 10 * time.Millisecond, 35 * time.Millisecond, 1045 * time.Millisecond}
		if !slices.Equal(begun, want) {
			t.Errorf("batches began after %v, want %v", begun, want)
		}
	})
}

func TestAFullBatchIsNotSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun []time.Duration
		epoch := time.Now()
		cfg := groupcommit.Config{BatchMax: 50, Cadence: time.Hour}
		c := start(t, cfg, func(ctx context.Context, batch []int) ([]outcome, error) {
			begun = append(begun, time.Since(epoch))
			time.Sleep(time.Millisecond)
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = c.Do(t.Context(), 0) })
		synctest.Wait()
		callers.Go(func() { doAll(t.Context(), c, 100) })
		callers.Wait()
		if want := []time.Duration{0, time.Millisecond, 2 * time.Millisecond}; !slices.Equal(begun, want) {
			t.Errorf("batches began after %v, want %v", begun, want)
		}
	})
}

func TestRequestsGatherWhileThePaceAsksForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches []int
		cfg := groupcommit.Config{Pace: func() time.Duration { return 100 * time.Millisecond }}
		c := start(t, cfg, func(ctx context.Context, batch []int) ([]outcome, error) {
			batches = append(batches, len(batch))
			return double(ctx, batch)
		})
		begun := time.Now()
		var callers sync.WaitGroup
		for i := range 3 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 40 * time.Millisecond)
				if _, err := c.Do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if took := time.Since(begun); !slices.Equal(batches, []int{3}) || took != 100*time.Millisecond {
			t.Errorf("batches of %v after %s, want the three that came within 100 ms of the first in one", batches, took)
		}
	})
}

func TestStoppingDoesNotWaitForThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := groupcommit.New(groupcommit.Config{Pace: func() time.Duration { return time.Hour }}, double)
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- c.Run(ctx) }()
		answered := make(chan error, 1)
		go func() {
			_, err := c.Do(t.Context(), 1)
			answered <- err
		}()
		synctest.Wait()
		begun := time.Now()
		cancel()
		if err := errors.Join(<-answered, <-stopped); err != nil || time.Since(begun) > 0 {
			t.Errorf("stopped with %v after %s", err, time.Since(begun))
		}
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, groupcommit.Config{QueueMax: 2}, func(ctx context.Context, batch []int) ([]outcome, error) {
			time.Sleep(time.Second)
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = c.Do(t.Context(), 0) })
		synctest.Wait() // one in flush
		callers.Go(func() { doAll(t.Context(), c, 2) })
		synctest.Wait() // two queued
		before := time.Now()
		if _, err := c.Do(t.Context(), 3); !errors.Is(err, groupcommit.ErrFull) || time.Since(before) != 0 {
			t.Errorf("Do() = %v after %v, want ErrFull at once", err, time.Since(before))
		}
		callers.Wait()
	})
}

func TestExpiredRequestLeavesTheQueueUnflushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flushed []int
		c := start(t, groupcommit.Config{}, func(ctx context.Context, batch []int) ([]outcome, error) {
			flushed = append(flushed, batch...)
			time.Sleep(time.Second)
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = c.Do(t.Context(), 1) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Do(ctx, 2)
		if !errors.Is(err, groupcommit.ErrExpired) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do() = %v, want ErrExpired", err)
		}
		if _, err := c.Do(ctx, 3); !errors.Is(err, groupcommit.ErrExpired) {
			t.Errorf("Do() with a dead context = %v, want ErrExpired", err)
		}
		callers.Go(func() { _, _ = c.Do(t.Context(), 4) })
		callers.Wait()
		if want := []int{1, 4}; !slices.Equal(flushed, want) {
			t.Errorf("flushed %v, want %v", flushed, want)
		}
	})
}

func TestCallerThatLeavesDuringAFlushDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, groupcommit.Config{}, func(ctx context.Context, batch []int) ([]outcome, error) {
			time.Sleep(time.Second)
			return double(ctx, batch)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.Do(ctx, 1); !errors.Is(err, groupcommit.ErrOutcomeUnknown) {
			t.Errorf("Do() = %v, want ErrOutcomeUnknown", err)
		}
	})
}

func TestPoisonedRequestFailsAlone(t *testing.T) {
	c := start(t, groupcommit.Config{}, func(ctx context.Context, batch []int) ([]outcome, error) {
		if slices.Contains(batch, 137) || slices.Contains(batch, 138) {
			return nil, errPoison
		}
		return double(ctx, batch)
	})
	for i, a := range doAll(t.Context(), c, 300) {
		if poisoned := i == 137 || i == 138; errors.Is(a.err, errPoison) != poisoned {
			t.Errorf("Do(%d) = %d, %v", i, a.value, a.err)
		}
	}
}

func TestPassingErrorFlushesTheSameBatchAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		cfg := groupcommit.Config{Attempts: 3, Retry: isPassing}
		c := start(t, cfg, func(ctx context.Context, batch []int) ([]outcome, error) {
			if attempts++; attempts < 3 {
				return nil, errPassing
			}
			return double(ctx, batch)
		})
		if v, err := c.Do(t.Context(), 21); v != 42 || err != nil {
			t.Errorf("Do() = %d, %v, want 42 at the third attempt", v, err)
		}
	})
}

func TestOutcomeIsUnknownWhenAttemptsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		cfg := groupcommit.Config{Attempts: 3, Retry: isPassing}
		c := start(t, cfg, func(context.Context, []int) ([]outcome, error) {
			attempts++
			return nil, errPassing
		})
		_, err := c.Do(t.Context(), 1)
		if !errors.Is(err, groupcommit.ErrOutcomeUnknown) || !errors.Is(err, errPassing) || attempts != 3 {
			t.Errorf("Do() = %v after %d attempts, want ErrOutcomeUnknown after 3", err, attempts)
		}
	})
}

func isPassing(err error) bool { return errors.Is(err, errPassing) }

func TestPanicFailsItsBatchOnly(t *testing.T) {
	var calls atomic.Int32
	c := start(t, groupcommit.Config{}, func(ctx context.Context, batch []int) ([]outcome, error) {
		if calls.Add(1) == 1 {
			panic("flush broke")
		}
		return double(ctx, batch)
	})
	if _, err := c.Do(t.Context(), 1); !errors.Is(err, groupcommit.ErrOutcomeUnknown) {
		t.Errorf("Do() = %v, want ErrOutcomeUnknown", err)
	}
	if v, err := c.Do(t.Context(), 1); v != 2 || err != nil {
		t.Errorf("Do() after a panic = %d, %v", v, err)
	}
}

func TestMissingOutcomesAreAnError(t *testing.T) {
	c := start(t, groupcommit.Config{}, func(context.Context, []int) ([]outcome, error) { return nil, nil })
	if _, err := c.Do(t.Context(), 1); !errors.Is(err, groupcommit.ErrOutcomeUnknown) {
		t.Errorf("Do() = %v, want ErrOutcomeUnknown", err)
	}
}

func TestFlushTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, groupcommit.Config{Timeout: time.Second}, func(ctx context.Context, _ []int) ([]outcome, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, err := c.Do(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do() = %v, want the flush's deadline", err)
		}
	})
}

func TestRunDrainsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := groupcommit.New(groupcommit.Config{BatchMax: 2}, func(ctx context.Context, batch []int) ([]outcome, error) {
			time.Sleep(time.Second)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return double(ctx, batch)
		})
		var callers sync.WaitGroup
		var answers []answer
		callers.Go(func() { answers = doAll(t.Context(), c, 7) })
		ctx, cancel := context.WithCancel(t.Context())
		synctest.Wait()
		cancel()
		if err := c.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
		callers.Wait()
		for i, a := range answers {
			if a.err != nil || a.value != 2*i {
				t.Errorf("Do(%d) = %d, %v after the stop, want its answer", i, a.value, a.err)
			}
		}
		if _, err := c.Do(t.Context(), 1); !errors.Is(err, groupcommit.ErrStopped) {
			t.Errorf("Do() = %v, want ErrStopped", err)
		}
	})
}

func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			c := start(b, groupcommit.Config{}, double)
			var running sync.WaitGroup
			limit := make(chan struct{}, callers)
			for b.Loop() {
				limit <- struct{}{}
				running.Go(func() {
					_, _ = c.Do(b.Context(), 1)
					<-limit
				})
			}
			running.Wait()
		})
	}
}

func Example() {
	// flush would insert the whole batch in one transaction.
	c := groupcommit.New(groupcommit.Config{}, func(_ context.Context, names []string) ([]groupcommit.Outcome[string], error) {
		greetings := make([]groupcommit.Outcome[string], len(names))
		for i, name := range names {
			greetings[i].Value = "hello " + name
		}
		return greetings, nil
	})
	ctx, stop := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { _ = c.Run(ctx) })

	fmt.Println(c.Do(ctx, "souk"))
	stop()
	loop.Wait()
	// Output: hello souk <nil>
}
