package pubsub_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// Every node of a cluster passes a frame on, and whose connection to one is
// killed catches up from the node that keeps the log.
func TestNoDivergenceInACluster(t *testing.T) {
	rdb := redistest.Cluster(t)
	of, mirrors := &source{values: make(map[string]int64)}, []*mirror{{}, {}}
	for _, m := range mirrors {
		m.follow(t, rdb, of)
	}
	stop := of.write(t, rdb)
	for range 5 {
		at := (&mirror{values: of.all()}).newest()
		for _, m := range mirrors {
			redistest.Eventually(t, "the mirrors go on", func() bool { return m.newest() > at+10 })
		}
		killSubscribers(t, rdb)
	}
	stop()
	for _, m := range mirrors {
		redistest.Eventually(t, "the mirrors equal the source", m.equals(of))
	}
}

func killSubscribers(t *testing.T, rdb *redisclient.Client) {
	t.Helper()
	err := rdb.Write().(*redis.ClusterClient).ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		return node.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub").Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStateInACluster(t *testing.T) {
	rdb := redistest.Cluster(t)
	a, b := startNode(t, rdb, quick), startNode(t, rdb, quick)
	a.set(t, flags{"a": true})
	redistest.Eventually(t, "the other node has it", b.holds(flags{"a": true}))
	if err := b.Update(t.Context(), func(f flags) (flags, error) { f["b"] = true; return f, nil }); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, "the first node has both", a.holds(flags{"a": true, "b": true}))
}
