package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/console"
	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
)

func upCommand(a *app) *cobra.Command {
	var infra string
	var replicas int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start souk in the background and load demo data",
		Long: `Start souk in the background and load demo data. It returns once every service
is ready. When souk runs already, only what is missing is added; when another
"souk up" is at work on it, this one waits for that first.

Embedded engines and all services share one process. On native engines (Redis,
Kafka and MariaDB, see make infra-install) each replica of a service is a process
of its own, and with docker a container, beside Prometheus, Grafana and Jaeger.`,
		Example: "  souk up\n  souk up --infra native --replicas 2\n  SOUK_PORT_BASE=9000 SOUK_HOME=/tmp/souk souk up",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("replicas") && replicas < 1 {
				return fmt.Errorf("--replicas %d: want 1 or more", replicas)
			}
			if err := checkSpan("timeout", timeout); err != nil {
				return err
			}
			if a.setup.Infra == deployedMode {
				return errElsewhere
			}
			want := a.wanted(infra, replicas)
			if err := offered(want); err != nil {
				return err
			}
			err := a.up(cmd.Context(), want, timeout)
			if errors.Is(err, context.Canceled) {
				a.progress.Note("interrupted: what was started by then goes on; `souk up` starts the rest, `souk down` stops it all")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&infra, "infra", "", "which engines to run on: embedded, native or docker (default as the last time, embedded at first)")
	cmd.Flags().IntVar(&replicas, "replicas", 0, "processes per service; embedded hosts one of each (default as the last time, 1 at first)")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until everything is ready; pulling and building images is not counted")
	return cmd
}

// wanted fills in what was not said from how souk was last started.
func (a *app) wanted(infra string, replicas int) home.Setup {
	want := home.Setup{Infra: infra, PortBase: a.portBase, Replicas: replicas}
	if want.Infra == "" {
		want.Infra = a.setup.Infra
	}
	if replicas == 0 && want.Infra == a.setup.Infra {
		want.Replicas = a.setup.Replicas
	}
	if want.Replicas == 0 {
		want.Replicas = 1
	}
	return want
}

// offered refuses what this version cannot start, or should not.
func offered(s home.Setup) error {
	switch {
	case s.Infra == dockerMode && s.Replicas > composeReplicas:
		return fmt.Errorf("--replicas %d: %s has %d of each service", s.Replicas, composeFile, composeReplicas)
	case s.Infra != embeddedMode && s.Infra != nativeMode && s.Infra != dockerMode:
		return fmt.Errorf("--infra %s: want embedded, native or docker", s.Infra)
	case s.Infra == embeddedMode && s.Replicas != 1:
		return fmt.Errorf("--replicas %d: embedded engines host one replica of each service", s.Replicas)
	}
	return inDevelopment("souk up makes demo accounts, which are for development")
}

// preparer is a platform that first fetches and builds what it starts, for as
// long as that takes.
type preparer interface {
	prepare(ctx context.Context) error
}

func (a *app) up(ctx context.Context, want home.Setup, timeout time.Duration) (err error) {
	began := time.Now()
	if err := a.home.Create(); err != nil {
		return err
	}
	done, err := daemon.TakeTurn(ctx, a.home.StartLock(), func() { a.progress.Note("another souk up is at work: waiting for it") })
	if err != nil {
		return fmt.Errorf("wait for another souk up: %w", err)
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := a.adopt(want); err != nil {
		return err
	}
	if p, ok := a.platform.(preparer); ok {
		if err := p.prepare(ctx); err != nil {
			return err
		}
	}
	if err := a.home.Remember(want); err != nil { // not before: what cannot be had is not what souk runs on
		return err
	}
	if err := a.startMissing(ctx, timeout); err != nil {
		return err
	}
	report := a.report(ctx)
	a.progress.Done("souk is up after %.1f s on %s engines, %s resident", time.Since(began).Seconds(), report.Mode, console.Bytes(report.RSSBytes))
	a.printStatus(report)
	return nil
}

// startMissing starts what does not run and waits until all is ready. What ran
// already but was about to end is started once it has.
func (a *app) startMissing(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		alive, err := a.platform.ensure(ctx)
		if err != nil {
			return err
		}
		err = a.makeReady(ctx, alive)
		if !errors.Is(err, errGone) {
			return err
		}
		a.progress.Note("%v", err)
	}
}

// adopt works with what is wanted, unless another setup runs.
func (a *app) adopt(want home.Setup) error {
	if err := a.recall(); err != nil { // another souk up may have come first
		return err
	}
	if a.platform.running() == nil && want != a.setup {
		return fmt.Errorf("souk runs already with %s, not with %s; stop it with `souk down`", a.setup, want)
	}
	return a.use(want)
}

// makeReady waits for the services and loads the demo data between: order is
// not ready before it knows a price, but has its tables once it is live.
func (a *app) makeReady(ctx context.Context, alive func() error) error {
	var first, last []topology.Service
	for _, s := range a.topology.Services() {
		if s.Name == "order" {
			last = append(last, s)
		} else {
			first = append(first, s)
		}
	}
	w := waiter{app: a, began: time.Now(), alive: alive}
	if err := errors.Join(w.until(ctx, first, ready), w.until(ctx, last, live)); err != nil {
		return err
	}
	if err := a.seed(ctx); err != nil {
		return errors.Join(err, alive())
	}
	return w.until(ctx, last, ready)
}

// waiter waits for services; it gives up when alive returns an error.
type waiter struct {
	*app
	began time.Time
	alive func() error
}

// until waits until every service is in the state, or ctx ends.
func (w waiter) until(ctx context.Context, waiting []topology.Service, state health) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		waiting = w.report(ctx, waiting, state)
		if len(waiting) == 0 {
			return nil
		}
		if err := w.alive(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not %s: %w; see `souk logs %s`", w.label(waiting[0]), state, ctx.Err(), waiting[0].Name)
		case <-ticker.C:
		}
	}
}

// report returns the services that are not in the state, and announces those
// that are ready.
func (w waiter) report(ctx context.Context, services []topology.Service, state health) []topology.Service {
	var waiting []topology.Service
	for _, s := range services {
		switch {
		case !probe(ctx, s, state):
			waiting = append(waiting, s)
		case state == ready:
			w.progress.Done("%-12s ready after %.1f s", w.label(s), time.Since(w.began).Seconds())
		}
	}
	return waiting
}
