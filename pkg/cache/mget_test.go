package cache_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// many loads from the shop and notes each call's keys.
func (s *shop) many(calls *[][]string) cache.BatchLoader[product] {
	var mu sync.Mutex
	return func(_ context.Context, keys []string) (map[string]product, error) {
		mu.Lock()
		defer mu.Unlock()
		if calls != nil {
			*calls = append(*calls, slices.Clone(keys))
		}
		s.loads.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		found := make(map[string]product)
		for _, key := range keys {
			if name, ok := s.names[key]; ok {
				found[key] = product{name}
			}
		}
		return found, s.err
	}
}

func wantMany(t *testing.T, c *cache.Cache[product], keys []string, load cache.BatchLoader[product], names map[string]string) {
	t.Helper()
	got, err := c.MGet(t.Context(), keys, load)
	found := make(map[string]string, len(got))
	for key, p := range got {
		found[key] = p.Name
	}
	if err != nil || !maps.Equal(found, names) {
		t.Errorf("MGet = %v, %v, want %v", found, err, names)
	}
}

func TestManyKeysAreLoadedTogetherAndOnce(t *testing.T) {
	t.Parallel()
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		s, calls := &shop{}, [][]string{}
		load := s.many(&calls)
		for _, key := range []string{"a", "b", "c", "d"} {
			s.set(key, "fruit "+key)
		}
		first, second := newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{})
		want(t, first, "a", s.load("a"), "fruit a")
		if err := second.Set(t.Context(), "b", product{"fruit b"}); err != nil {
			t.Fatal(err)
		}
		names := map[string]string{"a": "fruit a", "b": "fruit b", "c": "fruit c", "d": "fruit d"}
		keys := []string{"d", "a", "none", "b", "c", "a", "d"}
		wantMany(t, first, keys, load, names)
		if len(calls) != 1 || !slices.Equal(calls[0], []string{"d", "none", "c"}) {
			t.Errorf("loaded %v, want d, none and c together", calls)
		}
		wantMany(t, first, keys, load, names)
		wantMany(t, second, keys, load, names)
		if len(calls) != 1 {
			t.Errorf("loaded %v again", calls[1:])
		}
	})
}

func TestManyKeysOfManyCallersAreLoadedOnce(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	names, keys := map[string]string{}, []string{}
	for i := range 100 {
		key := string(rune('A' + i))
		s.set(key, key)
		names[key], keys = key, append(keys, key)
	}
	var mu sync.Mutex
	loads := map[string]int{}
	load := func(ctx context.Context, keys []string) (map[string]product, error) {
		time.Sleep(time.Millisecond) // the source's own time
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys {
			loads[key]++
		}
		return s.many(nil)(ctx, keys)
	}
	var wg sync.WaitGroup
	for range 4 {
		c := newCache(t, rdb, cache.Config{LoadTimeout: time.Minute}) // no lease lapses on a slow machine
		for offset := range 4 {
			wg.Go(func() { wantMany(t, c, slices.Concat(keys[offset*20:], keys[:offset*20]), load, names) })
		}
	}
	wg.Wait()
	for key, n := range loads {
		if n != 1 {
			t.Errorf("%s was loaded %d times", key, n)
		}
	}
}

func TestPartialResults(t *testing.T) {
	t.Parallel()
	s, broken := &shop{}, errors.New("broken")
	c := newCache(t, redistest.Open(t), cache.Config{})
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
	half := func(context.Context, []string) (map[string]product, error) {
		return map[string]product{"b": {"berry"}}, broken
	}
	got, err := c.MGet(t.Context(), []string{"a", "b", "c"}, half)
	if !errors.Is(err, broken) || len(got) != 2 || got["a"].Name != "apple" || got["b"].Name != "berry" {
		t.Errorf("got %v, %v", got, err)
	}
	s.set("c", "cherry")
	begin := time.Now()
	wantMany(t, c, []string{"a", "b", "c"}, s.many(nil), map[string]string{"a": "apple", "b": "berry", "c": "cherry"})
	if took := time.Since(begin); took > time.Second {
		t.Errorf("waited %v for a lease that was given up", took)
	}
}

func TestManyKeysWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, down(t), cache.Config{}), &shop{}
	s.set("a", "apple")
	for range 2 {
		wantMany(t, c, []string{"a", "none"}, s.many(nil), map[string]string{"a": "apple"})
	}
	if n := s.loads.Load(); n != 1 {
		t.Errorf("%d loads", n)
	}
}

func TestWarmBringsInWhatIsMissing(t *testing.T) {
	t.Parallel()
	rdb, s, calls := redistest.Open(t), &shop{}, [][]string{}
	c := newCache(t, rdb, cache.Config{})
	var keys []string
	for i := range 450 {
		key := string(rune('A' + i))
		keys = append(keys, key)
		s.set(key, key)
	}
	var seen []cache.Progress
	got, err := c.Warm(t.Context(), slices.Values(append(keys, "none")), s.many(&calls), func(p cache.Progress) { seen = append(seen, p) })
	if want := (cache.Progress{Done: 451, Found: 450}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if len(seen) != 3 || seen[0].Done != 200 || len(calls) != 3 {
		t.Errorf("reported %v in %d loads", seen, len(calls))
	}
	want(t, newCache(t, rdb, cache.Config{}), keys[300], s.load("x"), keys[300])

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Warm(ctx, slices.Values(keys), s.many(nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
