package cache_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

// index lists keys, can be broken, and can be held up in the middle of a scan.
type index struct {
	mu    sync.Mutex
	keys  []string
	err   error
	scans int
	hold  chan struct{} // after the first key, when not nil
	held  chan struct{}
}

func (x *index) scan(context.Context) iter.Seq2[string, error] {
	x.mu.Lock()
	keys, err, hold, held := x.keys, x.err, x.hold, x.held
	x.scans++
	x.mu.Unlock()
	return func(yield func(string, error) bool) {
		for i, key := range keys {
			if !yield(key, nil) {
				return
			}
			if i == 0 && hold != nil {
				held <- struct{}{}
				<-hold
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

func (x *index) change(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f()
}

func newFilter(t *testing.T, x *index, cfg cache.FilterConfig) *cache.Filter {
	t.Helper()
	f, err := cache.NewFilter(x.scan, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return f
}

func denies(t *testing.T, f *cache.Filter, key string) {
	t.Helper()
	redistest.Eventually(t, "the filter denies "+key, func() bool { return !f.MayExist(key) })
}

func TestUnknownKeysCostNothing(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	f := newFilter(t, &index{keys: []string{"a"}}, cache.FilterConfig{Keys: 1000})
	c := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](f))
	s.set("a", "apple")
	denies(t, f, "none")
	if _, found, err := c.Get(t.Context(), "none", s.load("none")); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	wantMany(t, c, []string{"none", "no more"}, s.many(nil), map[string]string{})
	if st := c.Stats(); st.Rejected != 3 || st.Misses+st.Loads+st.L2Hits > 0 {
		t.Errorf("%+v", st)
	}
	want(t, c, "a", s.load("a"), "apple")
}

func TestFiltersHearOfNewKeys(t *testing.T) {
	t.Parallel()
	rdb, s := redistest.Open(t), &shop{}
	x := &index{keys: []string{"a"}}
	f := newFilter(t, x, cache.FilterConfig{Keys: 1000})
	reader := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](f))
	own := newFilter(t, x, cache.FilterConfig{Keys: 1000})
	writer := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](own))
	for key, tell := range map[string]func(key string) error{
		"announced":   func(key string) error { return writer.Announce(t.Context(), key) },
		"invalidated": func(key string) error { return writer.Invalidate(t.Context(), key) },
		"set":         func(key string) error { return writer.Set(t.Context(), key, product{key}) },
	} {
		denies(t, f, key)
		denies(t, own, key)
		if err := tell(key); err != nil {
			t.Fatal(err)
		}
		if !own.MayExist(key) {
			t.Errorf("the writer's own filter denies what it has %s", key)
		}
		s.set(key, key)
		redistest.Eventually(t, "others may see what was "+key, func() bool { return f.MayExist(key) })
		want(t, reader, key, s.load(key), key)
	}
}

// A closed cache hears of no new keys, so its filter denies none.
func TestClosedCacheDeniesNothing(t *testing.T) {
	t.Parallel()
	rdb, s, f := redistest.Open(t), &shop{}, newFilter(t, &index{keys: []string{"a"}}, cache.FilterConfig{Keys: 1000})
	c := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](f))
	denies(t, f, "stored")
	denies(t, f, "new")
	c.Close()
	s.set("stored", "apple")
	want(t, newCache(t, rdb, cache.Config{}), "stored", s.load("stored"), "apple")
	want(t, c, "stored", s.load("stored"), "apple")
	if _, _, err := c.Get(t.Context(), "new", s.load("new")); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Get: %v, want ErrClosed", err)
	}
}

// Whoever creates keys need not have a filter himself.
func TestFiltersHearOfWhatIsAnnouncedWithoutOne(t *testing.T) {
	t.Parallel()
	rdb, f := redistest.Open(t), newFilter(t, &index{keys: []string{"a"}}, cache.FilterConfig{Keys: 1000})
	newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](f))
	writer := newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)))
	denies(t, f, "new")
	if err := writer.Announce(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the filter lets it pass", func() bool { return f.MayExist("new") })
}

func TestFilterLetsEverythingPassWhileItDoesNotKnow(t *testing.T) {
	t.Parallel()
	x := &index{keys: []string{"a"}, err: errors.New("broken")}
	f := newFilter(t, x, cache.FilterConfig{Keys: 1000, Rebuild: 20 * time.Millisecond, MaxAge: 200 * time.Millisecond})
	if !f.MayExist("none") {
		t.Error("denied before it was built")
	}
	f.Doubt() // as the bus does when it connects
	redistest.Eventually(t, "the scan is repeated", func() bool { x.mu.Lock(); defer x.mu.Unlock(); return x.scans > 1 })
	if !f.MayExist("none") {
		t.Error("denied after a scan that failed")
	}
	x.change(func() { x.err = nil })
	denies(t, f, "none")
	x.change(func() { x.err = errors.New("broken again") })
	redistest.Eventually(t, "an overdue filter opens", func() bool { return f.MayExist("none") })
	x.change(func() { x.err = nil })
	denies(t, f, "none")
	f.Doubt()
	denies(t, f, "none") // it was built again
}

func TestMissedBroadcastsOpenTheFilter(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	proxy := redistest.NewProxy(t, mini.Addr())
	rdb := redistest.DialHasty(t, proxy.Addr())
	x := &index{keys: []string{"a"}}
	f := newFilter(t, x, cache.FilterConfig{Keys: 1000})
	newCache(t, rdb, cache.Config{}, cache.WithBus[product](runBus(t, rdb)), cache.WithFilter[product](f))
	denies(t, f, "b")
	x.change(func() { x.keys = []string{"a", "b"} })
	mini.FlushAll() // the bus' memory, too
	proxy.Cut()
	redistest.Eventually(t, "the filter knows b", func() bool { return f.MayExist("b") })
}

// holdUp makes the next scan stop after its first key; it returns when the
// scan is there.
func (x *index) holdUp(again func()) (goOn func()) {
	hold := make(chan struct{})
	x.change(func() { x.hold, x.held = hold, make(chan struct{}) })
	again()
	<-x.held
	return func() { close(hold) }
}

// A key that is added while the filter is built, or shortly before and
// committed after the scan has passed its place, is in the new one.
func TestKeysAddedDuringABuildAreNotLost(t *testing.T) {
	t.Parallel()
	x := &index{keys: []string{"a", "b"}}
	f := newFilter(t, x, cache.FilterConfig{Keys: 1000})
	f.Doubt()
	denies(t, f, "none")
	f.Add("before")
	goOn := x.holdUp(f.Doubt)
	if !f.MayExist("none") {
		t.Error("denied in doubt")
	}
	f.Add("during")
	x.change(func() { x.hold = nil })
	goOn()
	denies(t, f, "none")
	for _, key := range []string{"a", "b", "before", "during"} {
		if !f.MayExist(key) {
			t.Errorf("%s is denied", key)
		}
	}
}

func TestDoubtDuringABuildDiscardsIt(t *testing.T) {
	t.Parallel()
	x := &index{keys: []string{"a"}}
	f := newFilter(t, x, cache.FilterConfig{Keys: 1000})
	first := x.holdUp(f.Doubt)
	second := x.holdUp(func() { f.Doubt(); first() })
	if !f.MayExist("none") {
		t.Error("a build that had missed something is in use")
	}
	second()
	denies(t, f, "none")
}

func TestFalsePositiveRate(t *testing.T) {
	t.Parallel()
	x := &index{}
	for i := range 20_000 {
		x.keys = append(x.keys, strconv.Itoa(i))
	}
	f := newFilter(t, x, cache.FilterConfig{Keys: 20_000})
	f.Doubt()
	denies(t, f, "none")
	passed := 0
	for i := range 100_000 {
		if f.MayExist("x" + strconv.Itoa(i)) {
			passed++
		}
	}
	if passed > 1500 {
		t.Errorf("%d of 100,000 passed, want about 1%%", passed)
	}
}

func TestFilterRefusesWrongUse(t *testing.T) {
	t.Parallel()
	x := &index{}
	for name, tt := range map[string]struct {
		scan cache.Scan
		cfg  cache.FilterConfig
		want error
	}{
		"no scan":        {nil, cache.FilterConfig{}, cache.ErrNoLoader},
		"no rate":        {x.scan, cache.FilterConfig{FalsePositive: -1}, cache.ErrConfig},
		"certain":        {x.scan, cache.FilterConfig{FalsePositive: 1}, cache.ErrConfig},
		"negative time":  {x.scan, cache.FilterConfig{Rebuild: -1}, cache.ErrTTL},
		"always overdue": {x.scan, cache.FilterConfig{MaxAge: time.Second}, cache.ErrConfig},
	} {
		if _, err := cache.NewFilter(tt.scan, tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := cache.NewFilter(x.scan, cache.FilterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cache.New("x", down(t), cache.Config{}, cache.WithFilter[product](f)); !errors.Is(err, cache.ErrNoBus) {
		t.Errorf("without a bus: %v", err)
	}
}
