package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/cmd/souk/internal/bench/chart"
	"souk.example/cmd/souk/internal/bench/limits"
)

// aside is what else a bench of orders is asked for.
type aside struct {
	limits bool
	chart  string // file; empty: none
}

func benchOrdersCommand(a *app) *cobra.Command {
	var cfg bench.Config
	var also aside
	cmd := &cobra.Command{
		Use:   "orders",
		Short: "Measure orders completed per second, their latency and their CPU",
		Long: `Buy as fast as the answers come, or at a fixed rate of arrivals, and report how
many orders completed, how long they took and how much CPU each one cost; with
--limits also what each must cost at least, as "souk bench limits" measures it.

Exits 3 when the run is void: it then prints why, and no figures.`,
		Example: "  souk bench orders --duration 60s\n  souk bench orders --rate 500 --duration 60s --json\n" +
			"  souk bench orders --profile hot --target order\n  souk bench orders --limits --chart orders.html",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchOrders(cmd.Context(), cfg, also) },
	}
	loadFlags(cmd, &cfg)
	cmd.Flags().BoolVar(&also.limits, "limits", false, "measure the engines first, for a second each operation, and compare with the bound")
	cmd.Flags().StringVar(&also.chart, "chart", "", "write a page that shows the window second by second to this file")
	a.jsonFlag(cmd)
	return cmd
}

// ordersFlags say what the orders are like.
func ordersFlags(cmd *cobra.Command, cfg *bench.Config) {
	cmd.Flags().StringVar(&cfg.Target, "target", "gateway", "what the orders are sent to: gateway or order")
	cmd.Flags().StringVar((*string)(&cfg.Profile), "profile", string(bench.Uniform), "uniform: a thousand products; hot: one")
}

// loadFlags say how they are sent, too.
func loadFlags(cmd *cobra.Command, cfg *bench.Config) {
	ordersFlags(cmd, cfg)
	f := cmd.Flags()
	f.Float64Var(&cfg.Rate, "rate", 0, "orders per second, whether or not earlier ones were answered; 0 sends the next when one is answered")
	f.IntVar(&cfg.Clients, "clients", 64, "connections")
	f.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "load before the measurement")
	f.DurationVar(&cfg.Duration, "duration", time.Minute, "the measurement")
}

// checkOrders refuses what ordersFlags cannot mean.
func checkOrders(cfg bench.Config) error {
	switch {
	case cfg.Target != "gateway" && cfg.Target != "order":
		return fmt.Errorf("--target %s: want gateway or order", cfg.Target)
	case cfg.Profile != bench.Uniform && cfg.Profile != bench.Hot:
		return fmt.Errorf("--profile %s: want uniform or hot", cfg.Profile)
	}
	return nil
}

// checkLoad refuses what loadFlags cannot mean.
func checkLoad(cfg bench.Config) error {
	if err := errors.Join(checkOrders(cfg), cfg.Validate()); err != nil {
		return err
	}
	if cfg.Clients < 1 { // which Config takes for its default
		return fmt.Errorf("--clients %d: want 1 or more", cfg.Clients)
	}
	return nil
}

func (a *app) benchOrders(ctx context.Context, cfg bench.Config, also aside) error {
	if err := errors.Join(checkLoad(cfg), checkWritable(also.chart)); err != nil {
		return err
	}
	r, err := a.runBench(ctx, cfg, func(s *bench.Stack) {
		if also.limits {
			s.Limits = func(ctx context.Context) (limits.Report, error) {
				return a.measureLimits(ctx, limits.Config{Duration: time.Second}, cfg, s.Engines, s.Processes, s.Order)
			}
		}
	})
	if err != nil {
		return err
	}
	if err := a.printBench(r); err != nil {
		return err
	}
	if also.chart != "" && !r.Void {
		if err := a.writeChart(also.chart, r); err != nil {
			return err
		}
	}
	return voidError(r)
}

func voidError(r bench.Report) error {
	if r.Void {
		return voidRun{errors.New("the run is void: " + r.Why)}
	}
	return nil
}

// checkWritable finds out before the load whether there will be a chart after it.
func checkWritable(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("--chart: %w", err)
	}
	return file.Close()
}

func (a *app) writeChart(path string, r bench.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(chart.Write(file, r), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	a.progress.Done("chart written to %s", path)
	return nil
}

// runBench measures orders on the souk that runs, as adjust has completed it.
func (a *app) runBench(ctx context.Context, cfg bench.Config, adjust func(*bench.Stack)) (r bench.Report, err error) {
	cfg.Progress = func(what string) { a.progress.Say("%s", what) }
	err = a.withBench(ctx, cfg.Target, func(s bench.Stack) (err error) {
		adjust(&s)
		r, err = bench.Run(ctx, cfg, s)
		return err
	})
	return r, err
}

// withBench does something with the souk that runs and its databases.
func (a *app) withBench(ctx context.Context, target string, do func(bench.Stack) error) error {
	s, err := a.benchStack(ctx, target)
	if err != nil {
		return err
	}
	dbs, err := a.openDatabases(ctx, "inventory", "order", "payment")
	if err != nil {
		return err
	}
	s.Inventory, s.Order, s.Payment = dbs["inventory"], dbs["order"], dbs["payment"]
	return errors.Join(do(s), dbs.close())
}

func (a *app) printBench(r bench.Report) error {
	if a.json {
		return a.printJSON(r)
	}
	for _, note := range r.Notes {
		a.printf("note: %s\n", note)
	}
	if r.Void {
		a.printf("void: %s\n", r.Why)
		return nil
	}
	a.printf("%-22s %.1f/s on %s engines\n", "completed", *r.CompletedPerS, r.Engines)
	a.printf("%-22s p50 %.1f  p95 %.1f  p99 %.1f ms\n", "accepted after", r.AcceptMS.P50, r.AcceptMS.P95, r.AcceptMS.P99)
	a.printf("%-22s p50 %.1f  p99 %.1f ms\n", "completed after", r.CompleteMS.P50, r.CompleteMS.P99)
	a.printf("%-22s %.0f µs\n", "CPU per order", r.CPUUSPerOrder.Total)
	for _, name := range slices.Sorted(maps.Keys(r.CPUUSPerOrder.ByProcess)) {
		a.printf("  %-20s %.0f µs%s\n", name, r.CPUUSPerOrder.ByProcess[name], allocations(r, name))
	}
	a.printBound(r)
	a.printBatches(r)
	a.printf("%-22s %.0f %% busy: stack %.0f, generator %.0f, others %.0f\n", fmt.Sprintf("%d cores", r.Machine.Cores),
		r.Machine.BusyPercent, r.Machine.StackPercent, r.Machine.GeneratorPercent, r.Machine.OthersPercent)
	a.printf("%-22s clean, %d orders\n", "audit", r.Audit.Checked.Orders)
	return nil
}

// allocations tells what a process allocated, where that is known.
func allocations(r bench.Report, process string) string {
	allocated, known := r.AllocsPerOrder[process]
	if !known {
		return ""
	}
	return fmt.Sprintf(", %.0f bytes in %.0f objects allocated", allocated.Bytes, allocated.Objects)
}

func (a *app) printBound(r bench.Report) {
	if r.Limits != nil {
		a.printf("%-22s %.0f µs, %.0f %% of it\n", "bound", *r.BoundUSPerOrder, 100**r.BoundShare)
	}
}

func (a *app) printBatches(r bench.Report) {
	a.printf("%-22s %.1f orders", "batches: intake", r.Batches.Intake)
	for _, group := range slices.Sorted(maps.Keys(r.Batches.Inbox)) {
		a.printf(", %s %.1f", group, r.Batches.Inbox[group])
	}
	a.printf(" events\n%-22s", "events in a pack")
	for _, topic := range slices.Sorted(maps.Keys(r.Batches.Packs)) {
		a.printf(" %s %.1f ", topic, r.Batches.Packs[topic])
	}
	records, age := 0.0, 0.0
	for _, n := range r.Behind.LagRecords {
		records += n
	}
	for _, s := range r.Behind.OutboxAgeS {
		age = max(age, s)
	}
	a.printf("\n%-22s %.0f records unread, oldest unsent pack %.2f s\n", "at the end", records, age)
}
