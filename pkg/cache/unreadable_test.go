package cache_test

import (
	"context"
	"sync"
	"testing"

	"souk.example/pkg/cache"
	"souk.example/pkg/cache/msgpack"
	"souk.example/pkg/redisclient/redistest"
)

const held = "souk:cache:product:a"

// Whatever stands in our key, it must not end the process or be taken for an
// answer. One reader loads the key, and the others find what he brought.
func TestUnreadableEntryIsFilledAnew(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil   func(entry string) string
		counted int64
	}{
		"empty":          {func(string) string { return "" }, 0}, // counts as absent
		"garbage":        {func(string) string { return "?!" }, 1},
		"later version":  {func(entry string) string { return "\x80" + entry[1:] }, 1},
		"like a lease":   {func(entry string) string { return "\x04" + entry[1:] }, 1},
		"broken value":   {func(entry string) string { return entry[:len(entry)-1] }, 1},
		"broken packing": {func(entry string) string { return "\x09" + entry[1:] }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			rdb, s := redistest.Open(t), &shop{}
			s.set("a", "apple")
			if err := newCache(t, rdb, cache.Config{}).Set(t.Context(), "a", product{"apple"}); err != nil {
				t.Fatal(err)
			}
			spoil(t, rdb, tt.spoil(rdb.Read().Get(t.Context(), held).Val()))
			wantFilledAnew(t, newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{}), s, tt.counted)
		})
	}
}

func TestEntryOfAnotherCodecIsFilledAnew(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "apple")
	packed := newCache(t, rdb, cache.Config{}, cache.WithCodec[product](msgpack.Codec[product]{}))
	if err := packed.Set(t.Context(), "a", product{"apple"}); err != nil {
		t.Fatal(err)
	}
	wantFilledAnew(t, newCache(t, rdb, cache.Config{}), newCache(t, rdb, cache.Config{}), s, 1)
}

// A codec may panic over bytes that are not its own.
func TestPanicInCodecIsAMiss(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	s.set("a", "apple")
	if err := newCache(t, rdb, cache.Config{}).Set(t.Context(), "a", product{"old"}); err != nil {
		t.Fatal(err)
	}
	want(t, newCache(t, rdb, cache.Config{}, cache.WithCodec[product](brittle{})), "a", s.load("a"), "apple")
}

type brittle struct{ cache.JSON[product] }

func (brittle) Decode([]byte) (product, error) { panic("not mine") }

// wantFilledAnew has readers of two caches want a together, whom one load serves.
func wantFilledAnew(t *testing.T, first, second *cache.Cache[product], s *shop, unreadable int64) {
	t.Helper()
	loading, begun := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() {
		defer begun()
		want(t, first, "a", func(ctx context.Context) (product, bool, error) {
			begun()
			return s.load("a")(ctx)
		}, "apple")
	})
	<-loading.Done()
	readers.Go(func() { want(t, second, "a", s.load("a"), "apple") })
	readers.Wait()
	if n := s.loads.Load(); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
	if n := first.Stats().Unreadable; n != unreadable {
		t.Errorf("%d counted as unreadable, want %d", n, unreadable)
	}
}
