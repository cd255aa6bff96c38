package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/stack"
	"souk.example/internal/embedded"
	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
	"souk.example/pkg/redisclient"
)

// serveCommand is a background process that up starts: embedded engines and
// all services, or one replica of one service.
func serveCommand(a *app) *cobra.Command {
	var service string
	var replica int
	cmd := &cobra.Command{
		Use:    "serve",
		Short:  "Host the engines and all services, or one replica, in the foreground",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if service == "" {
				return a.serveAll(cmd.Context())
			}
			return a.serveReplica(cmd.Context(), service, replica)
		},
	}
	cmd.Flags().StringVar(&service, "service", "", "host this service only, on engines that run already")
	cmd.Flags().IntVar(&replica, "replica", 1, "which replica of the service")
	return cmd
}

func (a *app) serveAll(ctx context.Context) error {
	dsn := func(service string) (config.Secret, error) {
		return config.Secret(embedded.DSN(a.home.Data(), service)), nil
	}
	return a.host(soukProcess, dsn, func(cfg stack.Config) error { return stack.Run(ctx, cfg) })
}

func (a *app) serveReplica(ctx context.Context, service string, replica int) error {
	place, err := a.topology.Service(service, replica)
	if err != nil {
		return err
	}
	shareProcessors()
	return a.host(place.String(), a.platform.dsn, func(cfg stack.Config) error { return stack.RunService(ctx, cfg, place) })
}

// shareProcessors leaves half of the processors to the services and engines that
// run beside this process, unless GOMAXPROCS says otherwise. All pools that go by
// processors become smaller with it: SQL, Redis, password hashing. On two cores
// an order through the gateway took 445 µs of CPU instead of 473.
func shareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// host calls run while this process holds the pid file of that name.
func (a *app) host(name string, dsn func(string) (config.Secret, error), run func(stack.Config) error) (err error) {
	redisclient.Quiet()
	fxrun.TuneGC()
	if err := a.home.Create(); err != nil {
		return err
	}
	held, err := daemon.Hold(a.home.PidFile(name), daemon.Process{PID: os.Getpid(), StartedAt: time.Now().UTC()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	keys, err := devkeys.Ensure(a.home.Keys())
	if err != nil {
		return err
	}
	return run(stack.Config{
		Home: a.home, Topology: a.topology, Keys: keys, DSN: dsn, Environ: os.Environ(), Version: readVersion().Revision,
	})
}
