package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

// scripted answers every GET without a server.
type scripted struct{ get func(*redis.StringCmd) }

func (scripted) DialHook(next redis.DialHook) redis.DialHook { return next }
func (scripted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s scripted) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		s.get(cmd.(*redis.StringCmd))
		return cmd.Err()
	}
}

// Who has gone wants nothing any more.
func TestCallerWhoHasGoneBeginsNoLoad(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	tired := errors.New("tired")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tired)
	if _, _, err := c.Get(ctx, "a", s.load("a")); !errors.Is(err, tired) {
		t.Errorf("Get: %v", err)
	}
	if _, err := c.MGet(ctx, []string{"a", "b"}, s.many(nil)); !errors.Is(err, tired) {
		t.Errorf("MGet: %v", err)
	}
	c.Close() // waits for loads
	if n := s.loads.Load(); n > 0 {
		t.Errorf("%d loads", n)
	}
}

// Three callers boarded a flight too late for its answer and look again
// together. They are gone before Redis says that the key has vanished.
func TestCallersWhoLeaveWhileTheyLookAgainBeginNoLoad(t *testing.T) {
	entry := storedApple(t)
	rdb := down(t)
	synctest.Test(t, func(t *testing.T) {
		var gets atomic.Int32
		first, second := make(chan struct{}), make(chan struct{})
		rdb.Read().AddHook(scripted{func(cmd *redis.StringCmd) {
			switch gets.Add(1) {
			case 1:
				<-first
				cmd.SetVal(entry)
			case 2:
				<-second
				cmd.SetErr(redis.Nil)
			default:
				cmd.SetErr(redis.Nil)
			}
		}})
		c, s := newCache(t, rdb, cache.Config{NoL1: true}), &shop{}
		var readers sync.WaitGroup
		readers.Go(func() { want(t, c, "a", s.load("a"), "apple") })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			readers.Go(func() {
				if _, _, err := c.Get(ctx, "a", s.load("a")); !errors.Is(err, context.Canceled) {
					t.Errorf("who left got %v", err)
				}
			})
		}
		synctest.Wait()
		close(first)
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(second)
		readers.Wait()
		c.Close()
		if n := gets.Load(); n != 2 {
			t.Errorf("%d commands, want 2", n)
		}
		if n := s.loads.Load(); n > 0 {
			t.Errorf("%d loads", n)
		}
	})
}

// storedApple returns the bytes of an entry.
func storedApple(t *testing.T) string {
	t.Helper()
	rdb := redistest.Open(t)
	if err := newCache(t, rdb, cache.Config{}).Set(t.Context(), "a", product{"apple"}); err != nil {
		t.Fatal(err)
	}
	return rdb.Read().Get(t.Context(), held).Val()
}
