package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Costs is what was measured. CPU is in microseconds, by service and engine.
type Costs struct {
	Source               string             `json:"source"`
	OrderCPU             map[string]float64 `json:"order_cpu_us"`
	PageCPU              map[string]float64 `json:"page_cpu_us"`
	FixedMS              float64            `json:"batch_fixed_ms"` // of a transaction, whatever it holds
	HopMS                float64            `json:"hop_ms"`         // outbox, Kafka and fetch
	IntakeMax            int                `json:"intake_batch_max"`
	FunnelMax            int                `json:"funnel_batch_max"`
	RowsPerOrder         float64            `json:"sql_rows_per_order"`    // that stay
	SQLBytesPerOrder     float64            `json:"sql_bytes_per_order"`   // that stay, indexes included
	OrderTopicBytes      float64            `json:"order_topic_bytes"`     // per order, compressed
	ReplyBytes           float64            `json:"reply_topics_bytes"`    // likewise, of the three topics order reads
	CommandsPerOrder     float64            `json:"redis_per_order"`       // commands
	CommandsPerPage      float64            `json:"redis_per_page"`        // commands
	RedisBytesPerProduct float64            `json:"redis_product_bytes"`   // a page and its key
	HotSKUPerS           float64            `json:"hot_sku_orders_per_s"`  // on one stock row
	FlushesPerS          float64            `json:"sql_commits_one_per_s"` // of a primary, one transaction at a time
}

// Services are the processes that serve orders and pages.
func Services() []string { return []string{"gateway", "order", "inventory", "payment", "points"} }

// Engines are what they stand on.
func Engines() []string { return []string{"mariadb", "kafka", "redis"} }

// Measured is what souk cost on two cores in November 2026;
// docs/scaling.md says how each figure was taken.
func Measured() Costs {
	return Costs{
		Source: "2 cores, native engines, 2026-11-23",
		OrderCPU: map[string]float64{
			"gateway": 68, "order": 87, "inventory": 22, "payment": 17, "points": 14, "mariadb": 93, "kafka": 22, "redis": 6,
		},
		PageCPU: map[string]float64{"gateway": 141, "inventory": 131, "redis": 19},
		FixedMS: 2, HopMS: 7, IntakeMax: 1_000, FunnelMax: 4_000,
		RowsPerOrder: 7.3, SQLBytesPerOrder: 3_028, OrderTopicBytes: 140, ReplyBytes: 94,
		CommandsPerOrder: 4.5, CommandsPerPage: 1.2, RedisBytesPerProduct: 640,
		HotSKUPerS: 25_000, FlushesPerS: 1_000,
	}
}

// Validate reports costs that cannot be: everything costs something but what a
// process may not be asked for at all.
func (c Costs) Validate() error {
	for _, of := range []map[string]float64{c.OrderCPU, c.PageCPU} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			if !isProcess(name) {
				return fmt.Errorf("CPU of %s: want one of %s", name, strings.Join(append(Services(), Engines()...), ", "))
			}
			if !(of[name] >= 0 && of[name] <= 1e6) {
				return fmt.Errorf("CPU of %s is %g µs: want 0 to a million", name, of[name])
			}
		}
	}
	if !(c.FixedMS > 0 && c.FixedMS <= 1e4) || !(c.HopMS >= 0 && c.HopMS <= 1e4) {
		return fmt.Errorf("a batch takes %g ms and a hop %g ms: want more than 0, at most 10,000", c.FixedMS, c.HopMS)
	}
	if c.IntakeMax < 1 || c.FunnelMax < 1 {
		return errors.New("a batch holds one event at least")
	}
	if c.OrderCPU["order"] <= 0 || c.OrderCPU["mariadb"] <= 0 || c.HotSKUPerS <= 0 || c.FlushesPerS <= 0 {
		return errors.New("the CPU of order and of mariadb, and what one stock row and one log carry, must be known")
	}
	return nil
}

func isProcess(name string) bool { return slices.Contains(append(Services(), Engines()...), name) }

// timing is a batch's in a loop. An event takes its service's CPU time, and
// MariaDB's for it, shared among an order's visits to the service's loops and to
// all loops: as if one core did one after the other.
func (c Costs) timing(loop string) Timing {
	own, all := 0, len(steps)
	for _, s := range steps {
		if serviceOf(s.loop) == serviceOf(loop) {
			own++
		}
	}
	item := c.OrderCPU[serviceOf(loop)]/float64(own) + c.OrderCPU["mariadb"]/float64(all)
	most := c.FunnelMax
	if loop == intakeLoop {
		most = c.IntakeMax
	}
	return Timing{Fixed: c.FixedMS / 1e3, Item: item / 1e6, Max: most}
}

// bench is the part of what `souk bench orders --json` prints that matters here.
type bench struct {
	Void    bool   `json:"void"`
	Why     string `json:"why"`
	Engines string `json:"engines"`
	Target  string `json:"target"`
	CPU     *struct {
		ByProcess map[string]float64 `json:"by_process"`
	} `json:"cpu_us_per_order"`
}

// WithReport replaces the CPU that orders cost by that of a bench report. Void
// runs have none, and the embedded engines' says nothing about the real ones.
func (c Costs) WithReport(r io.Reader, source string) (Costs, error) {
	var b bench
	if err := json.NewDecoder(r).Decode(&b); err != nil {
		return c, fmt.Errorf("read %s: %w", source, err)
	}
	switch {
	case b.Void:
		return c, fmt.Errorf("the run of %s is void: %s", source, b.Why)
	case b.Engines == "embedded":
		return c, fmt.Errorf("the run of %s was on the embedded engines", source)
	case b.Target == "order":
		return c, fmt.Errorf("the run of %s went straight to order, past the gateway: what that costs is not in it", source)
	case b.CPU == nil:
		return c, fmt.Errorf("%s has no cpu_us_per_order: want what `souk bench orders --json` prints", source)
	}
	c.Source, c.OrderCPU = source, map[string]float64{}
	for process, us := range b.CPU.ByProcess {
		name, _, _ := strings.Cut(process, "-") // replicas count together
		if isProcess(name) {
			c.OrderCPU[name] += us
		}
	}
	return c, nil
}
