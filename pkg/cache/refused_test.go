package cache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// full has Redis refuse commands at times, as one that has no memory left does.
type full struct{ now func() bool }

func (full) DialHook(next redis.DialHook) redis.DialHook { return next }
func (f full) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !f.now() {
			return next(ctx, cmd)
		}
		cmd.SetErr(outOfMemory{})
		return outOfMemory{}
	}
}
func (full) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

type outOfMemory struct{}

func (outOfMemory) Error() string { return "OOM command not allowed when used memory > 'maxmemory'." }
func (outOfMemory) RedisError()   {}

// What Redis refuses for one key is loaded from the source, and Redis goes on
// answering for the others.
func TestRefusalConcernsOneKey(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*testing.T, *redisclient.Client){
		"full": func(_ *testing.T, rdb *redisclient.Client) { rdb.Write().AddHook(full{func() bool { return true }}) },
		"foreign key": func(t *testing.T, rdb *redisclient.Client) {
			if err := rdb.Write().HSet(t.Context(), "souk:cache:product:odd", "a", "b").Err(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb, s := redistest.Open(t), &shop{}
			c := newCache(t, rdb, cache.Config{NoL1: true})
			s.set("warm", "apple")
			s.set("odd", "pear")
			want(t, c, "warm", s.load("warm"), "apple")
			disturb(t, rdb)
			want(t, c, "odd", s.load("odd"), "pear")
			for range 10 {
				want(t, c, "warm", s.load("warm"), "apple")
			}
			if n := s.loads.Load(); n != 2 {
				t.Errorf("%d loads, want one of each key", n)
			}
		})
	}
}

// Nobody waits for a lease whose fill was refused.
func TestRefusedFillGivesTheLeaseUp(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	var loaded atomic.Bool
	rdb.Write().AddHook(full{func() bool { return loaded.CompareAndSwap(true, false) }})
	c := newCache(t, rdb, cache.Config{LoadTimeout: time.Minute})
	want(t, c, "a", func(context.Context) (product, bool, error) {
		loaded.Store(true)
		return product{"apple"}, true, nil
	}, "apple")
	redistest.Eventually(t, "the lease is gone", func() bool {
		return rdb.Read().Exists(t.Context(), "souk:cache:product:a").Val() == 0
	})
}
