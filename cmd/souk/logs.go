package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/logfile"
	"souk.example/cmd/souk/internal/topology"
)

const followEvery = 200 * time.Millisecond

func logsCommand(a *app) *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:       "logs SERVICE",
		Short:     "Print a service's log; \"souk\" is the background process itself",
		Example:   "  souk logs order\n  souk logs order -f\n  souk logs souk -n 20",
		Args:      cobra.ExactArgs(1),
		ValidArgs: append([]string{"souk"}, topology.Names()...),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.logs(cmd.Context(), args[0], lines, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing what is added")
	cmd.Flags().IntVarP(&lines, "lines", "n", 100, "how many of the last lines to print first")
	return cmd
}

func (a *app) logs(ctx context.Context, name string, lines int, follow bool) error {
	if _, err := a.topology.Service(name); err != nil && name != "souk" {
		return err
	}
	f, err := os.Open(a.home.Log(name))
	if errors.Is(err, os.ErrNotExist) {
		return no("%s has written no log yet (%s)", name, a.home.Log(name))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := logfile.SeekLastLines(f, lines); err != nil {
		return fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if _, err := io.Copy(a.stdout, f); err != nil || !follow {
		return err
	}
	return a.follow(ctx, f)
}

func (a *app) follow(ctx context.Context, f *os.File) error {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if _, err := io.Copy(a.stdout, f); err != nil {
				return err
			}
		}
	}
}
