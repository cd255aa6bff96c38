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
	"souk.example/internal/native"
)

const followEvery = 200 * time.Millisecond

func logsCommand(a *app) *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:       "logs SERVICE",
		Short:     "Print a service's log",
		Long:      "Print a service's log: on native engines those of all its replicas, each line\nunder its replica's name. The embedded background process is called \"souk\";\nnative engines have logs of their own.",
		Example:   "  souk logs order\n  souk logs order -f\n  souk logs souk -n 20\n  souk logs kafka",
		Args:      cobra.ExactArgs(1),
		ValidArgs: append(topology.Names(), soukProcess, string(native.Redis), string(native.Kafka), string(native.MariaDB)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.logs(cmd.Context(), args[0], lines, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing what is added")
	cmd.Flags().IntVarP(&lines, "lines", "n", 100, "how many of the last lines to print first")
	return cmd
}

func (a *app) logs(ctx context.Context, name string, lines int, follow bool) error {
	if lines < 0 {
		return fmt.Errorf("-n %d: want 0 or more", lines)
	}
	names, err := a.platform.logs(name)
	if err != nil {
		return err
	}
	var logs []*openLog
	defer func() { closeLogs(logs) }()
	for _, n := range names {
		l, err := a.openLog(n, len(names) > 1)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		logs = append(logs, l)
		if err := l.printLast(lines); err != nil {
			return err
		}
	}
	if len(logs) == 0 {
		return no("%s has written no log yet (%s)", name, a.home.Log(names[0]))
	}
	for follow && a.pause(ctx) {
		for _, l := range logs {
			if err := l.printAdded(); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLog is a log that is being printed to out.
type openLog struct {
	path string
	file *os.File
	out  io.Writer
}

// openLog opens a log; prefixed puts its name before every line.
func (a *app) openLog(name string, prefixed bool) (*openLog, error) {
	f, err := os.Open(a.home.Log(name))
	if err != nil {
		return nil, err
	}
	l := &openLog{path: a.home.Log(name), file: f, out: a.stdout}
	if prefixed {
		l.out = logfile.NewPrefixer(a.stdout, name+"  ")
	}
	return l, nil
}

func closeLogs(logs []*openLog) {
	for _, l := range logs {
		_ = l.file.Close()
	}
}

func (l *openLog) printLast(lines int) error {
	if err := logfile.SeekLastLines(l.file, lines); err != nil {
		return fmt.Errorf("read %s: %w", l.path, err)
	}
	_, err := io.Copy(l.out, l.file)
	return err
}

// printAdded prints what was added, and goes over to the new file once the path
// has become another one.
func (l *openLog) printAdded() error {
	if _, err := io.Copy(l.out, l.file); err != nil {
		return err
	}
	next, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // between two files: look again
	}
	if err != nil {
		return err
	}
	if same(l.file, next) {
		return next.Close()
	}
	old := l.file
	l.file = next
	_, err = io.Copy(l.out, old) // what came before the change
	return errors.Join(err, old.Close())
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
