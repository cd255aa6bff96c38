package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

const coldKeys = 50

// Eight processes with 16 readers each come for the same cold keys at the same
// time, and each key is loaded once.
func TestOneLoadPerColdKeyOfEightProcesses(t *testing.T) {
	rdb := redistest.Open(t)
	runChildren(t, rdb, "cold", 8, 16)
	for i := range coldKeys {
		if n, err := rdb.Read().Get(t.Context(), fmt.Sprint("loads:", i)).Int(); n != 1 || err != nil {
			t.Errorf("key %d was loaded %d times, %v", i, n, err)
		}
	}
}

// cold is a process of TestOneLoadPerColdKeyOfEightProcesses.
func (c *child) cold(ctx context.Context) error {
	values, err := cache.New[string]("cold", c.rdb, cache.Config{LoadTimeout: 20 * time.Second}, cache.WithBus[string](c.bus))
	if err != nil {
		return err
	}
	defer values.Close()
	if err := c.meet(ctx, "cold"); err != nil {
		return err
	}
	errs := make(chan error, c.work)
	var readers sync.WaitGroup
	for range c.work {
		readers.Go(func() { errs <- c.readCold(ctx, values) })
	}
	readers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return c.meet(ctx, "read") // whoever leaves early would take its memory along
}

func (c *child) readCold(ctx context.Context, values *cache.Cache[string]) error {
	for i := range coldKeys {
		key := fmt.Sprint(i)
		_, _, err := values.Get(ctx, key, func(ctx context.Context) (string, bool, error) {
			time.Sleep(5 * time.Millisecond) // the source's own time
			return key, true, c.rdb.Write().Incr(ctx, "loads:"+key).Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A source that hangs has leases lapse. Each is taken over by one process, and
// the others give up instead of asking the source, too.
func TestSlowSourceIsNotStampeded(t *testing.T) {
	t.Parallel()
	rdb, loading := redistest.Open(t), &gauge{}
	var busy atomic.Int64
	hang := func(ctx context.Context) (product, bool, error) {
		loading.enter()
		defer loading.leave()
		<-ctx.Done()
		return product{}, false, ctx.Err()
	}
	var readers sync.WaitGroup
	for range 8 {
		c := newCache(t, rdb, cache.Config{LoadTimeout: 300 * time.Millisecond})
		readers.Go(func() {
			_, _, err := c.Get(t.Context(), "a", hang)
			switch {
			case errors.Is(err, cache.ErrBusy):
				busy.Add(1)
			case !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("got %v", err)
			}
		})
	}
	readers.Wait()
	if n := loading.most.Load(); n > 2 { // a lease may lapse just before its load has ended
		t.Errorf("%d loads at a time", n)
	}
	if busy.Load() == 0 {
		t.Error("nobody was told that the source is busy")
	}
}
