package gauges_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory/internal/gauges"
	"souk.example/services/inventory/internal/inventory"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type counter struct{ n atomic.Int64 }

func (c *counter) Totals(context.Context) (inventory.Totals, error) {
	c.n.Add(1)
	return inventory.Totals{Products: 3, SoldOut: 1, Available: 7}, nil
}

// replica runs a Reporter until stop.
func replica(t *testing.T, rdb *redisclient.Client, c *counter) (registry *prometheus.Registry, stop func()) {
	t.Helper()
	locker, err := redlock.New(rdb, redlock.Config{RetryDelay: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	registry = prometheus.NewRegistry()
	elector, err := redlock.NewElector(locker, "gauges", redlock.ElectorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := gauges.New(c, elector, registry, telemetry.Nop().Logger, gauges.Config{Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return registry, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// exported is what a scrape finds, as name{state}=value.
func exported(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			b.WriteString(f.GetName() + " " + m.GetLabel()[0].GetValue() + " " + m.GetGauge().String() + "\n")
		}
	}
	return b.String()
}

func TestOneReplicaCountsAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	rdb, c := redistest.Open(t), &counter{}
	first, stopFirst := replica(t, rdb, c)
	redistest.Eventually(t, "the first counts", func() bool { return strings.Count(exported(t, first), "\n") == 5 })
	second, stopSecond := replica(t, rdb, c)
	counted := c.n.Load()
	redistest.Eventually(t, "the first counts on", func() bool { return c.n.Load() > counted+2 })
	if got := exported(t, second); got != "" {
		t.Errorf("the second exports %s", got)
	}
	stopFirst()
	if got := exported(t, first); got != "" {
		t.Errorf("a stopped replica exports %s", got)
	}
	redistest.Eventually(t, "the second takes over", func() bool { return strings.Contains(exported(t, second), "sold_out value:1") })
	stopSecond()
}

func TestWithoutRedisNobodyCountsAndRunGoesOn(t *testing.T) {
	t.Parallel()
	mini, c := redistest.Mini(t), &counter{}
	rdb := redistest.Dial(t, mini.Addr())
	mini.Close()
	registry, stop := replica(t, rdb, c)
	if got := exported(t, registry); got != "" {
		t.Errorf("exports %s", got)
	}
	stop()
	if c.n.Load() != 0 {
		t.Error("counted without the lock")
	}
}
