package ratelimit_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
)

func TestMetricsTellWhoDecided(t *testing.T) {
	t.Parallel()
	server, reg := redistest.Mini(t), prometheus.NewRegistry()
	l, err := ratelimit.New(redistest.Dial(t, server.Addr()),
		ratelimit.Config{Name: "m", Limit: ratelimit.PerMinute(1, 1), OnOutage: ratelimit.Open}, ratelimit.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // allowed, refused by Redis, refused from memory
		allowN(t, l, "k", 1)
	}
	server.Close()
	allowN(t, l, "another", 1)
	want := `
# HELP souk_ratelimit_decisions_total Decisions, by outcome and by who decided.
# TYPE souk_ratelimit_decisions_total counter
souk_ratelimit_decisions_total{limiter="m",outcome="allowed",source="policy"} 1
souk_ratelimit_decisions_total{limiter="m",outcome="allowed",source="redis"} 1
souk_ratelimit_decisions_total{limiter="m",outcome="refused",source="memory"} 1
souk_ratelimit_decisions_total{limiter="m",outcome="refused",source="redis"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "souk_ratelimit_decisions_total"); err != nil {
		t.Error(err)
	}
}
