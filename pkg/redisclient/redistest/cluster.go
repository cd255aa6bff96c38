package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// Cluster returns a client of an empty Redis Cluster of three masters without
// replicas that nobody else uses and that ends with the test. It skips the
// test unless SOUK_TEST_REDIS_SERVER names a redis-server, 7.0 or later.
func Cluster(t testing.TB) *redisclient.Client {
	t.Helper()
	nodes := startCluster(t)
	return open(t, redisclient.Config{Cluster: true, IOTimeout: patience, Addrs: []string{nodes[0].addr, nodes[1].addr, nodes[2].addr}})
}

// ProxiedCluster is [Cluster] with a proxy before each node, which the nodes
// announce as their own address, so that clients find no way around it.
func ProxiedCluster(t testing.TB) (*redisclient.Client, [3]*Proxy) {
	t.Helper()
	var proxies [3]*Proxy
	cfg := redisclient.Config{Cluster: true, IOTimeout: Haste}
	nodes := startCluster(t)
	for i, n := range nodes {
		proxies[i] = NewProxy(t, n.addr)
		cfg.Addrs = append(cfg.Addrs, proxies[i].Addr())
		_, port, _ := net.SplitHostPort(proxies[i].Addr())
		if err := n.rdb.ConfigSet(t.Context(), "cluster-announce-port", port).Err(); err != nil {
			t.Fatalf("announce the proxy of %s: %v", n.addr, err)
		}
	}
	Eventually(t, "every node knows the proxies", func() bool { return announced(t.Context(), nodes, cfg.Addrs) })
	return open(t, cfg), proxies
}

func startCluster(t testing.TB) [3]clusterNode {
	t.Helper()
	if program() == "" {
		t.Skip("no cluster: SOUK_TEST_REDIS_SERVER is unset, and miniredis has none")
	}
	nodes := [3]clusterNode{startNode(t), startNode(t), startNode(t)}
	if err := join(t.Context(), nodes); err != nil {
		t.Fatalf("join a cluster: %v", err)
	}
	Eventually(t, "the cluster is whole", func() bool { return whole(t.Context(), nodes) })
	return nodes
}

type clusterNode struct {
	addr string
	bus  string // the port at which nodes speak to it
	rdb  redis.UniversalClient
}

// startNode runs a node without slots. It names the port of the bus, because
// the default, 10,000 above the other, may be taken or be no port at all.
func startNode(t testing.TB) clusterNode {
	t.Helper()
	var bus string
	server := start(t, func(addr string) (stop func(), ok bool) {
		_, bus, _ = net.SplitHostPort(freeAddr(t))
		return process(program(), "--dir", t.TempDir(), "--cluster-enabled", "yes",
			"--cluster-port", bus, "--cluster-node-timeout", "2000")(addr)
	})
	return clusterNode{addr: server.Addr(), bus: bus, rdb: Dial(t, server.Addr()).Write()}
}

// join divides the 16,384 slots between the nodes and makes each known to every
// other; left to gossip, two may take seconds to hear of one another.
func join(ctx context.Context, nodes [3]clusterNode) error {
	const slots = 16_384
	for i, n := range nodes {
		from, to := i*slots/len(nodes), (i+1)*slots/len(nodes)-1
		if err := n.rdb.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			return fmt.Errorf("give %s its slots: %w", n.addr, err)
		}
		// Without it, nodes have to settle who owns a slot that two claim.
		if err := n.rdb.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return fmt.Errorf("set the epoch of %s: %w", n.addr, err)
		}
	}
	return errors.Join(nodes[0].meet(ctx, nodes[1]), nodes[0].meet(ctx, nodes[2]), nodes[1].meet(ctx, nodes[2]))
}

func (n clusterNode) meet(ctx context.Context, other clusterNode) error {
	host, port, _ := net.SplitHostPort(other.addr)
	if err := n.rdb.Do(ctx, "CLUSTER", "MEET", host, port, other.bus).Err(); err != nil {
		return fmt.Errorf("%s meets %s: %w", n.addr, other.addr, err)
	}
	return nil
}

// whole reports that every node sees every slot served.
func whole(ctx context.Context, nodes [3]clusterNode) bool {
	for _, n := range nodes {
		info, err := n.rdb.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_size:3") {
			return false
		}
	}
	return true
}

// announced reports that every node tells clients to use these addresses.
func announced(ctx context.Context, nodes [3]clusterNode, addrs []string) bool {
	for _, n := range nodes {
		slots, err := n.rdb.ClusterSlots(ctx).Result()
		if err != nil || len(slots) != len(addrs) {
			return false
		}
		for _, s := range slots {
			if !slices.Contains(addrs, s.Nodes[0].Addr) {
				return false
			}
		}
	}
	return true
}
