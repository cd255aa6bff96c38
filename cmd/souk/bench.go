package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/internal/audit"
)

func benchCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure what this souk can do"}
	cmd.AddCommand(benchOrdersCommand(a))
	return cmd
}

func benchOrdersCommand(a *app) *cobra.Command {
	var cfg bench.Config
	cmd := &cobra.Command{
		Use:   "orders",
		Short: "Measure orders completed per second, their latency and their CPU",
		Long: `Buy as fast as the answers come, or at a fixed rate of arrivals, and report how
many orders completed, how long they took and how much CPU each one cost.

Exits 3 when the run is void: it then prints why, and no figures.`,
		Example: "  souk bench orders --duration 60s\n  souk bench orders --rate 500 --duration 60s --json\n  souk bench orders --profile hot --target order",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.benchOrders(cmd.Context(), cfg) },
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Target, "target", "gateway", "what to send the orders to: gateway or order")
	f.StringVar((*string)(&cfg.Profile), "profile", string(bench.Uniform), "uniform: a thousand products; hot: one")
	f.Float64Var(&cfg.Rate, "rate", 0, "orders per second, whether or not earlier ones were answered; 0 sends the next when one is answered")
	f.IntVar(&cfg.Clients, "clients", 64, "connections")
	f.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "load before the measurement")
	f.DurationVar(&cfg.Duration, "duration", time.Minute, "the measurement")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) benchOrders(ctx context.Context, cfg bench.Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if cfg.Target != "gateway" && cfg.Target != "order" {
		return fmt.Errorf("--target %s: want gateway or order", cfg.Target)
	}
	if cfg.Clients < 1 {
		return fmt.Errorf("--clients %d: want 1 or more", cfg.Clients)
	}
	cfg.Progress = func(what string) { a.progress.Say("%s", what) }
	r, err := a.runBench(ctx, cfg)
	if err != nil {
		return err
	}
	if err := a.printBench(r); err != nil {
		return err
	}
	if r.Void {
		return voidRun{errors.New("the run is void: " + r.Why)}
	}
	return nil
}

func (a *app) runBench(ctx context.Context, cfg bench.Config) (bench.Report, error) {
	s, err := a.benchStack(ctx, cfg.Target)
	if err != nil {
		return bench.Report{}, err
	}
	dbs, err := a.openDatabases(ctx, "inventory", "order", "payment")
	if err != nil {
		return bench.Report{}, err
	}
	s.Inventory, s.Order, s.Payment = dbs["inventory"], dbs["order"], dbs["payment"]
	r, err := bench.Run(ctx, cfg, s)
	return r, errors.Join(err, dbs.close())
}

// benchStack describes the running souk to the bench, its databases excepted.
func (a *app) benchStack(ctx context.Context, target string) (bench.Stack, error) {
	err := a.mustRun()
	if err != nil {
		return bench.Stack{}, err
	}
	status := a.report(ctx)
	if !status.ready() {
		return bench.Stack{}, errors.New("not every service is ready; see `souk status`")
	}
	s := bench.Stack{
		Engines: status.Mode, Gateway: status.GatewayURL, Processes: processes(status),
		Audit: func(ctx context.Context) (audit.Report, error) {
			return a.runAudit(ctx, audit.Config{Progress: a.auditProgress()})
		},
	}
	if s.Targets, err = targets(status, target); err != nil {
		return s, err
	}
	err = a.addBuyers(ctx, &s)
	return s, err
}

func (a *app) addBuyers(ctx context.Context, s *bench.Stack) error {
	admin, err := a.mint(ctx, tokenRequest{email: adminEmail})
	if err != nil {
		return err
	}
	s.Admin = admin[0].AccessToken
	tokens, err := a.mint(ctx, tokenRequest{count: bench.Customers})
	if err != nil {
		return err
	}
	for _, t := range tokens {
		id, err := strconv.ParseInt(t.UserID, 10, 64)
		if err != nil {
			return err
		}
		s.Customers = append(s.Customers, bench.Customer{ID: id, Token: t.AccessToken})
	}
	return nil
}

// targets are the addresses of a service's replicas.
func targets(status statusReport, service string) ([]string, error) {
	var addresses []string
	for _, s := range status.Services {
		if s.Name != service {
			continue
		}
		u, err := url.Parse(s.URL)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, u.Host)
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("no %s runs", service)
	}
	return addresses, nil
}

// processes are the stack's processes: services by name and replica, engines by
// name; one that hosts several is "souk".
func processes(status statusReport) []bench.Process {
	names, order := map[int]string{}, []int{}
	add := func(pid int, name string) {
		if _, known := names[pid]; known {
			names[pid] = "souk"
		} else if pid != 0 {
			names[pid] = name
			order = append(order, pid)
		}
	}
	for _, s := range status.Services {
		add(s.PID, s.Name+"-"+strconv.Itoa(s.Replica))
	}
	for _, e := range status.Engines {
		add(e.PID, e.Name)
	}
	all := make([]bench.Process, len(order))
	for i, pid := range order {
		all[i] = bench.Process{Name: names[pid], PID: pid}
	}
	return all
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
		a.printf("  %-20s %.0f µs\n", name, r.CPUUSPerOrder.ByProcess[name])
	}
	a.printf("%-22s %.0f %% busy: stack %.0f, generator %.0f, others %.0f\n", fmt.Sprintf("%d cores", r.Machine.Cores),
		r.Machine.BusyPercent, r.Machine.StackPercent, r.Machine.GeneratorPercent, r.Machine.OthersPercent)
	a.printf("%-22s clean, %d orders\n", "audit", r.Audit.Checked.Orders)
	return nil
}
