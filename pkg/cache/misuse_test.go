package cache_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient/redistest"
)

func TestWrongUse(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	for _, key := range []string{"", strings.Repeat("k", 513), "\xff"} {
		for name, use := range map[string]func() error{
			"Get":     func() error { _, _, err := c.Get(t.Context(), key, s.load(key)); return err },
			"MGet":    func() error { _, err := c.MGet(t.Context(), []string{"ok", key}, s.many(nil)); return err },
			"Refresh": func() error { _, _, err := c.Refresh(t.Context(), key, s.load(key)); return err },
			"Warm": func() error {
				_, err := c.Warm(t.Context(), slices.Values([]string{key}), s.many(nil), nil)
				return err
			},
			"Set":        func() error { return c.Set(t.Context(), key, product{}) },
			"Invalidate": func() error { return c.Invalidate(t.Context(), "ok", key) },
			"Announce":   func() error { return c.Announce(t.Context(), "ok", key) },
		} {
			if err := use(); !errors.Is(err, cache.ErrKey) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, use := range map[string]func() error{
		"Get":     func() error { _, _, err := c.Get(t.Context(), "a", nil); return err },
		"MGet":    func() error { _, err := c.MGet(t.Context(), []string{"a"}, nil); return err },
		"Refresh": func() error { _, _, err := c.Refresh(t.Context(), "a", nil); return err },
		"Warm":    func() error { _, err := c.Warm(t.Context(), slices.Values([]string{"a"}), nil, nil); return err },
	} {
		if err := use(); !errors.Is(err, cache.ErrNoLoader) {
			t.Errorf("%s without a loader: %v", name, err)
		}
	}
	if n := s.loads.Load(); n > 0 {
		t.Errorf("%d loads", n)
	}
}

func TestWrongKeyLeavesNoOtherStale(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}), &shop{}
	s.set("a", "old")
	want(t, c, "a", s.load("a"), "old")
	s.set("a", "new")
	if err := c.Invalidate(t.Context(), "a", ""); !errors.Is(err, cache.ErrKey) {
		t.Errorf("Invalidate: %v, want ErrKey", err)
	}
	want(t, c, "a", s.load("a"), "new")
}

func TestConfigRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  cache.Config
		want error
	}{
		{cache.Config{TTL: -1}, cache.ErrTTL},
		{cache.Config{L1TTL: time.Microsecond}, cache.ErrTTL},
		{cache.Config{SoftTTL: -1}, cache.ErrTTL},
		{cache.Config{NullTTL: -1}, cache.ErrTTL},
		{cache.Config{LoadTimeout: -1}, cache.ErrTTL},
		{cache.Config{SoftTTL: time.Hour, TTL: time.Minute}, cache.ErrConfig},
		{cache.Config{L1TTL: time.Hour, TTL: time.Minute}, cache.ErrConfig},
		{cache.Config{Jitter: 2}, cache.ErrConfig},
		{cache.Config{Jitter: math.NaN()}, cache.ErrConfig},
		{cache.Config{Beta: math.NaN()}, cache.ErrConfig},
		{cache.Config{RetryAfter: -1}, cache.ErrConfig},
		{cache.Config{MaxLoads: -1}, cache.ErrConfig},
		{cache.Config{MaxRefreshes: -1}, cache.ErrConfig},
		{cache.Config{MaxValue: -1}, cache.ErrConfig},
		{cache.Config{StaleFor: -1}, cache.ErrConfig},
	} {
		if _, err := cache.New[product]("x", down(t), tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt.cfg, err)
		}
	}
}

func TestNamesThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a:b", "a~b", "{a}", "\xff", strings.Repeat("n", 129)} {
		if _, err := cache.New[product](name, down(t), cache.Config{}); !errors.Is(err, cache.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, withoutRedis := cache.New[product]("x", nil, cache.Config{})
	_, channels := cache.New[chan int]("x", down(t), cache.Config{})
	_, fields := cache.New[struct{ C chan int }]("x", down(t), cache.Config{})
	_, withoutCodec := cache.New("x", down(t), cache.Config{}, cache.WithCodec[product](nil))
	_, withoutBus := cache.New("x", down(t), cache.Config{}, cache.WithFilter[product](&cache.Filter{}))
	for name, tt := range map[string]struct{ got, want error }{
		"no client":                 {withoutRedis, cache.ErrNoRedis},
		"a type that JSON has not":  {channels, cache.ErrCodec},
		"a field that JSON has not": {fields, cache.ErrCodec},
		"a codec that is nil":       {withoutCodec, cache.ErrCodec},
		"a filter without a bus":    {withoutBus, cache.ErrNoBus},
	} {
		if !errors.Is(tt.got, tt.want) {
			t.Errorf("%s: %v", name, tt.got)
		}
	}
}

// A nil function is none, and a codec may refuse the zero value.
func TestNewTakesWhatCanWork(t *testing.T) {
	t.Parallel()
	c, s := newCache(t, redistest.Open(t), cache.Config{}, cache.WithCodec[product](choosy{}),
		cache.WithCost[product](nil), cache.WithLifetime[product](nil), cache.WithBus[product](nil),
		cache.WithFilter[product](nil), cache.WithMetrics[product](nil), cache.WithTracer[product](nil)), &shop{}
	s.set("a", "apple")
	want(t, c, "a", s.load("a"), "apple")
}

// choosy is a codec that refuses the zero value.
type choosy struct{ cache.JSON[product] }

func (c choosy) Encode(p product) ([]byte, error) {
	if p == (product{}) {
		return nil, errors.New("no name")
	}
	return c.JSON.Encode(p)
}

// The longest keys there are, each six times as long in JSON, on a bus that
// sends no more than a few of them at a time.
func TestManyLongKeysAreInvalidated(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]pubsub.Config{"any bus": {}, "a narrow bus": {MaxBytes: 10_000}} {
		t.Run(name, func(t *testing.T) {
			rdb, s := redistest.Open(t), &shop{}
			reader := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBusWith(t, rdb, cfg)))
			writer := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBusWith(t, rdb, cfg)))
			keys := make([]string, 400)
			for i := range keys {
				keys[i] = fmt.Sprintf("%s%03d", strings.Repeat("<", 509), i)
				s.set(keys[i], "old")
			}
			want(t, reader, keys[0], s.load(keys[0]), "old")
			if err := writer.Invalidate(t.Context(), keys...); err != nil {
				t.Fatal(err)
			}
			redistest.Eventually(t, "every key is heard of", func() bool { return reader.Stats().Heard == int64(len(keys)) })
		})
	}
}
