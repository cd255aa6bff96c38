package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
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

func (i *inbox) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.keys)
}

func (i *inbox) resynced(n int32) func() bool { return func() bool { return i.resyncs.Load() >= n } }

func newBus(t testing.TB, rdb *redisclient.Client) *pubsub.Bus {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{Service: "test", Idle: 50 * time.Millisecond, QueueMax: 100})
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

// run runs the bus until the test ends and subscribes in to "topic".
func run(t testing.TB, bus *pubsub.Bus, in *inbox) { t.Helper(); start(t, bus, in) }

// start is run; stop ends it before the test does.
func start(t testing.TB, bus *pubsub.Bus, in *inbox) (stop func()) {
	t.Helper()
	sub := bus.Subscribe("topic", in.handler())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		sub.Close()
	})
	t.Cleanup(stop)
	redistest.Eventually(t, "the first connection resyncs", in.resynced(1))
	return stop
}

// A topic that no message can have is heard of as a resync.
func TestTopicWithoutMessages(t *testing.T) {
	bus, in := newBus(t, redistest.Open(t)), &inbox{}
	var heard atomic.Int32
	none := bus.Subscribe("", pubsub.Handler{
		Message: func(m pubsub.Message) { t.Errorf("%+v", m) },
		Resync:  func() { heard.Add(1) },
	})
	defer none.Close()
	run(t, bus, in)
	publish(t, bus, "a")
	redistest.Eventually(t, "the message and the resync", func() bool { return in.count() == 1 && heard.Load() >= 1 })
}

// send broadcasts a frame that no Bus would.
func send(t *testing.T, rdb *redisclient.Client, frame string) {
	t.Helper()
	if err := rdb.Write().Publish(t.Context(), "souk:broadcast", frame).Err(); err != nil {
		t.Fatal(err)
	}
}

func address(rdb *redisclient.Client) string { return rdb.Write().(*redis.Client).Options().Addr }

// counter sums a family of counters.
func counter(t testing.TB, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
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

func TestConcurrentPublishersShareFrames(t *testing.T) {
	t.Parallel()
	rdb, in, reg := redistest.Open(t), &inbox{}, prometheus.NewRegistry()
	bus, err := pubsub.New(rdb, pubsub.Config{QueueMax: 10_000}, pubsub.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	run(t, bus, in)
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			for i := range 20 {
				if err := bus.Publish(t.Context(), pubsub.Message{Topic: "topic", Key: fmt.Sprintf("%d/%d", g, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	redistest.Eventually(t, "each message arrives once", func() bool { return in.count() == 1000 })
	if frames := counter(t, reg, "souk_pubsub_frames_total"); frames > 500 {
		t.Errorf("1000 messages of 50 callers took %v frames", frames)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	next := make(map[string]int)
	for _, key := range in.keys {
		g, i, _ := strings.Cut(key, "/")
		if strconv.Itoa(next[g]) != i {
			t.Fatalf("message %s came when %d was due", key, next[g])
		}
		next[g]++
	}
}

func TestABusRunsOnce(t *testing.T) {
	t.Parallel()
	bus := newBus(t, redistest.Open(t))
	run(t, bus, &inbox{})
	if err := bus.Run(t.Context()); !errors.Is(err, pubsub.ErrRunning) {
		t.Errorf("a second Run ended with %v", err)
	}
}

// Who gives up holds up nobody, and leaves nothing behind that is not on its way.
func TestACallerMayLeave(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	run(t, newBus(t, rdb), in)
	proxy := redistest.NewProxy(t, address(rdb))
	bus := newBus(t, redistest.DialHasty(t, proxy.Addr()))
	publish(t, bus, "connects")
	proxy.DropReplies.Store(true)
	for _, key := range []string{"on its way", "left behind"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := bus.Publish(ctx, pubsub.Message{Topic: "topic", Key: key}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller with a deadline got %v", err)
		}
		cancel()
	}
	proxy.DropReplies.Store(false)
	redistest.Eventually(t, "others publish", func() bool {
		return bus.Publish(t.Context(), pubsub.Message{Topic: "topic", Key: "after"}) == nil
	})
	redistest.Eventually(t, "what was sent arrives", in.has("connects", "on its way", "after"))
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
