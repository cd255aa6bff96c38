package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench/browse"
)

// browsed is how many products' pages are looked at, at most.
const browsed = 1000

func benchBrowseCommand(a *app) *cobra.Command {
	var cfg browse.Config
	cmd := &cobra.Command{
		Use:   "browse",
		Short: "Measure product pages per second, their latency and their CPU",
		Long: `Ask for product pages as fast as the answers come and ask an empty handler in
the same way, in turns of a second, and report both: requests per second, latency,
CPU of each, and how many times the empty handler's CPU a page costs.

Exits 3 when the run is void: it then prints why, and no figures.`,
		Example: "  souk bench browse\n  souk bench browse --target inventory --conditional\n  souk bench browse --duration 30s --clients 256 --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.benchBrowse(cmd.Context(), cfg) },
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Target, "target", "gateway", "what to ask: gateway or inventory")
	f.BoolVar(&cfg.Conditional, "conditional", false, "send If-None-Match, so that every page is answered with 304")
	f.IntVar(&cfg.Clients, "clients", 64, "connections")
	f.DurationVar(&cfg.Warmup, "warmup", 2*time.Second, "load before each of the two measurements")
	f.DurationVar(&cfg.Duration, "duration", 10*time.Second, "each of the two measurements")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) benchBrowse(ctx context.Context, cfg browse.Config) error {
	if cfg.Target != "gateway" && cfg.Target != "inventory" {
		return fmt.Errorf("--target %s: want gateway or inventory", cfg.Target)
	}
	if cfg.Clients < 1 || cfg.Duration <= 0 { // which Config takes for its defaults
		return errors.New("--clients and --duration must be positive")
	}
	if err := errors.Join(cfg.Validate(), a.mustRun()); err != nil {
		return err
	}
	cfg.Progress = func(what string) { a.progress.Say("%s", what) }
	s, err := a.browseStack(ctx, cfg.Target)
	if err != nil {
		return err
	}
	r, err := browse.Run(ctx, cfg, s)
	if err != nil {
		return err
	}
	if err := a.printBrowse(r); err != nil {
		return err
	}
	if r.Void {
		return voidRun{errors.New("the run is void: " + r.Why)}
	}
	return nil
}

func (a *app) browseStack(ctx context.Context, target string) (browse.Stack, error) {
	status := a.report(ctx)
	addresses, err := targets(status, target)
	if err != nil {
		return browse.Stack{}, err
	}
	skus, err := a.onSale(ctx)
	return browse.Stack{
		Engines: status.Mode, Targets: addresses, SKUs: skus, Processes: processes(status), Empty: startEmptyHandler,
	}, err
}

// onSale lists products that have a page.
func (a *app) onSale(ctx context.Context) (skus []string, err error) {
	db, err := a.openDatabase(ctx, "inventory")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Query(ctx, "SELECT sku FROM product WHERE withdrawn = 0 ORDER BY sku LIMIT ?", browsed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var sku string
		if err := rows.Scan(&sku); err != nil {
			return nil, err
		}
		skus = append(skus, sku)
	}
	return skus, rows.Err()
}

func (a *app) printBrowse(r browse.Report) error {
	if a.json {
		return a.printJSON(r)
	}
	if r.Void {
		a.printf("void: %s\n", r.Why)
		return nil
	}
	a.printf("%-14s %10s %8s %8s %8s %12s\n", "", "per second", "p50 ms", "p95 ms", "p99 ms", "CPU µs each")
	for _, row := range []struct {
		name string
		*browse.Figures
	}{{r.Target, r.Pages}, {"empty handler", r.Empty}} {
		a.printf("%-14s %10.0f %8.2f %8.2f %8.2f %12.1f\n", row.name, row.PerS, row.MS.P50, row.MS.P95, row.MS.P99, row.CPUUS)
	}
	a.printf("%-14s %9.2f× %38.2f×\n", "ratio", *r.PerSRatio, *r.CPURatio)
	return nil
}
