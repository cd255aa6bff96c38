package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/registry"
)

func TestMain(m *testing.M) {
	if beChild() {
		return
	}
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// node is one process of a service.
type node struct{ *registry.Registry }

// quick notices within tenths of a second; heard only reacts to broadcasts, and
// gives a beat, whose broadcast is not repeated, time on a crowded machine.
var (
	quick = registry.Config{Beat: 20 * time.Millisecond, TTL: 250 * time.Millisecond, Look: 50 * time.Millisecond}
	heard = registry.Config{Beat: time.Second, TTL: time.Hour, Look: time.Hour}
)

func newNode(t testing.TB, rdb *redisclient.Client, cfg registry.Config) node {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	start(t, bus.Run)
	r, err := registry.New(rdb, bus, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return node{r}
}

// start runs something until the test ends or stop is called, which returns
// what it returned.
func start(t testing.TB, run func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func instance(id string) registry.Instance {
	return registry.Instance{ID: id, URL: "http://127.0.0.1:8080", Weight: 2, Labels: map[string]string{"zone": "a"}}
}

// announce keeps an instance of "shop" in the registry until stop.
func (n node) announce(t testing.TB, id string) (stop func() error) {
	t.Helper()
	a, err := n.Announcer("shop", instance(id))
	if err != nil {
		t.Fatal(err)
	}
	return start(t, a.Run)
}

func (n node) watch(t testing.TB) *registry.Watcher {
	t.Helper()
	w, err := n.Watch("shop")
	if err != nil {
		t.Fatal(err)
	}
	start(t, w.Run)
	<-w.Ready()
	return w
}

func ids(l *registry.List) (all []string) {
	for _, i := range l.Instances {
		all = append(all, i.ID)
	}
	return all
}

func awaitIDs(t testing.TB, w *registry.Watcher, want ...string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the list is %v, want %v", ids(w.List()), want)
		}
	}()
	redistest.Eventually(t, "the list is as it should be", func() bool { return slices.Equal(ids(w.List()), want) })
}

// Who comes and goes is known by broadcast, on every node, and the version
// stands still while nobody does.
func TestMembership(t *testing.T) { membership(t, redistest.Open(t)) }

func TestMembershipInACluster(t *testing.T) { membership(t, redistest.Cluster(t)) }

func membership(t *testing.T, rdb *redisclient.Client) {
	one, two := newNode(t, rdb, heard), newNode(t, rdb, heard)
	w := two.watch(t)
	one.announce(t, "a")
	leave := two.announce(t, "b")
	awaitIDs(t, w, "a", "b")
	if got := w.List().Instances[0]; got.URL != instance("a").URL || got.Weight != 2 || got.Labels["zone"] != "a" {
		t.Errorf("listed as %+v", got)
	}
	before := w.List()
	ends := rdb.Read().ZScore(t.Context(), "souk:registry:{shop}:ends", "a").Val()
	redistest.Eventually(t, "beats go on", func() bool {
		return rdb.Read().ZScore(t.Context(), "souk:registry:{shop}:ends", "a").Val() > ends+100
	})
	if w.List() != before {
		t.Errorf("beats changed the list from %+v to %+v", before, w.List())
	}
	if err := leave(); err != nil {
		t.Fatal(err)
	}
	awaitIDs(t, w, "a")
	if w.List().Version <= before.Version {
		t.Errorf("version %d after %d", w.List().Version, before.Version)
	}
}

// A beat that comes after the farewell, from a connection that was slow say,
// does not bring the instance back.
func TestNoResurrection(t *testing.T) {
	n := newNode(t, redistest.Open(t), quick)
	w := n.watch(t)
	leave := n.announce(t, "a")
	awaitIDs(t, w, "a")
	if err := leave(); err != nil {
		t.Fatal(err)
	}
	again, err := n.Announcer("shop", instance("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Run(t.Context()); !errors.Is(err, registry.ErrDeregistered) {
		t.Errorf("a late beat: %v", err)
	}
	awaitIDs(t, w)
}

// A wiped Redis empties no list, and forgets nobody who lives.
func TestWipedRedis(t *testing.T) {
	rdb := redistest.Open(t)
	n := newNode(t, rdb, registry.Config{Beat: 20 * time.Millisecond, TTL: 10 * time.Second, Look: 50 * time.Millisecond})
	w := n.watch(t)
	n.announce(t, "a")
	n.announce(t, "b")
	gone := n.announce(t, "c")
	awaitIDs(t, w, "a", "b", "c")
	stop := start(t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			if got := ids(w.List()); !slices.Contains(got, "a") || !slices.Contains(got, "b") {
				return errors.New("somebody who lives was missing")
			}
		}
		return nil
	})
	for range 5 {
		if err := rdb.Write().FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "a is back", func() bool {
			return rdb.Read().ZScore(t.Context(), "souk:registry:{shop}:ends", "a").Err() == nil
		})
	}
	if err := gone(); err != nil {
		t.Fatal(err)
	}
	awaitIDs(t, w, "a", "b")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// While Redis is away the last good list stands; back and empty, it still does.
func TestRedisAway(t *testing.T) {
	mini := redistest.Mini(t)
	n := newNode(t, redistest.Dial(t, mini.Addr()), quick)
	w := n.watch(t)
	n.announce(t, "a")
	awaitIDs(t, w, "a")
	before := w.List().Version
	mini.Close()
	mini.FlushAll()
	if err := n.beats(t); err == nil {
		t.Error("a beat reached a Redis that is away")
	}
	awaitIDs(t, w, "a")
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "it is heard of again", func() bool { return w.List().Version > before })
	awaitIDs(t, w, "a")
}

// A Redis that was away for longer than a TTL and kept its memory lists
// everybody as dead: nobody could say that it lives.
func TestRedisAwayForLongKeepsItsMemory(t *testing.T) {
	mini := redistest.Mini(t)
	n := newNode(t, redistest.Dial(t, mini.Addr()), quick)
	w := n.watch(t)
	n.announce(t, "a")
	n.announce(t, "b")
	awaitIDs(t, w, "a", "b")
	stop := start(t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			if got := ids(w.List()); len(got) != 2 {
				return fmt.Errorf("the list was %v", got)
			}
		}
		return nil
	})
	before := w.List().Version
	for range 2 {
		mini.Close()
		gone := time.Now()
		redistest.Eventually(t, "a TTL has passed", func() bool { return time.Since(gone) > quick.TTL })
		if err := mini.Restart(); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "they are heard of again", func() bool { return w.List().Version > before })
		before = w.List().Version
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// beats reports whether a beat goes through.
func (n node) beats(t testing.TB) error {
	t.Helper()
	a, err := n.Announcer("another", instance("x"))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	return a.Run(ended) // only leaves
}

func TestMetrics(t *testing.T) {
	rdb, reg := redistest.Open(t), prometheus.NewRegistry()
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.New(rdb, bus, quick, registry.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	n := node{r}
	n.announce(t, "a")
	awaitIDs(t, n.watch(t), "a")
	for _, name := range []string{"souk_registry_beats_total", "souk_registry_looks_total", "souk_registry_instances"} {
		redistest.Eventually(t, name+" is there", func() bool {
			found, err := testutil.GatherAndCount(reg, name)
			return found >= 1 && err == nil
		})
	}
	if _, err := registry.New(rdb, bus, quick, registry.WithMetrics(reg)); err == nil {
		t.Error("metrics are registered twice")
	}
}

func TestBadInput(t *testing.T) {
	rdb := redistest.Open(t)
	n := newNode(t, rdb, registry.Config{})
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []registry.Instance{
		{}, {ID: "a"}, {ID: "a", URL: "host:80"}, {ID: "a", URL: "ftp://host"}, {ID: "a", URL: "http://"}, {ID: "a", URL: "http://host", Weight: -1},
		{ID: "a", URL: "http://:80"}, {ID: "a", URL: "http://host:0"}, {ID: "a", URL: "http://host:65536"},
		{ID: "a", URL: "http://host/path"}, {ID: "a", URL: "http://host?query"}, {ID: "a", URL: "http://host#part"},
		{ID: "a", URL: "http://user@host"}, {ID: "\xff", URL: "http://host"},
	} {
		if _, err := n.Announcer("shop", bad); !errors.Is(err, registry.ErrInstance) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, good := range []string{"https://host", "http://host:65535/", "http://[::1]:80"} {
		if _, err := n.Announcer("shop", registry.Instance{ID: "a", URL: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "}", "{", "or{der}s", "\xff", strings.Repeat("x", 129)} {
		if _, err := n.Announcer(bad, instance("a")); !errors.Is(err, registry.ErrService) {
			t.Errorf("announce %q: %v", bad, err)
		}
		if _, err := n.Watch(bad); !errors.Is(err, registry.ErrService) {
			t.Errorf("watch %q: %v", bad, err)
		}
	}
	for _, cfg := range []registry.Config{{Beat: -1}, {TTL: time.Second}, {Look: -time.Second}, {Beat: time.Second, TTL: time.Second + time.Millisecond}} {
		if _, err := registry.New(rdb, bus, cfg); !errors.Is(err, registry.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if _, err := registry.New(nil, bus, quick); !errors.Is(err, registry.ErrConfig) {
		t.Errorf("no client: %v", err)
	}
	if _, err := registry.New(rdb, nil, quick); !errors.Is(err, registry.ErrConfig) {
		t.Errorf("no bus: %v", err)
	}
}
