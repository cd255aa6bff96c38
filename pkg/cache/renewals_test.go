package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// batched loads any of the shop's keys, and counts in calls.
func (s *shop) batched(ctx context.Context, keys []string) (map[string]product, error) {
	found := make(map[string]product)
	for _, key := range keys {
		if p, ok, err := s.load(key)(ctx); err != nil {
			return nil, err
		} else if ok {
			found[key] = p
		}
	}
	return found, nil
}

// group is enough keys that some are due within the same 10 ms on any machine.
func group() (keys []string) {
	for i := range 30 {
		keys = append(keys, fmt.Sprint("k", i))
	}
	return keys
}

// renewing makes a cache of the group, all due, whose renewals go through load.
func renewing(t *testing.T, rdb *redisclient.Client, s *shop, load cache.BatchLoader[product]) *cache.Cache[product] {
	t.Helper()
	c := newCache(t, rdb, soon(), cache.WithRenewals(load))
	for _, key := range group() {
		s.set(key, "old")
		want(t, c, key, s.load(key), "old")
		s.set(key, "new")
	}
	return c
}

// readAll reads all keys until as many renewals have begun as there are keys.
func readAll(t *testing.T, c *cache.Cache[product], s *shop) {
	t.Helper()
	redistest.Eventually(t, "all are being renewed", func() bool {
		for _, key := range group() {
			_, _, _ = c.Get(t.Context(), key, s.load(key))
		}
		return c.Stats().Refreshes >= 30
	})
}

func TestWhatIsDueIsRenewedTogether(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		s, calls := &shop{}, atomic.Int64{}
		c := renewing(t, rdb, s, func(ctx context.Context, keys []string) (map[string]product, error) {
			calls.Add(1)
			return s.batched(ctx, keys)
		})
		readAll(t, c, s)
		for _, key := range group() {
			redistest.Eventually(t, "the new value is in memory and in Redis", func() bool {
				here, _, _ := c.Get(t.Context(), key, s.load(key))
				there, _, _ := newCache(t, rdb, cache.Config{}).Get(t.Context(), key, s.load(key))
				return here.Name == "new" && there.Name == "new"
			})
		}
		c.Close()
		if n, renewed := calls.Load(), c.Stats().Refreshes; n == 0 || renewed < 2*n {
			t.Errorf("%d calls for %d renewals", n, renewed)
		}
	})
}

// One key of a group was invalidated while the group was loaded.
func TestAGroupCannotPutBackWhatWasInvalidated(t *testing.T) {
	t.Parallel()
	rdb, s, read, gate := redistest.Open(t), &shop{}, make(chan struct{}, 30), make(chan struct{})
	c := renewing(t, rdb, s, func(ctx context.Context, keys []string) (map[string]product, error) {
		got, err := s.batched(ctx, keys)
		read <- struct{}{}
		<-gate
		return got, err
	})
	readAll(t, c, s)
	<-read
	s.set("k7", "newest")
	if err := newCache(t, rdb, cache.Config{}).Invalidate(t.Context(), "k7"); err != nil {
		t.Fatal(err)
	}
	close(gate)
	c.Close()
	if c.Stats().Voided != 1 {
		t.Errorf("%d fills were void", c.Stats().Voided)
	}
	for key, name := range map[string]string{"k6": "new", "k7": "newest", "k8": "new"} {
		want(t, newCache(t, rdb, cache.Config{}), key, s.load(key), name)
	}
}

// What another process has renewed meanwhile is taken over, not loaded again.
func TestAGroupTakesOverWhatAnotherHasRenewed(t *testing.T) {
	t.Parallel()
	rdb, s, again := redistest.Open(t), &shop{}, atomic.Bool{}
	c := renewing(t, rdb, s, func(ctx context.Context, keys []string) (map[string]product, error) {
		if slices.Contains(keys, "k7") {
			again.Store(true)
		}
		return s.batched(ctx, keys)
	})
	if _, _, err := newCache(t, rdb, cache.Config{}).Refresh(t.Context(), "k7", s.load("k7")); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the other's value is here", func() bool {
		for _, key := range group() {
			_, _, _ = c.Get(t.Context(), key, s.load(key))
		}
		got, _, _ := c.Get(t.Context(), "k7", s.load("k7"))
		return got.Name == "new" && c.Stats().Refreshes >= 29
	})
	if again.Load() {
		t.Error("what another had renewed was loaded again")
	}
}

// A group whose load failed is not tried again before its claims end.
func TestAFailedGroupIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	rdb, s, calls := redistest.Open(t), &shop{}, atomic.Int64{}
	broken := func(context.Context, []string) (map[string]product, error) {
		calls.Add(1)
		return nil, errors.New("broken")
	}
	first := renewing(t, rdb, s, broken)
	readAll(t, first, s)
	first.Close()
	tried, later := calls.Load(), newCache(t, rdb, soon(), cache.WithRenewals(broken))
	for range 10 {
		for _, key := range group() {
			want(t, later, key, s.load(key), "old")
		}
	}
	later.Close()
	if n := calls.Load(); n != tried {
		t.Errorf("%d calls after the first %d", n-tried, tried)
	}
}
