package cache_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := beChild(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	redisclient.Quiet()
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type product struct{ Name string }

// shop is a source that can be slow, broken and changed.
type shop struct {
	mu    sync.Mutex
	names map[string]string
	err   error
	loads atomic.Int32
}

func (s *shop) set(key, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string]string)
	}
	s.names[key] = name
}

func (s *shop) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shop) load(key string) cache.Loader[product] {
	return func(context.Context) (product, bool, error) {
		s.loads.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		name, ok := s.names[key]
		return product{name}, ok, s.err
	}
}

func newCache(t *testing.T, rdb *redisclient.Client, cfg cache.Config, opts ...cache.Option[product]) *cache.Cache[product] {
	t.Helper()
	c, err := cache.New("product", rdb, cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func want(t *testing.T, c *cache.Cache[product], key string, load cache.Loader[product], name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, found, err := c.Get(ctx, key, load)
	if err != nil || !found || got.Name != name {
		t.Errorf("Get(%s) = %q, %v, %v, want %q", key, got.Name, found, err, name)
	}
}
