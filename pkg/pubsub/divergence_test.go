package pubsub_test

import (
	"context"
	"maps"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// source is the truth that the messages are about.
type source struct {
	mu     sync.Mutex
	values map[string]int64
}

func (s *source) change(key string, version int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = version
}

func (s *source) all() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.values)
}

// mirror follows the source by messages, and by its whole content at a resync.
type mirror struct {
	mu     sync.Mutex
	values map[string]int64
}

func (m *mirror) follow(t *testing.T, rdb *redisclient.Client, of *source) {
	t.Helper()
	bus, in := newBus(t, rdb), &inbox{}
	sub := bus.Subscribe("value", pubsub.Handler{
		Message: func(msg pubsub.Message) { m.mu.Lock(); m.values[msg.Key] = msg.Version; m.mu.Unlock() },
		Resync:  func() { all := of.all(); m.mu.Lock(); m.values = all; m.mu.Unlock() },
	})
	t.Cleanup(sub.Close)
	run(t, bus, in)
}

func (m *mirror) equals(of *source) func() bool {
	return func() bool {
		want := of.all()
		m.mu.Lock()
		defer m.mu.Unlock()
		return maps.Equal(m.values, want)
	}
}

// writer changes the source and tells of it, again while that fails, until
// stop is called.
func (s *source) write(t *testing.T, rdb *redisclient.Client) (stop func() int64) {
	t.Helper()
	bus, version := newBus(t, rdb), int64(0)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			version++
			key := strconv.FormatInt(version%50, 10)
			s.change(key, version)
			for bus.Publish(t.Context(), pubsub.Message{Topic: "value", Key: key, Version: version}) != nil && t.Context().Err() == nil {
				time.Sleep(time.Millisecond) // Redis is away
			}
		}
	})
	return func() int64 { cancel(); wg.Wait(); return version }
}

// newest is the highest version seen.
func (m *mirror) newest() (version int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.values {
		version = max(version, v)
	}
	return version
}

// Whatever becomes of Redis and the connections, every mirror ends equal to
// the source. SOUK_TEST_KILLS sets how often the connections are killed.
func TestNoDivergence(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("SOUK_TEST_KILLS"))
	if err != nil {
		kills = 5
	}
	first, second := redistest.Open(t), redistest.Open(t)
	way := newDetour(t, address(first))
	hole := redistest.NewProxy(t, way.addr())
	of := &source{values: make(map[string]int64)}
	mirrors := []*mirror{{}, {}, {}}
	for _, m := range mirrors {
		m.follow(t, redistest.DialHasty(t, hole.Addr()), of)
	}
	stop := of.write(t, redistest.Dial(t, way.addr()))
	goOn := func(what string) {
		t.Helper()
		at := (&mirror{values: of.all()}).newest()
		for _, m := range mirrors {
			redistest.Eventually(t, what+": the mirrors go on", func() bool { return m.newest() > at+10 })
		}
	}
	goOn("before")
	for range kills {
		if first.Write().Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err() != nil {
			hole.Cut() // a miniredis kills no clients
		}
		goOn("a kill")
	}
	hole.DropReplies.Store(true)
	at := (&mirror{values: of.all()}).newest()
	redistest.Eventually(t, "much is missed", func() bool { return (&mirror{values: of.all()}).newest() > at+1000 })
	hole.DropReplies.Store(false)
	goOn("a black hole")
	way.lead(address(second))
	goOn("a failover to an empty Redis")
	way.lead(address(first))
	goOn("a Redis with an older memory")
	written := stop()
	for _, m := range mirrors {
		redistest.Eventually(t, "the mirrors equal the source", m.equals(of))
	}
	t.Logf("%d changes, %d kills, 0 of %d mirrors diverged", written, kills, len(mirrors))
}

// One writes on while Redis is replaced by an empty one and by one with an
// older memory: what it wrote last is in force everywhere.
func TestStateOutlivesFailovers(t *testing.T) {
	first, second := redistest.Open(t), redistest.Open(t)
	way := newDetour(t, address(first))
	writer := startNode(t, redistest.Dial(t, way.addr()), quick)
	readers := []*node{startNode(t, redistest.Dial(t, way.addr()), quick), startNode(t, redistest.Dial(t, way.addr()), quick)}
	written := 0
	write := func() {
		written++
		redistest.Eventually(t, "a value is set", func() bool {
			return writer.Set(t.Context(), flags{strconv.Itoa(written): true}) == nil
		})
	}
	for _, to := range []*redisclient.Client{second, first, second, first} {
		for range 20 {
			write()
		}
		way.lead(address(to))
		for _, n := range append(readers, writer) {
			redistest.Eventually(t, "the last value is in force", n.holds(flags{strconv.Itoa(written): true}))
		}
		redistest.Eventually(t, "Redis has it", func() bool {
			return to.Read().HGet(t.Context(), flagsKey, "data").Val() == `{"`+strconv.Itoa(written)+`":true}`
		})
	}
}
