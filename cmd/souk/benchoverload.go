package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
)

func benchOverloadCommand(a *app) *cobra.Command {
	var cfg bench.OverloadConfig
	cmd := &cobra.Command{
		Use:   "overload",
		Short: "Measure what becomes of several times the load that souk can bear",
		Long: `Find how many orders are accepted per second when nobody asks for more (the knee),
offer several times as many, and report how many are still accepted, how long those
take, and how soon half the knee is served as before. Refusals are what is to be
seen here; what was accepted must complete, and the audit be clean.

Refusing costs CPU too, and so does asking: give the generator a core of its own.

Exits 3 when the run is void: it then says why.`,
		Example: "  souk bench overload\n  souk bench overload --target order --factors 2,5 --duration 30s --json\n" +
			"  taskset -c 0 souk up --infra native && taskset -c 1 souk bench overload",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchOverload(cmd.Context(), cfg) },
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Target, "target", "gateway", "what the orders are sent to: gateway or order")
	f.Float64SliceVar(&cfg.Factors, "factors", []float64{3, 10}, "times the knee")
	f.IntVar(&cfg.Knee, "knee-clients", 256, "connections of the closed loop that finds the knee")
	f.IntVar(&cfg.Clients, "clients", 2000, "connections of the overload")
	f.DurationVar(&cfg.Warmup, "warmup", 10*time.Second, "load before the knee is measured")
	f.DurationVar(&cfg.Duration, "duration", 15*time.Second, "the knee, and each overload")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) benchOverload(ctx context.Context, cfg bench.OverloadConfig) error {
	if cfg.Knee < 1 || cfg.Clients < 1 || cfg.Duration <= 0 || len(cfg.Factors) == 0 { // which the config takes for its defaults
		return errors.New("--factors, --knee-clients, --clients and --duration must be positive")
	}
	if err := errors.Join(checkOrders(bench.Config{Target: cfg.Target, Profile: bench.Uniform}), cfg.Validate()); err != nil {
		return err
	}
	cfg.Progress = func(what string) { a.progress.Say("%s", what) }
	var r bench.OverloadReport
	err := a.withBench(ctx, cfg.Target, func(s bench.Stack) (err error) {
		r, err = bench.RunOverload(ctx, cfg, s)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.printOverload(r); err != nil {
		return err
	}
	if r.Void {
		return voidRun{errors.New("the run is void: " + r.Why)}
	}
	return nil
}

func (a *app) printOverload(r bench.OverloadReport) error {
	if a.json {
		return a.printJSON(r)
	}
	a.printf("%-10s %10s %10s %8s %10s %6s %9s\n", "", "offered/s", "accepted/s", "goodput", "p99 ms", "", "recovery")
	a.printf("%-10s %10s %10.1f %8s %10.1f\n", "the knee", "", r.Knee.PerS, "", r.Knee.P99MS)
	for _, o := range r.Overloads {
		a.printf("%-10s %10.1f %10.1f %7.0f%% %10.1f %5.1f× %7.0f s  %s\n", fmt.Sprintf("%g×", o.Factor),
			o.OfferedPerS, o.AcceptedPerS, 100*o.Goodput, o.P99MS, o.P99Ratio, o.RecoveryS, held(o.Held))
	}
	for _, o := range r.Overloads {
		a.printf("refused at %g×: %s\n", o.Factor, bench.Counts(o.Refused))
	}
	if r.Audit != nil {
		a.printf("audit clean: %t, %d orders\n", r.Audit.Clean, r.Audit.Checked.Orders)
	}
	return nil
}

func held(is bool) string {
	if is {
		return "held"
	}
	return "not held"
}
