package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func downCommand(a *app) *cobra.Command {
	var wipe bool
	var grace time.Duration
	cmd := &cobra.Command{
		Use:     "down",
		Short:   "Stop souk; data stays unless --wipe",
		Example: "  souk down\n  souk down --wipe",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.down(cmd.Context(), grace, wipe) },
	}
	cmd.Flags().BoolVar(&wipe, "wipe", false, "also remove all data, logs and keys in SOUK_HOME")
	cmd.Flags().DurationVar(&grace, "grace", 30*time.Second, "how long requests and batches may take to drain before the process is killed")
	return cmd
}

func (a *app) down(ctx context.Context, grace time.Duration, wipe bool) error {
	if err := a.platform.stop(ctx, grace); err != nil {
		return err
	}
	if err := a.stopEngines(ctx); err != nil {
		return err
	}
	if !wipe {
		return nil
	}
	if err := a.home.Wipe(); err != nil {
		return err
	}
	a.progress.Done("removed what souk kept in %s", a.home.Dir())
	return nil
}

// stopEngines ends native engines, whoever has started them.
func (a *app) stopEngines(ctx context.Context) error {
	if !a.home.HasNative() {
		return nil
	}
	engines, err := a.nativeEngines(a.setup.PortBase)
	if err != nil {
		return err
	}
	return a.infraDown(ctx, engines)
}
