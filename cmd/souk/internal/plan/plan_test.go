package plan_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"souk.example/cmd/souk/internal/plan"
)

// round costs: an event takes 100 µs in every loop, 60 of the service and 40 of
// MariaDB, so full batches of 500 are 500/(2 ms + 50 ms) = 9615.4 events a second.
func round() plan.Costs {
	return plan.Costs{
		Source: "a test",
		OrderCPU: map[string]float64{
			"gateway": 200, "order": 240, "inventory": 120, "payment": 60, "points": 60, "mariadb": 320, "kafka": 100, "redis": 10,
		},
		PageCPU: map[string]float64{"gateway": 100, "inventory": 50, "redis": 5},
		FixedMS: 2, HopMS: 5, IntakeMax: 500, FunnelMax: 500,
		RowsPerOrder: 7, SQLBytesPerOrder: 1_000, OrderTopicBytes: 100, ReplyBytes: 50,
		CommandsPerOrder: 5, CommandsPerPage: 0.5, RedisBytesPerProduct: 500,
		HotSKUPerS: 10_000, FlushesPerS: 1_000,
	}
}

func target() plan.Target {
	return plan.Target{Orders: 2_000, Pages: 10_000, Products: 1_000, Headroom: 0.5, CoresPerNode: 4}
}

func made(t *testing.T, c plan.Costs, to plan.Target) plan.Plan {
	t.Helper()
	p, err := plan.Make(c, to)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-3*math.Max(1, math.Abs(want)) }

func TestFiguresComputedByHand(t *testing.T) {
	p := made(t, round(), target())
	tiers := map[string]plan.Tier{}
	for _, tier := range p.Tiers {
		tiers[tier.Name] = tier
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"gateway: (2000×200 + 10000×100) µs": {tiers["gateway"].Busy, 1.4},
		"inventory: (2000×120 + 10000×50)":   {tiers["inventory"].Busy, 0.74},
		"mariadb at half busy":               {tiers["mariadb"].Cores, 1.28},
		"order: two funnels":                 {float64(tiers["order"].Replicas), 2},
		"services: 5.72 cores":               {float64(p.Nodes.Services), 2},
		"all nodes":                          {float64(p.Nodes.Total), 7},
		"partitions":                         {float64(p.Partitions), 4},
		"connections to SQL: 5 × 16":         {float64(p.Connections.SQL), 80},
		"connections to Kafka: 5 × 3 × 2":    {float64(p.Connections.Kafka), 30},
		"connections to Redis: 6 × 3 × 40":   {float64(p.Connections.Redis), 720},
		"rows":                               {p.SQL.RowsPerS, 14_000},
		"commits: 900+300+700+400+400":       {p.SQL.CommitsPerS, 2_700},
		"GB a day":                           {p.SQL.GBPerDay, 172.8},
		"Kafka in":                           {p.Kafka.InMBPerS, 0.3},
		"Kafka to disks":                     {p.Kafka.LogMBPerS, 0.9},
		"Kafka out: 3 × 100 + 50 bytes":      {p.Kafka.OutMBPerS, 0.7},
		"Redis commands":                     {p.Redis.CommandsPerS, 15_000},
		"Redis memory":                       {p.Redis.MemoryMB, 0.5},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %g, want %g", name, c.got, c.want)
		}
	}
}

func TestLoopsComputedByHand(t *testing.T) {
	p := made(t, round(), target())
	want := []plan.Loop{ // batch = rate × 2 ms / (1 − rate × 100 µs), of one replica
		{Name: "intake", PerS: 2_000, MostPerS: 9615.4, Replicas: 2, BusyShare: 0.104, Batch: 2.2222, CommitPerS: 900},
		{Name: "inventory", PerS: 4_000, MostPerS: 9615.4, Replicas: 1, BusyShare: 0.416, Batch: 13.333, CommitPerS: 300},
		{Name: "order", PerS: 6_000, MostPerS: 9615.4, Replicas: 2, BusyShare: 0.312, Batch: 8.571, CommitPerS: 700},
		{Name: "payment", PerS: 2_000, MostPerS: 9615.4, Replicas: 1, BusyShare: 0.208, Batch: 5, CommitPerS: 400},
		{Name: "points", PerS: 2_000, MostPerS: 9615.4, Replicas: 1, BusyShare: 0.208, Batch: 5, CommitPerS: 400},
	}
	for i, l := range p.Loops {
		w := want[i]
		if l.Name != w.Name || l.Replicas != w.Replicas || !near(l.PerS, w.PerS) || !near(l.MostPerS, w.MostPerS) ||
			!near(l.BusyShare, w.BusyShare) || !near(l.Batch, w.Batch) || !near(l.CommitPerS, w.CommitPerS) {
			t.Errorf("got  %+v\nwant %+v", l, w)
		}
	}
}

func TestWhatGivesWayFirstComesFirst(t *testing.T) {
	p := made(t, round(), target())
	want := []struct {
		what    string
		carries float64
	}{
		{"hot SKU", 2.5},            // 10,000 × 0.5 / 2,000
		{"CPU of one", 3.125},       // 4 cores / 1.28
		{"partitions", 3.205},       // order: 4 × 9615.4 × 0.5 / 6,000
		{"thread of Redis", 7.1429}, // 1 / 0.14
		{"commits of", 15.625},      // 1,000 × 0.5 / (16,000 events in batches of 500)
	}
	if len(p.Limits) != len(want) {
		t.Fatalf("%d limits, want %d: %+v", len(p.Limits), len(want), p.Limits)
	}
	for i, l := range p.Limits {
		if !strings.Contains(l.What, want[i].what) || !near(l.Carries, want[i].carries) || l.MoveTo == "" {
			t.Errorf("limit %d is %+v, want %+v", i, l, want[i])
		}
	}
}

// A tiny load in loops that would have less than one event in a batch.
func TestABatchHoldsOneEventAtLeast(t *testing.T) {
	to := target()
	to.Orders = 1
	for _, l := range made(t, round(), to).Loops {
		if l.Batch != 1 || l.Replicas != 1 {
			t.Errorf("%+v", l)
		}
	}
}

func anyTarget(t *rapid.T) plan.Target {
	return plan.Target{
		Orders: rapid.Float64Range(1, 500_000).Draw(t, "orders"), Pages: rapid.Float64Range(0, 1e7).Draw(t, "pages"),
		Products: rapid.Float64Range(1, 1e8).Draw(t, "products"), Headroom: rapid.Float64Range(0.05, 0.95).Draw(t, "headroom"),
		CoresPerNode: rapid.IntRange(1, 128).Draw(t, "cores per node"),
	}
}

// needs is everything that more load must not lessen.
func needs(p plan.Plan) []float64 {
	all := []float64{
		float64(p.Nodes.Services), float64(p.Nodes.SQL), float64(p.Nodes.Kafka), float64(p.Nodes.Redis), float64(p.Nodes.Total),
		float64(p.Partitions), float64(p.Connections.SQL), float64(p.Connections.Kafka), float64(p.Connections.Redis),
		p.SQL.RowsPerS, p.SQL.GBPerDay, p.Kafka.InMBPerS, p.Kafka.OutMBPerS, p.Redis.CommandsPerS,
	}
	for _, tier := range p.Tiers {
		all = append(all, tier.Busy, tier.Cores, float64(tier.Replicas))
	}
	for _, l := range p.Loops {
		all = append(all, l.PerS, float64(l.Replicas))
	}
	return all
}

func TestMoreLoadNeverNeedsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		to := anyTarget(t)
		more := to
		more.Orders = min(1e6, to.Orders*rapid.Float64Range(1, 2).Draw(t, "times the orders"))
		more.Pages = min(1e8, to.Pages*rapid.Float64Range(1, 10).Draw(t, "times the pages"))
		less, err := plan.Make(plan.Measured(), to)
		if err != nil {
			t.Fatal(err)
		}
		larger, err := plan.Make(plan.Measured(), more)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range needs(larger) {
			if n < needs(less)[i] {
				t.Errorf("need %d fell from %g to %g", i, needs(less)[i], n)
			}
		}
	})
}

// What is planned is within what was allowed, and partitions divide evenly.
func TestNothingIsBusierThanAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		to := anyTarget(t)
		p, err := plan.Make(plan.Measured(), to)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Loops {
			if l.BusyShare > to.Headroom+1e-9 || p.Partitions%l.Replicas != 0 {
				t.Errorf("%d partitions, %+v", p.Partitions, l)
			}
		}
		for _, tier := range p.Tiers {
			if tier.Busy > to.Headroom*float64(tier.Replicas*to.CoresPerNode)+1e-9 {
				t.Errorf("%+v", tier)
			}
		}
		if !slices.IsSortedFunc(p.Limits, func(a, b plan.Limit) int {
			if a.Carries < b.Carries {
				return -1
			}
			return 1
		}) {
			t.Errorf("limits are not sorted: %+v", p.Limits)
		}
	})
}

func TestWhatCannotBePlanned(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Target, *plan.Costs){
		"no orders":             func(to *plan.Target, _ *plan.Costs) { to.Orders = 0 },
		"orders that are none":  func(to *plan.Target, _ *plan.Costs) { to.Orders = math.NaN() },
		"too many orders":       func(to *plan.Target, _ *plan.Costs) { to.Orders = 2e6 },
		"negative pages":        func(to *plan.Target, _ *plan.Costs) { to.Pages = -1 },
		"no products":           func(to *plan.Target, _ *plan.Costs) { to.Products = 0 },
		"a full core":           func(to *plan.Target, _ *plan.Costs) { to.Headroom = 1 },
		"nodes without cores":   func(to *plan.Target, _ *plan.Costs) { to.CoresPerNode = 0 },
		"CPU of nobody":         func(_ *plan.Target, c *plan.Costs) { c.OrderCPU["cart"] = 5 },
		"negative CPU":          func(_ *plan.Target, c *plan.Costs) { c.PageCPU["redis"] = -5 },
		"free orders":           func(_ *plan.Target, c *plan.Costs) { c.OrderCPU["order"] = 0 },
		"transactions at once":  func(_ *plan.Target, c *plan.Costs) { c.FixedMS = 0 },
		"hops back in time":     func(_ *plan.Target, c *plan.Costs) { c.HopMS = -1 },
		"batches of none":       func(_ *plan.Target, c *plan.Costs) { c.FunnelMax = 0 },
		"a row nobody measured": func(_ *plan.Target, c *plan.Costs) { c.HotSKUPerS = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			to, c := target(), round()
			spoil(&to, &c)
			if p, err := plan.Make(c, to); err == nil {
				t.Errorf("planned: %+v", p)
			}
		})
	}
}

func TestCostsOfAReport(t *testing.T) {
	const report = `{"void": false, "engines": "native", "cpu_us_per_order": {"total": 9, "by_process": {"order-1": 100, "order-2": 50, "mariadb": 200, "psp-1": 7}}}`
	c, err := round().WithReport(strings.NewReader(report), "run.json")
	if err != nil {
		t.Fatal(err)
	}
	if c.OrderCPU["order"] != 150 || c.OrderCPU["mariadb"] != 200 || len(c.OrderCPU) != 2 || c.Source != "run.json" || c.FixedMS != 2 {
		t.Errorf("%+v", c)
	}
	for name, bad := range map[string]string{
		"void":       `{"void": true, "why": "errors"}`,
		"no gateway": `{"engines": "native", "target": "order", "cpu_us_per_order": {"by_process": {"order-1": 260}}}`,
		"embedded":   `{"engines": "embedded", "cpu_us_per_order": {"by_process": {"souk": 600}}}`,
		"empty":      `{}`,
		"no JSON":    `completed 3/s`,
	} {
		if _, err := round().WithReport(strings.NewReader(bad), "run.json"); err == nil {
			t.Errorf("a report that is %s was taken", name)
		}
	}
}
