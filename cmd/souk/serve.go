package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/stack"
	"souk.example/pkg/redisclient"
)

// serveCommand is the background process that up starts: engines and services.
func serveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "serve",
		Short:  "Host the engines and all services in the foreground",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE:   func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

func (a *app) serve(ctx context.Context) (err error) {
	redisclient.Quiet()
	if err := a.home.Create(); err != nil {
		return err
	}
	held, err := daemon.Hold(a.home.PidFile(), daemon.Process{
		PID: os.Getpid(), StartedAt: time.Now().UTC(), Mode: embeddedMode, PortBase: a.topology.Base(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	keys, err := devkeys.Ensure(a.home.Keys())
	if err != nil {
		return err
	}
	return stack.Run(ctx, stack.Config{Home: a.home, Topology: a.topology, Keys: keys, Environ: os.Environ()})
}
