package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/console"
	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/logfile"
	"souk.example/cmd/souk/internal/topology"
)

const embeddedMode = "embedded"

// errExitZero says that a process ended though it had nothing to complain of.
var errExitZero = errors.New("exit status 0")

func upCommand(a *app) *cobra.Command {
	var infra string
	var replicas int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start souk in the background and load demo data",
		Long: `Start souk in the background and load demo data. It returns once every service
is ready. When souk runs already, only what is missing is added; when another
"souk up" is at work on it, this one waits for that first.`,
		Example: "  souk up\n  SOUK_PORT_BASE=9000 SOUK_HOME=/tmp/souk souk up",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := offered(infra, replicas); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.up(ctx)
		},
	}
	cmd.Flags().StringVar(&infra, "infra", embeddedMode, "which engines to run on: embedded, native or docker")
	cmd.Flags().IntVar(&replicas, "replicas", 1, "processes per service; embedded hosts one of each")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until everything is ready")
	return cmd
}

// offered refuses what this version cannot start, or should not.
func offered(infra string, replicas int) error {
	switch {
	case infra == "native" || infra == "docker":
		return fmt.Errorf("--infra %s is not available yet; use --infra embedded", infra)
	case infra != embeddedMode:
		return fmt.Errorf("--infra %s: want embedded, native or docker", infra)
	case replicas != 1:
		return fmt.Errorf("--replicas %d: embedded engines host one replica of each service", replicas)
	case os.Getenv("SOUK_ENV") == "production":
		return errors.New("embedded engines and demo accounts are for development, and SOUK_ENV is production")
	}
	return nil
}

func (a *app) up(ctx context.Context) (err error) {
	began := time.Now()
	if err := a.home.Create(); err != nil {
		return err
	}
	done, err := daemon.TakeTurn(ctx, a.home.StartLock(), func() { a.progress.Note("another souk up is at work: waiting for it") })
	if err != nil {
		return fmt.Errorf("wait for another souk up: %w", err)
	}
	defer func() { err = errors.Join(err, done()) }()
	p, alive, err := a.ensureProcess(ctx)
	if err != nil {
		return err
	}
	if err := a.makeReady(ctx, alive); err != nil {
		return err
	}
	a.progress.Done("souk is up after %.1f s on embedded engines, %s resident", time.Since(began).Seconds(), console.Bytes(daemon.RSS(ctx, p.PID)))
	for _, s := range a.topology.Services() {
		a.printf("%-10s %s\n", s.Name, s.URL())
	}
	return nil
}

// makeReady waits for the services and loads the demo data between: order is
// not ready before it knows a price.
func (a *app) makeReady(ctx context.Context, alive func() error) error {
	var first, last []topology.Service
	for _, s := range a.topology.Services() {
		if s.Name == "order" {
			last = append(last, s)
		} else {
			first = append(first, s)
		}
	}
	if err := a.waitReady(ctx, first, alive); err != nil {
		return err
	}
	if err := a.seed(ctx); err != nil {
		return errors.Join(err, alive())
	}
	return a.waitReady(ctx, last, alive)
}

// ensureProcess returns the background process, starting it when there is
// none, and a function that tells why it has ended, nil while it lives.
func (a *app) ensureProcess(ctx context.Context) (daemon.Process, func() error, error) {
	base := a.topology.Base()
	p, err := a.running()
	switch {
	case err == nil && p.PortBase != base:
		return p, nil, fmt.Errorf("souk runs already (process %d) on port base %d, not %d; stop it with `souk down`", p.PID, p.PortBase, base)
	case err == nil:
		a.progress.Note("souk runs already (process %d): starting nothing", p.PID)
		return p, a.stillThere, nil
	case !errors.Is(err, daemon.ErrNotRunning):
		return p, nil, err
	}
	if _, isStale := errors.AsType[*daemon.StaleError](err); isStale {
		a.progress.Note("%v; starting again from what it left", err)
	}
	return a.start(ctx)
}

func (a *app) start(ctx context.Context) (daemon.Process, func() error, error) {
	if err := daemon.CheckPorts(ctx, a.topology.Ports()); err != nil {
		return daemon.Process{}, nil, err
	}
	logPath := a.home.Log("souk")
	before := size(logPath)
	child, err := daemon.Spawn(logPath, a.childEnv(), "serve")
	if err != nil {
		return daemon.Process{}, nil, err
	}
	a.progress.Say("starting engines and services in process %d, log %s", child.PID, logPath)
	return daemon.Process{PID: child.PID}, func() error {
		select {
		case err := <-child.Exited():
			return fmt.Errorf("process %d ended (%w); the end of %s:\n%s", child.PID, cmp.Or(err, errExitZero), logPath, logfile.TailSince(logPath, before, 30))
		default:
			return nil
		}
	}, nil
}

// childEnv says in full what this command worked out, so that the child does
// not depend on its working directory.
func (a *app) childEnv() []string {
	return append(os.Environ(), "SOUK_HOME="+a.home.Dir(), fmt.Sprintf("SOUK_PORT_BASE=%d", a.topology.Base()))
}

func (a *app) stillThere() error {
	_, err := daemon.Find(a.home.PidFile())
	return err
}

// waitReady waits for the services' readiness, reporting each as it comes. It
// gives up when ctx ends or alive returns an error.
func (a *app) waitReady(ctx context.Context, waiting []topology.Service, alive func() error) error {
	began := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		waiting = a.reportReady(ctx, waiting, began)
		if len(waiting) == 0 {
			return nil
		}
		if err := alive(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; see `souk logs %s`", waiting[0].Name, ctx.Err(), waiting[0].Name)
		case <-ticker.C:
		}
	}
}

// reportReady returns the services that are not ready.
func (a *app) reportReady(ctx context.Context, services []topology.Service, began time.Time) []topology.Service {
	var waiting []topology.Service
	for _, s := range services {
		if probe(ctx, s) {
			a.progress.Done("%-10s ready after %.1f s", s.Name, time.Since(began).Seconds())
		} else {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
