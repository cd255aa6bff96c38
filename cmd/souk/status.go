package main

import (
	"context"
	"errors"
	"net/http"
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
	Name    string `json:"name"`
	Address string `json:"address"`
	PID     int    `json:"pid,omitempty"`
}

func (a *app) status(ctx context.Context) error {
	p, err := a.running()
	if err != nil && !errors.Is(err, daemon.ErrNotRunning) {
		return err
	}
	report := a.report(ctx, p)
	if a.json {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else if err == nil {
		a.printStatus(report)
	}
	if err != nil {
		return no("souk is not running: %w", err)
	}
	if !report.ready() {
		return no("not every service is ready")
	}
	return nil
}

// report describes the running process; the zero process runs nothing.
func (a *app) report(ctx context.Context, p daemon.Process) statusReport {
	if p.PID == 0 {
		return statusReport{Mode: "none", Services: []serviceStatus{}, Engines: []engineStatus{}}
	}
	rss := daemon.RSS(ctx, p.PID)
	return statusReport{
		Mode:       p.Mode,
		GatewayURL: a.topology.Gateway().URL(),
		Services:   probeAll(ctx, a.topology.Services(), p.PID, rss),
		Engines: []engineStatus{
			{Name: "redis", Address: topology.Loopback(a.topology.RedisPort()), PID: p.PID},
			{Name: "kafka", Address: topology.Loopback(a.topology.KafkaPort()), PID: p.PID},
			{Name: "sqlite", Address: a.home.Data(), PID: p.PID},
		},
		RSSBytes: rss,
	}
}

func (r statusReport) ready() bool {
	for _, s := range r.Services {
		if !s.Ready {
			return false
		}
	}
	return true
}

func probeAll(ctx context.Context, services []topology.Service, pid int, rss uint64) []serviceStatus {
	out := make([]serviceStatus, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() {
			out[i] = serviceStatus{
				Name: s.Name, PID: pid, URL: s.URL(), AdminURL: s.AdminURL(), Ready: probe(ctx, s), RSSBytes: rss,
			}
		})
	}
	wg.Wait()
	return out
}

// probe asks a service whether it is ready.
func probe(ctx context.Context, s topology.Service) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (a *app) printStatus(r statusReport) {
	for _, s := range r.Services {
		state := "ready"
		if !s.Ready {
			state = "not ready"
		}
		a.printf("%-10s %-10s %s  admin %s\n", s.Name, state, s.URL, s.AdminURL)
	}
	for _, e := range r.Engines {
		a.printf("%-10s %-10s %s\n", e.Name, "engine", e.Address)
	}
	a.printf("%s engines, process %d, %s resident\n", r.Mode, r.Services[0].PID, console.Bytes(r.RSSBytes))
}
