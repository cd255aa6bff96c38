package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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

// Of the readers of a cold key in one process, one asks Redis, and perhaps a
// few that the scheduler held up between their look in memory and the flight.
func TestReadersOfAColdKeyShareALookup(t *testing.T) {
	t.Parallel()
	rdb, s, asked, gate := redistest.Open(t), &shop{}, &lookups{}, make(chan struct{})
	rdb.Read().AddHook(asked)
	c := newCache(t, rdb, cache.Config{})
	s.set("a", "apple")
	var readers sync.WaitGroup
	for range 64 {
		readers.Go(func() { want(t, c, "a", s.gated("a", gate), "apple") })
	}
	redistest.Eventually(t, "the load has read", func() bool { return s.loads.Load() == 1 })
	close(gate)
	readers.Wait()
	if n := asked.n.Load(); n < 1 || n > 8 {
		t.Errorf("Redis was asked %d times", n)
	}
}

// lookups counts the GETs of a client.
type lookups struct{ n atomic.Int64 }

func (l *lookups) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *lookups) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" {
			l.n.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (l *lookups) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
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
