package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/cmd/souk/internal/bench/profiles"
)

// profiling is what to do with the profiles of a bench.
type profiling struct {
	out string
	top int
}

func benchProfileCommand(a *app) *cobra.Command {
	var cfg bench.Config
	var p profiling
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Profile the services while orders are bought, and show what an order costs where",
		Long: `Do what "souk bench orders" does, have every process of the services profile
itself meanwhile, and print for each the dearest functions in microseconds of CPU
and in bytes per order: souk's own with all that they call, and anybody's alone.
The profiles are kept for "go tool pprof".

Profiling costs some CPU itself: compare its figures with each other, not with
those of "souk bench orders". Exits 3 when the run is void.`,
		Example: "  souk bench profile --duration 30s\n  souk bench profile --target order --top 20 --out /tmp/profiles\n  go tool pprof -http : bin/profiles/order-1.cpu.pb.gz",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.benchProfile(cmd.Context(), cfg, p) },
	}
	loadFlags(cmd, &cfg)
	cmd.Flags().StringVar(&p.out, "out", filepath.Join("bin", "profiles"), "directory for the profiles; those of an earlier run are replaced")
	cmd.Flags().IntVar(&p.top, "top", 10, "functions to print of each kind")
	a.jsonFlag(cmd)
	return cmd
}

// profiledRun is what a profile tells.
type profiledRun struct {
	Orders    bench.Report     `json:"orders"`
	Files     []profiles.Files `json:"files"`
	Processes []profiles.Costs `json:"processes"` // empty when the run is void
}

func (a *app) benchProfile(ctx context.Context, cfg bench.Config, p profiling) error {
	if err := checkLoad(cfg); err != nil {
		return err
	}
	if p.top < 1 || p.out == "" {
		return errors.New("--top must be 1 or more, and --out a directory")
	}
	out := profiledRun{Processes: []profiles.Costs{}}
	r, err := a.runBench(ctx, cfg, func(s *bench.Stack) {
		s.During = func(ctx context.Context, window time.Duration) (err error) {
			out.Files, err = profiles.Take(ctx, s.Listeners, window, p.out)
			return err
		}
	})
	if err != nil {
		return err
	}
	out.Orders = r
	if !r.Void {
		if out.Processes, err = costs(out.Files, r.Orders.Completed, p.top); err != nil {
			return err
		}
	}
	if err := a.printProfile(out, p); err != nil {
		return err
	}
	return voidError(r)
}

func costs(files []profiles.Files, orders, top int) ([]profiles.Costs, error) {
	all := make([]profiles.Costs, len(files))
	for i, f := range files {
		var err error
		if all[i], err = profiles.Read(f, orders, top); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (a *app) printProfile(out profiledRun, p profiling) error {
	if a.json {
		return a.printJSON(out)
	}
	if err := a.printBench(out.Orders); err != nil {
		return err
	}
	for _, c := range out.Processes {
		a.printf("\n%s: %.0f µs of CPU and %.0f bytes allocated per order\n", c.Process, c.CPUUS, c.AllocBytes)
		a.printCosts("µs with all it calls, souk's own", c.Cumulative)
		a.printCosts("µs by itself", c.Flat)
		a.printCosts("bytes with all it calls, souk's own", c.Allocating)
	}
	a.progress.Done("profiles are in %s", p.out)
	return nil
}

func (a *app) printCosts(what string, costs []profiles.Cost) {
	a.printf("  %s\n", what)
	for _, c := range costs {
		a.printf("  %10.2f  %s\n", c.PerOrder, c.Function)
	}
}
