package pubsub_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

const (
	positionKey = "{souk:broadcast}:position"
	logKey      = "{souk:broadcast}:log"
)

// missed is a subscriber behind a proxy, and what it counts.
type missed struct {
	t      *testing.T
	direct *redisclient.Client // not through the proxy
	proxy  *redistest.Proxy
	sender *pubsub.Bus
	in     inbox
	reg    *prometheus.Registry
}

func newMissed(t *testing.T) *missed {
	t.Helper()
	m := &missed{t: t, direct: redistest.Open(t), reg: prometheus.NewRegistry()}
	m.proxy = redistest.NewProxy(t, address(m.direct))
	m.sender = newBus(t, m.direct)
	bus, err := pubsub.New(redistest.DialHasty(t, m.proxy.Addr()),
		pubsub.Config{Idle: 50 * time.Millisecond}, pubsub.WithMetrics(m.reg))
	if err != nil {
		t.Fatal(err)
	}
	run(t, bus, &m.in)
	publish(t, m.sender, "a")
	redistest.Eventually(t, "the first arrives", m.in.has("a"))
	return m
}

// apart lets do happen while the subscriber hears nothing.
func (m *missed) apart(do func()) {
	m.t.Helper()
	m.proxy.DropReplies.Store(true)
	do()
	m.proxy.Cut()
	m.proxy.DropReplies.Store(false)
}

// saved returns what a Redis remembers, for restore to bring back.
func (m *missed) saved() (restore func()) {
	m.t.Helper()
	ctx, rdb := m.t.Context(), m.direct.Write()
	position := rdb.Get(ctx, positionKey).Val()
	entries := rdb.XRange(ctx, logKey, "-", "+").Val()
	return func() {
		rdb.Del(ctx, positionKey, logKey)
		rdb.Set(ctx, positionKey, position, 0)
		for _, e := range entries {
			rdb.Do(ctx, "XADD", logKey, e.ID, "f", e.Values["f"])
		}
	}
}

func (m *missed) wantResyncs(n float64) {
	m.t.Helper()
	if got := counter(m.t, m.reg, "souk_pubsub_resyncs_total"); got != n {
		m.t.Errorf("%v resyncs, want %v", got, n)
	}
}

func TestMissedFramesComeFromTheLog(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	want := []string{"a"}
	m.apart(func() {
		for i := range 200 { // several pages
			want = append(want, strconv.Itoa(i))
		}
		publish(t, m.sender, want[1:]...)
	})
	redistest.Eventually(t, "what was missed arrives", m.in.has(want...))
	publish(t, m.sender, "z")
	redistest.Eventually(t, "and what came after", m.in.has(append(want, "z")...))
	m.wantResyncs(1)
	if got := counter(t, m.reg, "souk_pubsub_caught_up_total"); got != 200 {
		t.Errorf("%v frames from the log", got)
	}
}

// Nothing follows a lost last frame; the connection stands.
func TestLostLastFrameComesFromTheLog(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.proxy.DropReplies.Store(true)
	publish(t, m.sender, "b")
	m.proxy.DropReplies.Store(false)
	redistest.Eventually(t, "the last frame arrives", m.in.has("a", "b"))
	m.wantResyncs(1)
}

// A channel without history has its first frame on the way when it is checked.
func TestLostFirstFrameComesFromTheLog(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	proxy := redistest.NewProxy(t, address(rdb))
	bus, err := pubsub.New(redistest.DialHasty(t, proxy.Addr()), pubsub.Config{Idle: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	run(t, bus, in)
	proxy.DropReplies.Store(true)
	publish(t, newBus(t, rdb), "a")
	proxy.DropReplies.Store(false)
	redistest.Eventually(t, "the first frame arrives", in.has("a"))
	if n := in.resyncs.Load(); n != 1 {
		t.Errorf("%d resyncs", n)
	}
}

// A subscriber that has heard nothing yet cannot tell one empty channel from
// another: what it missed may have been wiped.
func TestReconnectWithoutHistoryResyncs(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	proxy, sender := redistest.NewProxy(t, address(rdb)), newBus(t, rdb)
	run(t, newBus(t, redistest.DialHasty(t, proxy.Addr())), in)
	proxy.DropReplies.Store(true)
	publish(t, sender, "wiped")
	rdb.Write().FlushAll(t.Context())
	publish(t, sender, "first of another history")
	proxy.Cut()
	proxy.DropReplies.Store(false)
	redistest.Eventually(t, "it resyncs", in.resynced(2))
}

func TestLostFrameComesFromTheLogBeforeTheNext(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.proxy.DropReplies.Store(true)
	publish(t, m.sender, "b")
	m.proxy.DropReplies.Store(false)
	publish(t, m.sender, "c")
	redistest.Eventually(t, "both arrive in order", m.in.has("a", "b", "c"))
	m.wantResyncs(1)
}

func TestTrimmedLogResyncs(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.apart(func() {
		publish(t, m.sender, "b", "c")
		m.direct.Write().XTrimMaxLen(t.Context(), logKey, 1)
	})
	redistest.Eventually(t, "the gap resyncs", m.in.resynced(2))
	publish(t, m.sender, "d")
	redistest.Eventually(t, "what came after the gap arrives", m.in.has("a", "d"))
}

func TestFrameTooLargeForTheLogResyncs(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.apart(func() {
		big := make([]pubsub.Message, 1000)
		for i := range big {
			big[i] = pubsub.Message{Topic: "topic", Key: "big"}
		}
		if err := m.sender.Publish(t.Context(), big...); err != nil {
			t.Fatal(err)
		}
		publish(t, m.sender, "c")
	})
	redistest.Eventually(t, "the hole in the log resyncs", m.in.resynced(2))
}

// Nothing follows it in the log that would show the hole.
func TestLastFrameTooLargeForTheLogResyncs(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.apart(func() {
		big := make([]pubsub.Message, 1000)
		for i := range big {
			big[i] = pubsub.Message{Topic: "topic", Key: strings.Repeat("k", 200)}
		}
		if err := m.sender.Publish(t.Context(), big...); err != nil {
			t.Fatal(err)
		}
	})
	redistest.Eventually(t, "the stored position resyncs", m.in.resynced(2))
}

func TestWipedRedisResyncs(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.direct.Write().FlushAll(t.Context())
	redistest.Eventually(t, "the wipe resyncs", m.in.resynced(2))
	publish(t, m.sender, "b") // sequence 1 again, of another epoch
	redistest.Eventually(t, "the new epoch is heard", m.in.has("a", "b"))
}

// A Redis with "appendfsync everysec" that was killed has forgotten its last
// second, and issues the same sequence numbers again.
func TestOlderMemoryIsNoticedAlthoughNumbersFit(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	restore := m.saved()
	publish(t, m.sender, "b")
	redistest.Eventually(t, "the second arrives", m.in.has("a", "b"))
	m.apart(func() {
		restore()
		publish(t, m.sender, "other b") // the number that b had
		publish(t, m.sender, "c")       // the number that would be next
	})
	redistest.Eventually(t, "the fork resyncs", m.in.resynced(2))
	publish(t, m.sender, "d")
	redistest.Eventually(t, "the new history is followed", m.in.has("a", "b", "d"))
}

func TestOlderMemoryIsNoticedAtTheSameNumber(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	restore := m.saved()
	publish(t, m.sender, "b")
	redistest.Eventually(t, "the second arrives", m.in.has("a", "b"))
	m.apart(func() {
		restore()
		publish(t, m.sender, "other b")
	})
	redistest.Eventually(t, "the fork resyncs", m.in.resynced(2))
}

// Between two frames that come at once, nothing but the nonce tells.
func TestFrameOfAnotherHistoryIsNoticed(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	bus, err := pubsub.New(rdb, pubsub.Config{Idle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	run(t, bus, in)
	send(t, rdb, `e 1 - n1 [{"schema":1,"topic":"topic","key":"a"}]`)
	send(t, rdb, `e 2 n1 n2 [{"schema":1,"topic":"topic","key":"b"}]`)
	redistest.Eventually(t, "both arrive", in.has("a", "b"))
	send(t, rdb, `e 3 other n3 [{"schema":1,"topic":"topic","key":"c"}]`)
	redistest.Eventually(t, "the fork resyncs", in.resynced(2))
}

// In a Redis Cluster the subscriber's own connection may outlive that.
func TestOlderMemoryIsNoticedWithoutReconnect(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	restore := m.saved()
	publish(t, m.sender, "b", "c")
	redistest.Eventually(t, "the first three arrive", m.in.has("a", "b", "c"))
	restore()
	publish(t, m.sender, "other b")
	redistest.Eventually(t, "the fork resyncs", m.in.resynced(2))
	publish(t, m.sender, "d")
	redistest.Eventually(t, "the new history is followed", func() bool {
		m.in.mu.Lock()
		defer m.in.mu.Unlock()
		return m.in.keys[len(m.in.keys)-1] == "d"
	})
}

func TestSilentConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.proxy.DropReplies.Store(true)
	publish(t, m.sender, "b")
	redistest.Eventually(t, "the connection is given up", func() bool {
		return counter(t, m.reg, "souk_pubsub_reconnects_total") > 0
	})
	m.proxy.DropReplies.Store(false)
	redistest.Eventually(t, "what was missed arrives", m.in.has("a", "b"))
	m.wantResyncs(1)
}

func TestPublishFailsAndRunGoesOnWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	server, in, said := redistest.Start(t), &inbox{}, &strings.Builder{}
	bus, err := pubsub.New(redistest.Dial(t, server.Addr()),
		pubsub.Config{Idle: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, bus, in)
	server.Kill()
	if err := bus.Publish(t.Context(), pubsub.Message{Topic: "topic"}); err == nil {
		t.Error("publish to a stopped redis succeeded")
	}
	server.Restart()
	redistest.Eventually(t, "messages flow again", func() bool {
		_ = bus.Publish(t.Context(), pubsub.Message{Topic: "topic", Key: "after"})
		return in.count() > 0
	})
	stop()
	for _, line := range []string{"broadcasts are not heard", "broadcasts are heard again"} {
		if n := strings.Count(said.String(), line); n != 1 {
			t.Errorf("%q stands %d times in the log:\n%s", line, n, said)
		}
	}
}
