package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/embedded"
	"souk.example/internal/native"
	"souk.example/pkg/config"
)

// nativePlatform is real engines and one background process per replica.
type nativePlatform struct {
	*app
	native *native.Engines
}

func (n nativePlatform) running() error {
	for _, s := range n.topology.Services() {
		if n.pid(s) != 0 {
			return nil
		}
	}
	return daemon.ErrNotRunning
}

// pid is 0 when the replica does not run.
func (n nativePlatform) pid(s topology.Service) int {
	p, err := daemon.Find(n.home.PidFile(s.String()))
	if err != nil {
		return 0
	}
	return p.PID
}

func (n nativePlatform) ensure(ctx context.Context) (alive func() error, err error) {
	if err := n.native.Up(ctx, func(line string) { n.progress.Say("%s", line) }); err != nil {
		return nil, err
	}
	if err := n.native.Databases(ctx, topology.Databases()...); err != nil {
		return nil, err
	}
	if _, err := devkeys.Ensure(n.home.Keys()); err != nil { // before the services race for it
		return nil, err
	}
	var missing, running []topology.Service
	for _, s := range n.topology.Services() {
		if n.pid(s) == 0 {
			missing = append(missing, s)
		} else {
			running = append(running, s)
		}
	}
	n.announce(missing)
	started, err := n.startAll(ctx, missing)
	return func() error { return cmp.Or(started(), n.stillRun(running)) }, err
}

func (n nativePlatform) stillRun(services []topology.Service) error {
	for _, s := range services {
		if n.pid(s) == 0 {
			return fmt.Errorf("%s %w", s, errGone)
		}
	}
	return nil
}

// errGone says that a process which ran already was about to end.
var errGone = errors.New("has ended meanwhile")

func (n nativePlatform) announce(missing []topology.Service) {
	all := len(n.topology.Services())
	if len(missing) == 0 {
		n.progress.Note("all %d service processes run already: starting nothing", all)
		return
	}
	names := make([]string, len(missing))
	for i, s := range missing {
		names[i] = s.String()
	}
	if len(missing) < all {
		n.progress.Note("%d of %d service processes run already", all-len(missing), all)
	}
	n.progress.Say("starting %s", strings.Join(names, ", "))
}

// startAll starts the replicas side by side.
func (n nativePlatform) startAll(ctx context.Context, missing []topology.Service) (alive func() error, err error) {
	var children []child
	for _, s := range missing {
		if err := daemon.CheckPorts(ctx, s.Ports()); err != nil {
			return nil, err
		}
		c, err := n.spawn(s.String(), "serve", "--service", s.Name, "--replica", strconv.Itoa(s.Replica))
		if err != nil {
			return nil, err
		}
		children = append(children, c)
	}
	return func() error {
		for _, c := range children {
			if err := c.alive(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// stop ends the gateways first, so that what they let in is answered, and the
// engines last.
func (n nativePlatform) stop(ctx context.Context, grace time.Duration) error {
	var edge, inner []topology.Service
	for _, s := range n.topology.Services() {
		if s.Name == "gateway" {
			edge = append(edge, s)
		} else {
			inner = append(inner, s)
		}
	}
	return errors.Join(n.stopAll(ctx, edge, grace), n.stopAll(ctx, inner, grace))
}

func (n nativePlatform) stopAll(ctx context.Context, services []topology.Service, grace time.Duration) error {
	errs := make([]error, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { errs[i] = n.stopProcess(ctx, s.String(), grace) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// dsn of what is not ours is a file, as it is on embedded engines, but not the
// same: the provider's record is of the payments that these engines keep.
func (n nativePlatform) dsn(service string) (config.Secret, error) {
	if service == topology.PSP {
		return config.Secret(embedded.DSN(n.home.Data(), nativeMode+"-"+service)), nil
	}
	return n.native.DSN(service)
}

func (n nativePlatform) services(ctx context.Context) []serviceStatus {
	return probeAll(ctx, n.topology.Services(), n.pid)
}

func (n nativePlatform) engines(ctx context.Context) []engineStatus {
	var all []engineStatus
	for _, e := range n.native.Status(ctx) {
		all = append(all, engineStatus{Name: string(e.Name), Address: e.Address, PID: e.PID, Ready: e.Ready, RSSBytes: daemon.RSS(ctx, e.PID)})
	}
	return all
}

// logs are those of all replicas of a service, or that of an engine.
func (n nativePlatform) logs(name string) ([]string, error) {
	if slices.Contains([]native.Name{native.Redis, native.Kafka, native.MariaDB}, native.Name(name)) {
		return []string{name}, nil
	}
	replicas, err := n.topology.Replicas(name)
	names := make([]string, len(replicas))
	for i, s := range replicas {
		names[i] = s.String()
	}
	return names, err
}
