package pubsub_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// inbox is a handler that remembers.
type inbox struct {
	mu      sync.Mutex
	keys    []string
	resyncs atomic.Int32
}

func (i *inbox) handler() pubsub.Handler {
	return pubsub.Handler{
		Message: func(m pubsub.Message) {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.keys = append(i.keys, m.Key)
		},
		Resync: func() { i.resyncs.Add(1) },
	}
}

func (i *inbox) has(keys ...string) func() bool {
	return func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		if len(i.keys) != len(keys) {
			return false
		}
		for n, key := range keys {
			if i.keys[n] != key {
				return false
			}
		}
		return true
	}
}

func (i *inbox) resynced(n int32) func() bool { return func() bool { return i.resyncs.Load() >= n } }

func newBus(t *testing.T, rdb *redisclient.Client) *pubsub.Bus {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{Service: "test", Idle: 50 * time.Millisecond, QueueMax: 100})
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

// run runs the bus until the test ends and subscribes in to "topic".
func run(t *testing.T, bus *pubsub.Bus, in *inbox) {
	t.Helper()
	sub := bus.Subscribe("topic", in.handler())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		sub.Close()
	})
	redistest.Eventually(t, "the first connection resyncs", in.resynced(1))
}

func publish(t *testing.T, bus *pubsub.Bus, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := bus.Publish(t.Context(), pubsub.Message{Topic: "topic", Key: key}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMessagesArriveInOrderAtTheirTopic(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	bus, in, other := newBus(t, rdb), &inbox{}, &inbox{}
	sub := bus.Subscribe("other topic", other.handler())
	t.Cleanup(sub.Close)
	run(t, bus, in)
	publish(t, newBus(t, rdb), "a", "b", "c")
	redistest.Eventually(t, "all messages arrive", in.has("a", "b", "c"))
	if !other.has()() || in.resyncs.Load() != 1 {
		t.Errorf("other topic got %v, %d resyncs", other.keys, in.resyncs.Load())
	}
}

func TestMessageCarriesItsOrigin(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	bus, got := newBus(t, rdb), make(chan pubsub.Message, 1)
	run(t, bus, &inbox{})
	sub := bus.Subscribe("x", pubsub.Handler{Message: func(m pubsub.Message) { got <- m }})
	defer sub.Close()
	if err := bus.Publish(t.Context(), pubsub.Message{Topic: "x", Key: "k", Version: 1 << 60, Status: "changed"}); err != nil {
		t.Fatal(err)
	}
	m := <-got
	if m.Schema != pubsub.Schema || m.Service != "test" || m.Key != "k" || m.Version != 1<<60 || m.Status != "changed" || m.Time.IsZero() {
		t.Errorf("got %+v", m)
	}
}

func TestUnknownSchemaIsRefused(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	bus, in := newBus(t, redistest.Dial(t, mini.Addr())), &inbox{}
	run(t, bus, in)
	mini.Publish("souk:broadcast", `e 1 [{"schema":2,"topic":"topic","key":"new"}]`)
	mini.Publish("souk:broadcast", `garbage`)
	mini.Publish("souk:broadcast", `e 2 [{"schema":1,"topic":"topic","key":"known"}]`)
	redistest.Eventually(t, "the known message arrives", in.has("known"))
}

func TestCutConnectionResyncs(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Mini(t).Addr())
	bus, in := newBus(t, redistest.Dial(t, proxy.Addr())), &inbox{}
	run(t, bus, in)
	proxy.Cut()
	redistest.Eventually(t, "the reconnect resyncs", in.resynced(2))
	redistest.Eventually(t, "messages flow again", func() bool {
		_ = bus.Publish(t.Context(), pubsub.Message{Topic: "topic", Key: "after"})
		in.mu.Lock()
		defer in.mu.Unlock()
		return len(in.keys) > 0
	})
}

func TestBlackHoleIsNoticed(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Mini(t).Addr())
	bus, in := newBus(t, redistest.Dial(t, proxy.Addr())), &inbox{}
	run(t, bus, in)
	proxy.DropReplies.Store(true)
	hole := time.Now()
	redistest.Eventually(t, "the silent connection is replaced", func() bool {
		if time.Since(hole) > 300*time.Millisecond {
			proxy.DropReplies.Store(false)
		}
		return in.resyncs.Load() >= 2
	})
}

func TestGapResyncs(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	bus, in := newBus(t, redistest.Dial(t, mini.Addr())), &inbox{}
	run(t, bus, in)
	publish(t, bus, "a")
	redistest.Eventually(t, "the first arrives", in.has("a"))
	mini.HIncrBy("{souk:broadcast}:state", "seq", 1) // a broadcast nobody heard
	publish(t, bus, "c")
	redistest.Eventually(t, "the gap resyncs", in.resynced(2))
	redistest.Eventually(t, "what came after the gap arrives", in.has("a", "c"))
}

func TestLostLastMessageResyncs(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	bus, in := newBus(t, redistest.Dial(t, mini.Addr())), &inbox{}
	run(t, bus, in)
	publish(t, bus, "a")
	redistest.Eventually(t, "the first arrives", in.has("a"))
	mini.HIncrBy("{souk:broadcast}:state", "seq", 1)
	redistest.Eventually(t, "the lost tail resyncs", in.resynced(2))
}

func TestWipedRedisResyncs(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	bus, in := newBus(t, redistest.Dial(t, mini.Addr())), &inbox{}
	run(t, bus, in)
	publish(t, bus, "a")
	redistest.Eventually(t, "the first arrives", in.has("a"))
	mini.FlushAll()
	publish(t, bus, "b") // sequence 1 again, of another epoch
	redistest.Eventually(t, "the new epoch resyncs", in.resynced(2))
}

func TestSlowHandlerDelaysNobodyAndOverflowsIntoOneResync(t *testing.T) {
	t.Parallel()
	bus, fast := newBus(t, redistest.Open(t)), &inbox{}
	run(t, bus, fast)
	gate, resyncs := make(chan struct{}), make(chan struct{}, 10)
	slow := bus.Subscribe("topic", pubsub.Handler{
		Message: func(pubsub.Message) { <-gate },
		Resync:  func() { resyncs <- struct{}{} },
	})
	defer slow.Close()
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	want := make([]string, 250)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	publish(t, bus, want...)
	redistest.Eventually(t, "the fast handler has all", fast.has(want...))
	open() // for those in hand; the others are gone
	<-resyncs
}

func TestPublishFailsAndRunGoesOnWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	bus, in := newBus(t, redistest.Dial(t, mini.Addr())), &inbox{}
	run(t, bus, in)
	mini.Close()
	if err := bus.Publish(t.Context(), pubsub.Message{Topic: "topic"}); err == nil {
		t.Error("publish to a stopped redis succeeded")
	}
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the restart resyncs", in.resynced(2))
}
