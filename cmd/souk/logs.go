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
	path := a.home.Log(name)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return no("%s has written no log yet (%s)", name, path)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := logfile.SeekLastLines(f, lines); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if _, err := io.Copy(a.stdout, f); err != nil || !follow {
		return err
	}
	for a.pause(ctx) {
		if f, err = a.printAdded(f, path); err != nil {
			return err
		}
	}
	return nil
}

// printAdded prints what was added to f, and goes over to the new file once
// path has become another one. It returns the file to go on with.
func (a *app) printAdded(f *os.File, path string) (*os.File, error) {
	if _, err := io.Copy(a.stdout, f); err != nil {
		return f, err
	}
	next, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil // between two files: look again
	}
	if err != nil {
		return f, err
	}
	if same(f, next) {
		return f, next.Close()
	}
	if _, err := io.Copy(a.stdout, f); err != nil { // what came before the change
		return next, err
	}
	return next, f.Close()
}

func same(a, b *os.File) bool {
	one, err1 := a.Stat()
	other, err2 := b.Stat()
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// pause waits a moment; false when ctx has ended.
func (a *app) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(followEvery):
		return true
	}
}
