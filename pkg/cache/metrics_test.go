package cache_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"souk.example/pkg/cache"
	"souk.example/pkg/redisclient/redistest"
)

func TestMetricsTellWhoAnswered(t *testing.T) {
	t.Parallel()
	rdb, s, reg := redistest.Open(t), &shop{}, prometheus.NewRegistry()
	s.set("a", "apple")
	c := newCache(t, rdb, cache.Config{}, cache.WithMetrics[product](reg))
	for range 3 {
		want(t, c, "a", s.load("a"), "apple")
	}
	if err := newCache(t, rdb, cache.Config{}).Set(t.Context(), "b", product{"berry"}); err != nil {
		t.Fatal(err)
	}
	want(t, c, "b", s.load("b"), "berry")
	redistest.Eventually(t, "L1 has taken note", func() bool { return c.Stats().L1Cost == 2 })
	expected := `
# HELP souk_cache_events_total What happened to lookups in a cache.
# TYPE souk_cache_events_total counter
`
	for _, line := range []string{
		"heard 0", "l1_hit 2", "l2_hit 1", "load 1", "load_error 0", "miss 1", "panic 0", "redis_error 0",
		"refresh 0", "rejected 0", "stale 0", "unreadable 0", "voided 0",
	} {
		event, n, _ := strings.Cut(line, " ")
		expected += `souk_cache_events_total{cache="product",event="` + event + `"} ` + n + "\n"
	}
	expected += `
# HELP souk_cache_l1_cost Cost of the entries in memory.
# TYPE souk_cache_l1_cost gauge
souk_cache_l1_cost{cache="product"} 2
# HELP souk_cache_loads_in_flight Calls of a loader under way.
# TYPE souk_cache_loads_in_flight gauge
souk_cache_loads_in_flight{cache="product"} 0
`
	names := []string{"souk_cache_events_total", "souk_cache_l1_cost", "souk_cache_loads_in_flight"}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(expected), names...); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(reg, "souk_cache_load_seconds"); n != 1 {
		t.Errorf("%d histograms of loads", n)
	}
	if st := c.Stats(); st.L1HitRate() != 0.5 || st.L2HitRate() != 0.5 || st.L1Entries != 2 {
		t.Errorf("%v, %v, %+v", st.L1HitRate(), st.L2HitRate(), st)
	}
	if _, err := cache.New("product", rdb, cache.Config{}, cache.WithMetrics[product](reg)); err == nil {
		t.Error("two caches have one name in one registry")
	}
}

func TestALoadIsASpanOfItsCaller(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	c := newCache(t, redistest.Open(t), cache.Config{}, cache.WithTracer[product](tracer))
	ctx, caller := tracer.Start(t.Context(), "caller")
	gets := []struct {
		ctx context.Context
		key string
	}{{ctx, "a"}, {ctx, "a"}, {t.Context(), "b"}} // a load, a hit, and a load in no trace
	for _, get := range gets {
		if _, _, err := c.Get(get.ctx, get.key, func(context.Context) (product, bool, error) { return product{}, true, nil }); err != nil {
			t.Fatal(err)
		}
	}
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "cache load" || ended[0].Parent().SpanID() != caller.SpanContext().SpanID() {
		t.Errorf("spans: %v", ended)
	}
}
