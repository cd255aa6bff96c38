package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/daemon"
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
	killed, err := daemon.Stop(ctx, a.home.PidFile(), grace)
	switch {
	case errors.Is(err, daemon.ErrNotRunning):
		a.progress.Note("nothing to stop: %v", err)
	case err != nil:
		return err
	case killed:
		a.progress.Note("stopped by force: it did not drain within %s", grace)
	default:
		a.progress.Done("stopped")
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
