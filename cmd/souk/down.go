package main

import (
	"context"
	"errors"
	"fmt"
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			if grace < 0 {
				return fmt.Errorf("--grace is %s: want 0s or longer", grace)
			}
			return a.down(cmd.Context(), grace, wipe)
		},
	}
	cmd.Flags().BoolVar(&wipe, "wipe", false, "also remove all data, logs and keys in SOUK_HOME")
	cmd.Flags().DurationVar(&grace, "grace", 30*time.Second, "how long requests and batches may take to drain before the process is killed")
	return cmd
}

// wiper is a platform that keeps data outside the home.
type wiper interface {
	wipe(ctx context.Context) error
}

func (a *app) down(ctx context.Context, grace time.Duration, wipe bool) (err error) {
	done, err := a.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := a.platform.running(); errors.Is(err, daemon.ErrNotRunning) {
		a.progress.Note("%v", a.notRunning(err))
	}
	if err := a.platform.stop(ctx, grace); err != nil {
		return err
	}
	if err := a.stopEngines(ctx); err != nil {
		return err
	}
	if !wipe {
		return nil
	}
	if w, ok := a.platform.(wiper); ok && a.home.Exists() {
		if err := w.wipe(ctx); err != nil {
			return err
		}
	}
	if err := a.home.Wipe(); err != nil {
		return err
	}
	a.progress.Done("removed what souk kept in %s", a.home.Dir())
	return nil
}

// takeTurn waits for a souk up that is at work: what it is about to start could
// not be stopped. There is nobody to wait for in a home that does not exist.
func (a *app) takeTurn(ctx context.Context) (done func() error, err error) {
	if !a.home.Exists() {
		return func() error { return nil }, nil
	}
	done, err = daemon.TakeTurn(ctx, a.home.StartLock(), func() { a.progress.Note("a souk up is at work: waiting for it") })
	if err != nil {
		return nil, fmt.Errorf("wait for souk up: %w", err)
	}
	return done, nil
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
