package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"souk.example/internal/native"
)

func infraCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "infra", Short: "Run the real engines alone: Redis, Kafka and MariaDB"}
	add := func(use, short string, run func(context.Context, *native.Engines) error) {
		cmd.AddCommand(&cobra.Command{
			Use: use, Short: short, Example: "  souk infra " + use, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				engines, err := a.nativeEngines(a.portBase)
				if err != nil {
					return err
				}
				return run(cmd.Context(), engines)
			},
		})
	}
	add("up", "Start the engines that do not run, and wait until they answer", a.infraUp)
	add("down", "Stop the engines; data stays", a.infraDown)
	add("status", "Show the engines; exits 1 when one does not answer", a.infraStatus)
	add("env", "Print, for a shell to eval, where the test suites find the engines", a.infraEnv)
	return cmd
}

// enginesWait bounds the wait for engines that start but do not answer.
const enginesWait = 2 * time.Minute

func (a *app) infraUp(ctx context.Context, engines *native.Engines) error {
	if err := a.home.Create(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, enginesWait)
	defer cancel()
	return engines.Up(ctx, func(line string) { a.progress.Say("%s", line) })
}

func (a *app) infraDown(ctx context.Context, engines *native.Engines) error {
	if err := engines.Down(ctx); err != nil {
		return err
	}
	a.progress.Done("engines stopped")
	return nil
}

func (a *app) infraStatus(ctx context.Context, engines *native.Engines) error {
	var silent []string
	for _, e := range engines.Status(ctx) {
		a.printf("%-10s %-10s %s  process %d\n", e.Name, readiness(e.Ready), e.Address, e.PID)
		if !e.Ready {
			silent = append(silent, string(e.Name))
		}
	}
	if len(silent) > 0 {
		return no("no answer from %s", strings.Join(silent, ", "))
	}
	return nil
}

func (a *app) infraEnv(_ context.Context, engines *native.Engines) error {
	environ, err := engines.TestEnviron()
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there have been no engines in %s: `souk infra up` starts them", a.home.Dir())
	}
	if err != nil {
		return err
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		a.printf("export %s='%s'\n", name, value)
	}
	return nil
}
