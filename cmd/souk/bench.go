package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/cmd/souk/internal/bench/vitals"
	"souk.example/internal/audit"
)

func benchCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure what this souk can do"}
	cmd.AddCommand(benchOrdersCommand(a), benchLimitsCommand(a), benchBrowseCommand(a), benchProfileCommand(a), benchOverloadCommand(a), benchPlanCommand(a), emptyHandlerCommand())
	return cmd
}

// benchStack describes the running souk to the bench, its databases excepted.
func (a *app) benchStack(ctx context.Context, target string) (bench.Stack, error) {
	err := a.mustRun()
	if err != nil {
		return bench.Stack{}, err
	}
	status := a.report(ctx)
	if !status.ready() {
		return bench.Stack{}, errors.New("not every service is ready; see `souk status`")
	}
	s := bench.Stack{
		Engines: status.Mode, Gateway: status.GatewayURL, Processes: processes(status), Listeners: listeners(status),
		Audit: func(ctx context.Context) (audit.Report, error) {
			return a.runAudit(ctx, audit.Config{Progress: a.auditProgress()})
		},
	}
	if s.Targets, err = targets(status, target); err != nil {
		return s, err
	}
	err = a.addBuyers(ctx, &s)
	return s, err
}

func (a *app) addBuyers(ctx context.Context, s *bench.Stack) error {
	admin, err := a.mint(ctx, tokenRequest{email: adminEmail})
	if err != nil {
		return err
	}
	s.Admin = admin[0].AccessToken
	tokens, err := a.mint(ctx, tokenRequest{count: bench.Customers})
	if err != nil {
		return err
	}
	for _, t := range tokens {
		id, err := strconv.ParseInt(t.UserID, 10, 64)
		if err != nil {
			return err
		}
		s.Customers = append(s.Customers, bench.Customer{ID: id, Token: t.AccessToken})
	}
	return nil
}

// targets are the addresses of a service's replicas.
func targets(status statusReport, service string) ([]string, error) {
	var addresses []string
	for _, s := range status.Services {
		if s.Name != service {
			continue
		}
		u, err := url.Parse(s.URL)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, u.Host)
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("no %s runs", service)
	}
	return addresses, nil
}

// processes are the stack's processes: services by name and replica, engines by
// name; one that hosts several is limits.Host.
func processes(status statusReport) []cputime.Process {
	names, order := processNames(status)
	all := make([]cputime.Process, len(order))
	for i, pid := range order {
		all[i] = cputime.Process{Name: names[pid], PID: pid}
	}
	return all
}

// listeners are the admin listeners of the services that run.
func listeners(status statusReport) []vitals.Listener {
	names, _ := processNames(status)
	var all []vitals.Listener
	for _, s := range status.Services {
		if s.PID != 0 {
			all = append(all, vitals.Listener{Service: replicaName(s), Process: names[s.PID], URL: s.AdminURL})
		}
	}
	return all
}

func replicaName(s serviceStatus) string { return s.Name + "-" + strconv.Itoa(s.Replica) }

func processNames(status statusReport) (names map[int]string, order []int) {
	names = map[int]string{}
	add := func(pid int, name string) {
		if _, known := names[pid]; known {
			names[pid] = limits.Host
		} else if pid != 0 {
			names[pid] = name
			order = append(order, pid)
		}
	}
	for _, s := range status.Services {
		add(s.PID, replicaName(s))
	}
	for _, e := range status.Engines {
		add(e.PID, e.Name)
	}
	return names, order
}
