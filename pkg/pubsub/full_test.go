package pubsub_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// fill has Redis refuse every command that may need memory.
func fill(t *testing.T, rdb *redisclient.Client) {
	t.Helper()
	server := rdb.Write().(*redis.Client)
	if err := server.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Skip("no full Redis: a miniredis has no maxmemory")
	}
	if err := server.Set(t.Context(), "k", "v", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Fatalf("SET on a full Redis: %v", err)
	}
}

func TestFullRedisBroadcasts(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	bus := newBus(t, rdb)
	run(t, bus, in)
	publish(t, bus, "a")
	fill(t, rdb)
	large := strings.Repeat("k", 500)
	publish(t, bus, "b", large)
	want := []string{"a", "b", large}
	big := make([]pubsub.Message, 90) // for the queue, and together too large for the log
	for i := range big {
		big[i] = pubsub.Message{Topic: "topic", Key: large, Status: strings.Repeat("s", 500)}
		want = append(want, large)
	}
	if err := bus.Publish(t.Context(), big...); err != nil {
		t.Error("a large frame:", err)
	}
	redistest.Eventually(t, "all arrive", in.has(want...))
	if n := in.resyncs.Load(); n != 1 {
		t.Errorf("%d resyncs: nobody has missed anything", n)
	}
}

// A Redis that was empty when it filled has no position yet.
func TestFullRedisBroadcastsItsFirstFrame(t *testing.T) {
	t.Parallel()
	rdb, in := redistest.Open(t), &inbox{}
	bus := newBus(t, rdb)
	run(t, bus, in)
	fill(t, rdb)
	publish(t, bus, "a", "b")
	redistest.Eventually(t, "both arrive", in.has("a", "b"))
}

// What a full Redis could not keep, nobody can catch up with.
func TestFrameMissedFromAFullRedisResyncs(t *testing.T) {
	t.Parallel()
	m := newMissed(t)
	m.apart(func() {
		fill(t, m.direct)
		publish(t, m.sender, "b")
	})
	redistest.Eventually(t, "the hole resyncs", m.in.resynced(2))
	if err := m.direct.Write().(*redis.Client).ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	publish(t, m.sender, "c")
	redistest.Eventually(t, "what came after arrives", m.in.has("a", "c"))
	m.apart(func() { publish(t, m.sender, "d") })
	redistest.Eventually(t, "the log is kept again", m.in.has("a", "c", "d"))
	m.wantResyncs(2)
}
