package cache_test

import (
	"context"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

// before calls do once, before the first pipeline that a client sends.
type before struct{ do func() }

func (before) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (before) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (b before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	once := sync.OnceFunc(b.do)
	return func(ctx context.Context, cmds []redis.Cmder) error {
		once()
		return next(ctx, cmds)
	}
}

// Two keys are missing together. Another process brings one of them before the
// leases are taken: who wants that does not wait for the load of the other.
func TestFoundKeyDoesNotWaitForTheLoadOfAnother(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	writer := newCache(t, rdb, cache.Config{})
	mine := redistest.Dial(t, rdb.Write().(*redis.Client).Options().Addr)
	mine.Write().AddHook(before{func() {
		if err := writer.Set(t.Context(), "found", product{"pear"}); err != nil {
			t.Error(err)
		}
	}})
	c := newCache(t, mine, cache.Config{NoL1: true})
	loading, gate := make(chan []string), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		wantMany(t, c, []string{"loaded", "found"}, func(_ context.Context, keys []string) (map[string]product, error) {
			loading <- keys
			<-gate
			return map[string]product{"loaded": {"apple"}}, nil
		}, map[string]string{"loaded": "apple", "found": "pear"})
	})
	if keys := <-loading; len(keys) != 1 {
		t.Errorf("%v are loaded", keys)
	}
	want(t, c, "found", s.load("found"), "pear")
	close(gate)
	reader.Wait()
}
