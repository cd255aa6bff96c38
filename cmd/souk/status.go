package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/console"
	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/topology"
)

const probeTimeout = 2 * time.Second

func statusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show what runs, where, and how much memory it takes",
		Long:    "Show what runs, where, and how much memory it takes.\nExits 1 when something is not running or not ready.",
		Example: "  souk status\n  souk status --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
	a.jsonFlag(cmd)
	return cmd
}

type statusReport struct {
	Mode       string          `json:"mode"`
	GatewayURL string          `json:"gateway_url"`
	Services   []serviceStatus `json:"services"`
	Engines    []engineStatus  `json:"engines"`
	RSSBytes   uint64          `json:"rss_bytes"`
}

type serviceStatus struct {
	Name     string `json:"name"`
	Replica  int    `json:"replica"`
	PID      int    `json:"pid"`
	URL      string `json:"url"`
	AdminURL string `json:"admin_url"`
	Ready    bool   `json:"ready"`
	RSSBytes uint64 `json:"rss_bytes"`
}

type engineStatus struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	PID      int    `json:"pid,omitempty"`
	Ready    bool   `json:"ready"`
	RSSBytes uint64 `json:"rss_bytes"`
}

func (a *app) status(ctx context.Context) error {
	err := a.platform.running()
	if err != nil && !errors.Is(err, daemon.ErrNotRunning) {
		return err
	}
	report := statusReport{Mode: "none", Services: []serviceStatus{}, Engines: []engineStatus{}}
	if err == nil {
		report = a.report(ctx)
	}
	if a.json {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else if err == nil {
		a.printStatus(report)
	}
	if err != nil {
		return no("%w", a.notRunning(err))
	}
	if !report.ready() {
		return no("not everything is ready; `souk up` starts what is missing")
	}
	return nil
}

// report describes what runs.
func (a *app) report(ctx context.Context) statusReport {
	r := statusReport{
		Mode:       a.setup.Infra,
		GatewayURL: a.addresses.Gateway,
		Services:   a.platform.services(ctx),
		Engines:    a.platform.engines(ctx),
	}
	for _, rss := range r.memory() {
		r.RSSBytes += rss
	}
	return r
}

// memory is the resident memory of each process in bytes, by pid: one process
// may be several services and engines.
func (r statusReport) memory() map[int]uint64 {
	rss := map[int]uint64{}
	for _, s := range r.Services {
		rss[s.PID] = s.RSSBytes
	}
	for _, e := range r.Engines {
		rss[e.PID] = e.RSSBytes
	}
	return rss
}

func (r statusReport) ready() bool {
	notReady := func(s serviceStatus) bool { return !s.Ready }
	silent := func(e engineStatus) bool { return !e.Ready }
	return !slices.ContainsFunc(r.Services, notReady) && !slices.ContainsFunc(r.Engines, silent)
}

// probeAll looks at every service side by side; pid tells which process a
// service runs in, 0 for none.
func probeAll(ctx context.Context, services []topology.Service, pid func(topology.Service) int) []serviceStatus {
	out := make([]serviceStatus, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() {
			p := pid(s)
			out[i] = serviceStatus{
				Name: s.Name, Replica: s.Replica, PID: p, URL: s.URL(), AdminURL: s.AdminURL(),
				Ready: p != 0 && probe(ctx, s, ready), RSSBytes: daemon.RSS(ctx, p),
			}
		})
	}
	wg.Wait()
	return out
}

// health is a state a service can be asked for.
type health string

const (
	live  health = "live"  // it has started
	ready health = "ready" // it can do its work
)

// probe asks a service whether it is in the state.
func probe(ctx context.Context, s topology.Service, state health) bool {
	return probeURL(ctx, s.URL()+"/"+string(state)+"z") == nil
}

func readiness(ready bool) string {
	if ready {
		return "ready"
	}
	return "not ready"
}

func (a *app) printStatus(r statusReport) {
	for _, s := range r.Services {
		place := topology.Service{Name: s.Name, Replica: s.Replica}
		a.printf("%-12s %-9s  %s  admin %s%s\n", a.label(place), readiness(s.Ready), s.URL, s.AdminURL, r.process(s.PID, s.RSSBytes))
	}
	for _, e := range r.Engines {
		a.printf("%-12s %-9s  %s%s\n", e.Name, readiness(e.Ready), e.Address, r.process(e.PID, e.RSSBytes))
	}
	a.printf("%s engines, processes: %d, %s resident\n", r.Mode, len(r.memory()), console.Bytes(r.RSSBytes))
}

// process tells a part's own process and memory, and nothing when all parts
// share one.
func (r statusReport) process(pid int, rss uint64) string {
	switch {
	case pid == 0:
		return "  no process"
	case len(r.memory()) == 1:
		return ""
	}
	return fmt.Sprintf("  process %d, %s", pid, console.Bytes(rss))
}

// notRunning says so once, and where: another home may have a souk that runs.
// What is more to say stands behind it.
func (a *app) notRunning(err error) error {
	if err == daemon.ErrNotRunning { //nolint:errorlint // what wraps it says more
		return fmt.Errorf("souk is not running in %s", a.home.Dir())
	}
	return fmt.Errorf("souk is not running in %s: %w", a.home.Dir(), err)
}
