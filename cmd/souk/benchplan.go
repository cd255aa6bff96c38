package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/plan"
)

const planHelp = `Compute what a load needs from what an order and a page have cost, and simulate
how long orders take then: nodes, partitions, connections, what engines carry,
and what gives way first.

Costs are those measured on two cores (docs/scaling.md) unless --report brings
the CPU of a run of your own. Everything beyond that machine is extrapolated.`

// planRequest is the command line of bench plan.
type planRequest struct {
	target plan.Target
	report string
	cpu    map[string]int
	fixed  float64
	hop    float64
}

func benchPlanCommand(a *app) *cobra.Command {
	var req planRequest
	measured := plan.Measured()
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Compute what a load needs, from measured costs",
		Long:    planHelp,
		Example: "  souk bench plan --orders 10000 --pages 1200000\n  souk bench orders --json > run.json && souk bench plan --report run.json\n  souk bench plan --orders 80000 --cpu mariadb=250,order=200 --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.benchPlan(req) },
	}
	f := cmd.Flags()
	f.Float64Var(&req.target.Orders, "orders", 10_000, "orders per second")
	f.Float64Var(&req.target.Pages, "pages", 0, "product pages read per second")
	f.Float64Var(&req.target.Products, "products", 100_000, "products in the catalogue")
	f.Float64Var(&req.target.Headroom, "headroom", 0.6, "the share of a core, or of a funnel, that may be busy")
	f.IntVar(&req.target.CoresPerNode, "cores-per-node", 16, "cores of one machine")
	f.StringVar(&req.report, "report", "", "file with the outcome of `souk bench orders --json`, for the CPU of an order")
	f.StringToIntVar(&req.cpu, "cpu", nil, "µs of CPU per order by process, e.g. order=200,mariadb=250; the others stay")
	f.Float64Var(&req.fixed, "fixed-ms", measured.FixedMS, "time of a transaction, whatever it holds")
	f.Float64Var(&req.hop, "hop-ms", measured.HopMS, "time from a commit to the event's arrival at the next service")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) benchPlan(req planRequest) error {
	costs, err := req.costs()
	if err != nil {
		return err
	}
	p, err := plan.Make(costs, req.target)
	if err != nil {
		return err
	}
	p.Latency = plan.Simulate(p.Pipeline())
	if a.json {
		return a.printJSON(p)
	}
	a.printPlan(p)
	return nil
}

func (r planRequest) costs() (c plan.Costs, err error) {
	c = plan.Measured()
	if r.report != "" {
		file, err := os.Open(r.report)
		if err != nil {
			return c, err
		}
		c, err = c.WithReport(file, r.report)
		if err := errors.Join(err, file.Close()); err != nil {
			return c, err
		}
	}
	for name, us := range r.cpu {
		c.OrderCPU[name] = float64(us)
	}
	c.FixedMS, c.HopMS = r.fixed, r.hop
	return c, nil
}

func (a *app) printPlan(p plan.Plan) {
	t := p.Target
	a.printf("%.0f orders/s, %.0f pages/s; %.0f %% of a core or a funnel busy at most; costs of %s\n\n", t.Orders, t.Pages, 100*t.Headroom, p.Costs.Source)
	a.printf("nodes of %d cores    %d: services %d, mariadb %d, kafka %d, redis %d\n\n", t.CoresPerNode,
		p.Nodes.Total, p.Nodes.Services, p.Nodes.SQL, p.Nodes.Kafka, p.Nodes.Redis)
	a.printf("%-12s %10s %10s %9s\n", "", "busy cores", "cores", "replicas")
	for _, tier := range p.Tiers {
		a.printf("%-12s %10.1f %10.1f %9d\n", tier.Name, tier.Busy, tier.Cores, tier.Replicas)
	}
	a.printf("\n%-12s %10s %14s %9s %6s %7s %10s\n", "loop", "events/s", "one, at most", "replicas", "busy", "batch", "commits/s")
	for _, l := range p.Loops {
		a.printf("%-12s %10.0f %14.0f %9d %4.0f %% %7.1f %10.0f\n", l.Name, l.PerS, l.MostPerS, l.Replicas, 100*l.BusyShare, l.Batch, l.CommitPerS)
	}
	a.printf("\n%-12s %d per topic\n", "partitions", p.Partitions)
	a.printf("%-12s SQL %d, Kafka %d, Redis %d\n", "connections", p.Connections.SQL, p.Connections.Kafka, p.Connections.Redis)
	a.printf("%-12s %.0f rows/s, %.0f commits/s, %.0f GB a day\n", "SQL", p.SQL.RowsPerS, p.SQL.CommitsPerS, p.SQL.GBPerDay)
	a.printf("%-12s %.1f MB/s in, %.1f to disks, %.1f out\n", "Kafka", p.Kafka.InMBPerS, p.Kafka.LogMBPerS, p.Kafka.OutMBPerS)
	a.printf("%-12s %.0f commands/s, %.0f MB\n\n", "Redis", p.Redis.CommandsPerS, p.Redis.MemoryMB)
	a.printf("gives way first, as a multiple of this load\n")
	for _, l := range p.Limits {
		a.printf("%10.2f  %-46s then: %s\n", l.Carries, l.What, l.MoveTo)
	}
	a.printf("\nsimulated, %d orders: accepted p50 %.1f p99 %.1f ms, completed p50 %.1f p99 %.1f ms\n",
		p.Latency.Orders, p.Latency.AcceptP50, p.Latency.AcceptP99, p.Latency.CompleteP50, p.Latency.CompleteP99)
}
