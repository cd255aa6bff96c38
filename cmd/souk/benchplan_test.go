package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/plan"
)

func TestBenchPlanNeedsNoSouk(t *testing.T) {
	ownHome(t)
	got := souk(t, "bench", "plan", "--orders", "500", "--json")
	var p plan.Plan
	if err := json.Unmarshal([]byte(got.stdout), &p); err != nil {
		t.Fatalf("%v in %q", err, got.stdout)
	}
	if got.code != 0 || p.Target.Orders != 500 || p.Nodes.Total == 0 || p.Latency.Orders == 0 {
		t.Errorf("exit code %d, %+v", got.code, p)
	}
	table := souk(t, "bench", "plan", "--orders", "500")
	for _, part := range []string{"nodes of 16 cores", "mariadb", "partitions", "gives way first", "completed p50"} {
		if !strings.Contains(table.stdout, part) {
			t.Errorf("no %q in\n%s", part, table.stdout)
		}
	}
}

func TestBenchPlanTakesCosts(t *testing.T) {
	ownHome(t)
	report := filepath.Join(t.TempDir(), "run.json")
	doc := `{"engines": "native", "cpu_us_per_order": {"by_process": {"order-1": 100, "mariadb": 1000}}}`
	if err := os.WriteFile(report, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	got := souk(t, "bench", "plan", "--orders", "600", "--headroom", "0.5", "--report", report, "--cpu", "order=200", "--hop-ms", "3", "--json")
	var p plan.Plan
	if err := json.Unmarshal([]byte(got.stdout), &p); err != nil {
		t.Fatalf("%v in %q (%v)", err, got.stdout, got.err)
	}
	if p.Costs.OrderCPU["order"] != 200 || p.Costs.OrderCPU["mariadb"] != 1000 || p.Costs.HopMS != 3 || p.Costs.Source != report {
		t.Errorf("%+v", p.Costs)
	}
}

func TestBenchPlanRefuses(t *testing.T) {
	ownHome(t)
	for name, args := range map[string][]string{
		"no orders":         {"--orders", "0"},
		"a word for pages":  {"--pages", "many"},
		"a full core":       {"--headroom", "1"},
		"no cores":          {"--cores-per-node", "0"},
		"a missing report":  {"--report", "/nowhere/run.json"},
		"CPU of nobody":     {"--cpu", "cart=1"},
		"batches at once":   {"--fixed-ms", "0"},
		"hops back in time": {"--hop-ms", "-1"},
		"an argument":       {"10000"},
	} {
		if got := souk(t, append([]string{"bench", "plan"}, args...)...); got.code != 2 || got.stdout != "" {
			t.Errorf("%s: exit code %d, %q", name, got.code, got.stdout)
		}
	}
}
