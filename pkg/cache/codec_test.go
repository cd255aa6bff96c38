package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"souk.example/pkg/cache"
	"souk.example/pkg/cache/msgpack"
	"souk.example/pkg/cache/protobuf"
	"souk.example/pkg/redisclient/redistest"
)

func TestCodecsGiveBackWhatTheyWereGiven(t *testing.T) {
	t.Parallel()
	fruit := product{"apple"}
	roundTrip(t, "json", cache.JSON[product]{}, fruit, func(p product) bool { return p == fruit })
	roundTrip(t, "msgpack", msgpack.Codec[product]{}, fruit, func(p product) bool { return p == fruit })
	roundTrip(t, "raw", cache.Raw{}, []byte("apple"), func(b []byte) bool { return string(b) == "apple" })
	roundTrip(t, "protobuf", protobuf.Codec[wrapperspb.StringValue, *wrapperspb.StringValue]{},
		wrapperspb.String("apple"), func(m *wrapperspb.StringValue) bool { return m.GetValue() == "apple" })
}

// roundTrip reads in one cache, through Redis, what was set in another.
func roundTrip[T any](t *testing.T, name string, codec cache.Codec[T], value T, same func(T) bool) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		rdb := redistest.Open(t)
		var caches [2]*cache.Cache[T]
		for i := range caches {
			var err error
			if caches[i], err = cache.New("codec", rdb, cache.Config{}, cache.WithCodec(codec)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(caches[i].Close)
		}
		if err := caches[0].Set(t.Context(), "a", value); err != nil {
			t.Fatal(err)
		}
		got, found, err := caches[1].Get(t.Context(), "a", func(context.Context) (v T, _ bool, err error) {
			return v, false, errors.New("loaded")
		})
		if err != nil || !found || !same(got) {
			t.Errorf("got %v, %v, %v", got, found, err)
		}
		if _, err := codec.Decode([]byte{0xc1}); err == nil && name != "raw" {
			t.Error("rubbish was decoded")
		}
	})
}

func TestLargeValuesAreCompressed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("apple ", 10_000)
	for name, tt := range map[string]struct {
		compress int
		smaller  bool
	}{"by default": {0, true}, "from a size it has not": {100_000, false}, "never": {-1, false}} {
		t.Run(name, func(t *testing.T) {
			rdb, s := redistest.Open(t), &shop{}
			cfg := cache.Config{Compress: tt.compress}
			if err := newCache(t, rdb, cfg).Set(t.Context(), "a", product{long}); err != nil {
				t.Fatal(err)
			}
			size := rdb.Read().StrLen(t.Context(), "souk:cache:product:a").Val()
			if (size < int64(len(long))/10) != tt.smaller {
				t.Errorf("%d bytes in Redis for %d", size, len(long))
			}
			want(t, newCache(t, rdb, cache.Config{}), "a", s.load("a"), long) // whatever the reader's setting
		})
	}
}

func TestOversizeValuesAreRefused(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	c := newCache(t, rdb, cache.Config{MaxValue: 100})
	s.set("a", "small")
	want(t, c, "a", s.load("a"), "small")
	s.set("a", strings.Repeat("x", 100))
	err := c.Set(t.Context(), "a", product{strings.Repeat("x", 100)})
	oversize, ok := errors.AsType[*cache.OversizeError](err)
	if !ok || oversize.Key != "a" || oversize.Max != 100 || oversize.Size <= 100 {
		t.Errorf("Set: %v", err)
	}
	if _, _, err := c.Get(t.Context(), "a", s.load("a")); !errors.As(err, &oversize) {
		t.Errorf("Get: %v, and not the small value that the source no longer has", err)
	}
	s.set("a", "pear")
	want(t, c, "a", s.load("a"), "pear") // and nobody has to wait for a lease
}
