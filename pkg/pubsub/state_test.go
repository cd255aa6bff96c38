package pubsub_test

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

type (
	flags = map[string]bool
	// node is what one process has.
	node struct {
		*pubsub.State[flags]
		reg  *prometheus.Registry
		stop func()
	}
)

const flagsKey = "souk:state:flags"

func startNode(t testing.TB, rdb *redisclient.Client, cfg pubsub.StateConfig[flags]) *node {
	t.Helper()
	n := &node{reg: prometheus.NewRegistry()}
	bus, err := pubsub.New(rdb, pubsub.Config{Idle: 50 * time.Millisecond}, pubsub.WithMetrics(n.reg))
	if err != nil {
		t.Fatal(err)
	}
	if n.State, err = pubsub.NewState(bus, "flags", cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = bus.Run(ctx) })
	wg.Go(func() { _ = n.Run(ctx) })
	n.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(n.stop)
	return n
}

func (n *node) holds(want flags) func() bool {
	return func() bool {
		got, ok := n.Get()
		return ok && maps.Equal(got, want)
	}
}

func (n *node) set(t testing.TB, value flags) {
	t.Helper()
	if err := n.Set(t.Context(), value); err != nil {
		t.Fatal(err)
	}
}

var quick = pubsub.StateConfig[flags]{Check: 50 * time.Millisecond}

func TestAChangeIsInForceEverywhere(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a, b := startNode(t, rdb, pubsub.StateConfig[flags]{Check: time.Hour}), startNode(t, rdb, pubsub.StateConfig[flags]{Check: time.Hour})
	if _, ok := a.Get(); ok {
		t.Error("a value is known before anybody has set one")
	}
	for _, want := range []flags{{"a": true}, {"a": false}, {}} {
		a.set(t, want)
		if !a.holds(want)() {
			t.Error("the writer does not read what it wrote")
		}
		redistest.Eventually(t, "the other node has it", b.holds(want))
	}
	late := startNode(t, rdb, quick)
	redistest.Eventually(t, "a late node has it", late.holds(flags{}))
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	nodes := []*node{startNode(t, rdb, quick), startNode(t, rdb, quick), startNode(t, rdb, quick), startNode(t, rdb, quick)}
	var wg sync.WaitGroup
	for n := range nodes {
		wg.Go(func() {
			for i := range 25 {
				err := nodes[n].Update(t.Context(), func(f flags) (flags, error) {
					if f == nil {
						f = flags{}
					}
					f[strconv.Itoa(n)+"/"+strconv.Itoa(i)] = true
					return f, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		redistest.Eventually(t, "every node has every change", func() bool { got, _ := n.Get(); return len(got) == 100 })
	}
}

func TestTheLastGoodValueOutlivesRedis(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	a := startNode(t, redistest.Dial(t, mini.Addr()), quick)
	a.set(t, flags{"a": true})
	mini.Close()
	if err := a.Set(t.Context(), flags{}); err == nil {
		t.Error("a value was set without Redis")
	}
	redistest.Eventually(t, "Redis is missed", func() bool { return counter(t, a.reg, "souk_pubsub_state_failures_total") > 2 })
	if !a.holds(flags{"a": true})() {
		t.Error("the value is gone")
	}
}

func TestAnEmptyRedisGetsTheValueBack(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a, b := startNode(t, rdb, quick), startNode(t, rdb, quick)
	a.set(t, flags{"a": true})
	redistest.Eventually(t, "both have it", b.holds(flags{"a": true}))
	rdb.Write().FlushAll(t.Context())
	cold := startNode(t, rdb, quick)
	redistest.Eventually(t, "a node that never saw it has it", cold.holds(flags{"a": true}))
	if !a.holds(flags{"a": true})() || !b.holds(flags{"a": true})() {
		t.Error("the wipe emptied a node")
	}
}

func TestAnUpdateOfAnEmptyRedisBeginsFromWhatIsKnown(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a := startNode(t, rdb, quick)
	a.set(t, flags{"a": true})
	a.stop()
	rdb.Write().FlushAll(t.Context())
	err := a.Update(t.Context(), func(f flags) (flags, error) { f["b"] = true; return f, nil })
	if err != nil || !a.holds(flags{"a": true, "b": true})() {
		got, _ := a.Get()
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheNewestOutlivesARedisWithAnOlderMemory(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a, b := startNode(t, rdb, quick), startNode(t, rdb, quick)
	a.set(t, flags{"old": true})
	older := rdb.Read().HGetAll(t.Context(), flagsKey).Val()
	a.set(t, flags{"new": true})
	redistest.Eventually(t, "both have it", b.holds(flags{"new": true}))
	rdb.Write().HSet(t.Context(), flagsKey, older)
	redistest.Eventually(t, "Redis gets the newest back", func() bool {
		return strings.Contains(rdb.Read().HGet(t.Context(), flagsKey, "data").Val(), "new")
	})
	if !b.holds(flags{"new": true})() {
		t.Error("a node went back in time")
	}
}

// Whoever writes to an empty Redis has not seen the value; it is still newer.
func TestAWriteToAnEmptyRedisIsNewerThanWhatWasLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a := startNode(t, rdb, pubsub.StateConfig[flags]{Check: time.Hour})
	a.set(t, flags{})
	a.set(t, flags{"a": true})
	a.stop() // it will not give the value back before the write
	rdb.Write().FlushAll(t.Context())
	b := startNode(t, rdb, quick)
	b.set(t, flags{"b": true})
	c := startNode(t, rdb, quick)
	redistest.Eventually(t, "the write is in force", c.holds(flags{"b": true}))
	if err := a.Update(t.Context(), func(f flags) (flags, error) { f["a2"] = true; return f, nil }); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "and what followed it", c.holds(flags{"b": true, "a2": true}))
}

func TestAnUnreadableValueIsNotAdopted(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a := startNode(t, rdb, quick)
	a.set(t, flags{"a": true})
	rdb.Write().HSet(t.Context(), flagsKey, "version", "9000000000000000", "data", "{")
	redistest.Eventually(t, "it is noticed", func() bool { return counter(t, a.reg, "souk_pubsub_state_failures_total") > 1 })
	if !a.holds(flags{"a": true})() {
		t.Error("the value is gone")
	}
	a.set(t, flags{"b": true}) // replaces it
	redistest.Eventually(t, "a good value follows", startNode(t, rdb, quick).holds(flags{"b": true}))
}

func TestChangesWithoutABroadcastAreFound(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	a, b := startNode(t, rdb, quick), startNode(t, rdb, quick)
	a.set(t, flags{"a": true})
	redistest.Eventually(t, "both have it", b.holds(flags{"a": true}))
	rdb.Write().HSet(t.Context(), flagsKey, "version", "9000000000000000", "data", "{}")
	redistest.Eventually(t, "a silent change is found", b.holds(flags{}))
}

func TestOnChangeHearsOfEachNewValue(t *testing.T) {
	t.Parallel()
	rdb, heard := redistest.Open(t), make(chan int, 10)
	a := startNode(t, rdb, quick)
	startNode(t, rdb, pubsub.StateConfig[flags]{Check: quick.Check, OnChange: func(f flags) { heard <- len(f) }})
	for n := range 3 {
		value := flags{}
		for i := range n {
			value[strconv.Itoa(i)] = true
		}
		a.set(t, value)
		if got := <-heard; got != n {
			t.Errorf("heard of %d flags, want %d", got, n)
		}
	}
}

func TestStateRefusesBadInput(t *testing.T) {
	t.Parallel()
	bus := newBus(t, redistest.Dial(t, "127.0.0.1:1")) // not asked
	for name, cfg := range map[string]pubsub.StateConfig[flags]{
		"": {}, strings.Repeat("x", 257): {}, "negative check": {Check: -1}, "hectic": {Check: time.Millisecond - 1}, "negative bound": {MaxBytes: -1},
	} {
		if _, err := pubsub.NewState(bus, name, cfg); !errors.Is(err, pubsub.ErrConfig) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := pubsub.NewState(nil, "flags", quick); !errors.Is(err, pubsub.ErrConfig) {
		t.Errorf("no bus: %v", err)
	}
	s, err := pubsub.NewState(bus, "s", pubsub.StateConfig[string]{MaxBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "more than ten"); !errors.Is(err, pubsub.ErrTooLarge) {
		t.Errorf("an oversize value: %v", err)
	}
	if err := s.Update(t.Context(), nil); !errors.Is(err, pubsub.ErrConfig) {
		t.Errorf("no change: %v", err)
	}
	refused := errors.New("refused")
	a := startNode(t, redistest.Open(t), quick)
	if err := a.Update(t.Context(), func(flags) (flags, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("a refused change: %v", err)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	a := startNode(t, redistest.Open(t), quick)
	a.set(t, flags{"a": true})
	if n := testing.AllocsPerRun(100, func() { _, _ = a.Get() }); n >= 1 {
		t.Errorf("Get allocates %v times", n)
	}
}

// A hundred nodes take over a change; the log tells how long it took them.
func TestManyNodesTakeOverAChange(t *testing.T) {
	rdb := redistest.Open(t)
	nodes := make([]*node, 100)
	for i := range nodes {
		nodes[i] = startNode(t, rdb, pubsub.StateConfig[flags]{})
	}
	for _, want := range []flags{{"first": true}, {"second": true}} {
		begin := time.Now()
		nodes[0].set(t, want)
		for _, n := range nodes {
			redistest.Eventually(t, "a node has it", n.holds(want))
		}
		t.Logf("in force on %d nodes after %v", len(nodes), time.Since(begin))
	}
}
