package pubsub_test

import (
	"encoding/json"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// stopwatch sums the delays of messages sent with their time.
type stopwatch struct {
	count, total, longest atomic.Int64
}

func (w *stopwatch) handle(m pubsub.Message) {
	d := int64(time.Since(m.Time))
	w.total.Add(d)
	for old := w.longest.Load(); d > old && !w.longest.CompareAndSwap(old, d); old = w.longest.Load() {
	}
	w.count.Add(1)
}

func (w *stopwatch) mean() time.Duration {
	return time.Duration(w.total.Load() / max(w.count.Load(), 1))
}

// newWide makes a bus whose queues hold whatever a test sends.
func newWide(t testing.TB, rdb *redisclient.Client) *pubsub.Bus {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{QueueMax: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

// Each of 300 subscribers, with a connection of its own, gets every message
// once and in order. SOUK_TEST_BROADCASTS sets how many there are.
func TestThreeHundredSubscribers(t *testing.T) {
	const subscribers = 300
	broadcasts, err := strconv.Atoi(os.Getenv("SOUK_TEST_BROADCASTS"))
	if err != nil {
		broadcasts = 50
	}
	rdb, delays := redistest.Open(t), &stopwatch{}
	ins := make([]inbox, subscribers)
	var wg sync.WaitGroup
	for i := range ins {
		bus := newWide(t, rdb)
		sub := bus.Subscribe("topic", pubsub.Handler{Message: delays.handle})
		t.Cleanup(sub.Close)
		wg.Go(func() { run(t, bus, &ins[i]) })
	}
	wg.Wait()
	sender, want := newBus(t, rdb), make([]string, broadcasts)
	for i := range want {
		want[i] = strconv.Itoa(i)
		publish(t, sender, want[i])
	}
	for i := range ins {
		redistest.Eventually(t, "a subscriber has all", ins[i].has(want...))
		if n := ins[i].resyncs.Load(); n != 1 {
			t.Errorf("subscriber %d resynced %d times", i, n)
		}
	}
	t.Logf("%d broadcasts to %d subscribers in one process: delay mean %v, max %v",
		broadcasts, subscribers, delays.mean(), time.Duration(delays.longest.Load()))
}

// The figures of a machine, with SOUK_TEST_FIGURES=1: how many messages a
// second many callers broadcast while one process hears them, the delay at a
// fifth of that, and what the same Redis can do at most.
func TestFigures(t *testing.T) {
	if os.Getenv("SOUK_TEST_FIGURES") == "" {
		t.Skip("measures this machine for some seconds; set SOUK_TEST_FIGURES=1")
	}
	rdb := redistest.Open(t)
	bus, sender, delays := newWide(t, rdb), newWide(t, rdb), &stopwatch{}
	run(t, bus, &inbox{})
	sub := bus.Subscribe("figure", pubsub.Handler{Message: delays.handle})
	defer sub.Close()

	begin, sent := time.Now(), flood(t, sender, 3*time.Second)
	published := float64(sent) / time.Since(begin).Seconds()
	redistest.Eventually(t, "all are heard", func() bool { return delays.count.Load() == sent })
	heard := float64(sent) / time.Since(begin).Seconds()

	delays.count.Store(0)
	delays.total.Store(0)
	delays.longest.Store(0)
	sent = pace(t, sender, published/5, 3*time.Second)
	redistest.Eventually(t, "all are heard", func() bool { return delays.count.Load() == sent })
	t.Logf("512 callers: %.0f messages/s published, %.0f/s heard; at %.0f/s: delay mean %v, max %v",
		published, heard, float64(sent)/3, delays.mean(), time.Duration(delays.longest.Load()))
	limit := barePublish(t, rdb, 3*time.Second)
	t.Logf("the same Redis: %.0f bare PUBLISH/s in pipelines that nobody hears; the bus broadcast %.2f of that", limit, published/limit)
}

// barePublish is how many PUBLISH a second Redis takes, without positions, a log
// and listeners, from pipelines enough to keep it busy.
func barePublish(t *testing.T, rdb *redisclient.Client, d time.Duration) (perSecond float64) {
	body, err := json.Marshal(invalidated)
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range 8 {
		wg.Go(func() {
			for time.Since(begin) < d {
				_, err := rdb.Write().Pipelined(t.Context(), func(p redis.Pipeliner) error {
					for range batch {
						p.Publish(t.Context(), "bare", body)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				sent.Add(batch)
			}
		})
	}
	wg.Wait()
	return float64(sent.Load()) / time.Since(begin).Seconds()
}

// flood broadcasts by 512 callers for a while.
func flood(t *testing.T, bus *pubsub.Bus, d time.Duration) int64 {
	var sent atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range 512 {
		wg.Go(func() {
			for time.Now().Before(end) {
				if err := bus.Publish(t.Context(), pubsub.Message{Topic: "figure", Key: "SKU-0001"}); err != nil {
					t.Error(err)
				}
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	return sent.Load()
}

// pace broadcasts at a rate, one message a call, by as many callers as it takes.
func pace(t *testing.T, bus *pubsub.Bus, perSecond float64, d time.Duration) (sent int64) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < d; <-tick.C {
		for due := int64(perSecond * time.Since(begin).Seconds()); sent < due; sent++ {
			m := pubsub.Message{Topic: "figure", Key: "SKU-0001", Time: time.Now()}
			wg.Go(func() {
				if err := bus.Publish(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
		}
	}
	return sent
}
