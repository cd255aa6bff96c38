package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/logfile"
)

// errExitZero says that a process ended though it had nothing to complain of.
var errExitZero = errors.New("exit status 0")

// child is a background process that this command has started.
type child struct {
	*daemon.Child
	name, log string
	logged    int64 // what the log held before
}

// spawn starts this program again in the background, as `souk args…`; its name
// is that of its log.
func (a *app) spawn(name string, args ...string) (child, error) {
	c := child{name: name, log: a.home.Log(name)}
	c.logged = size(c.log)
	var err error
	c.Child, err = daemon.Spawn(c.log, a.childEnv(), args...)
	return c, err
}

// alive tells why the child has ended, nil while it lives.
func (c child) alive() error {
	select {
	case err := <-c.Exited():
		return fmt.Errorf("%s (process %d) ended (%w); the end of %s:\n%s", c.name, c.PID, cmp.Or(err, errExitZero), c.log, logfile.TailSince(c.log, c.logged, 30))
	default:
		return nil
	}
}

// stopProcess ends a background process, if it runs, and says how it went.
func (a *app) stopProcess(ctx context.Context, name string, grace time.Duration) error {
	killed, err := daemon.Stop(ctx, a.home.PidFile(name), grace)
	switch {
	case errors.Is(err, daemon.ErrNotRunning): // souk down has said so when nothing runs
	case err != nil:
		return fmt.Errorf("stop %s: %w", name, err)
	case killed:
		a.progress.Note("%s stopped by force: it did not drain within %s", name, grace)
	default:
		a.progress.Done("%s stopped", name)
	}
	return nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
