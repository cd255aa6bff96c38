package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/pkg/database"
)

func benchLimitsCommand(a *app) *cobra.Command {
	var cfg limits.Config
	var orders bench.Config // whose bound it is
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Measure what the engines can do at best, and what an order must cost at least",
		Long: `Do what an order asks of the engines, one operation at a time, with nothing else
around it: rows in SQL, events through Kafka, slots in Redis, requests to an
empty handler. What the operations of one order cost together, in CPU of engine
and client, is the bound that "souk bench orders --limits" compares itself with.

Everything is done in scratch tables, a scratch topic and keys of its own, which
are removed afterwards. Souk must be up, and should have nothing else to do.`,
		Example: "  souk bench limits\n  souk bench limits --duration 5s --json\n  souk bench limits --target order --profile hot",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.benchLimits(cmd.Context(), cfg, orders) },
	}
	ordersFlags(cmd, &orders)
	cmd.Flags().DurationVar(&cfg.Duration, "duration", 2*time.Second, "the measurement of each operation")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) benchLimits(ctx context.Context, cfg limits.Config, orders bench.Config) error {
	if err := errors.Join(checkOrders(orders), cfg.Validate()); err != nil {
		return err
	}
	if cfg.Duration == 0 { // which Config takes for its default
		return errors.New("--duration 0s: want 100ms to 30s for each operation")
	}
	if err := a.mustRun(); err != nil {
		return err
	}
	db, err := a.openDatabase(ctx, "order")
	if err != nil {
		return err
	}
	status := a.report(ctx)
	r, err := a.measureLimits(ctx, cfg, orders, status.Mode, processes(status), db)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	a.printf("on %s engines, %g s each\n", r.Engines, r.DurationS)
	a.printLimits(r)
	return nil
}

// measureLimits measures on a souk that runs; db is order's.
func (a *app) measureLimits(
	ctx context.Context, cfg limits.Config, orders bench.Config, engines string, processes []cputime.Process, db *database.DB,
) (limits.Report, error) {
	cfg.Course = limits.Course{Gateway: orders.Target == "gateway", Hot: orders.Profile == bench.Hot}
	cfg.Progress = func(what string) { a.progress.Say("%s", what) }
	return limits.Run(ctx, cfg, limits.Stack{
		Engines: engines, Redis: a.addresses.Redis, Kafka: a.addresses.Kafka, Database: db, Processes: processes, Empty: startEmptyHandler,
	})
}

func (a *app) printLimits(r limits.Report) {
	a.printf("%-16s %14s %12s %12s\n", "", "per second", "CPU µs each", "an order's")
	for _, l := range r.Limits {
		a.printf("%-16s %14.0f %12.2f %9.2f\n", l.Operation, l.PerS, l.CPUUS, l.PerOrder)
	}
	a.printf("%-16s %.0f µs of CPU for an order\n", "bound", r.BoundUSPerOrder)
}
