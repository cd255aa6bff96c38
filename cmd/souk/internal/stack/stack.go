// Package stack hosts services: one replica of one, or all of them beside the
// embedded engines in one process. There they keep to themselves all the same:
// each has its own ports, database and log, and speaks to the others only by
// HTTP and Kafka.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"
	"golang.org/x/sync/errgroup"

	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/logfile"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/contracts"
	"souk.example/internal/embedded"
	"souk.example/pkg/config"
)

// Config says where everything is.
type Config struct {
	Home     home.Home
	Topology topology.Topology
	Keys     devkeys.Keys
	DSN      func(service string) (config.Secret, error)
	Environ  []string // the operator's; SOUK_ tunables reach every service
	Version  string   // that logs, traces and metrics tell of
}

// RunService hosts one replica until ctx ends or it fails, and lets it drain
// what it has in hand.
func RunService(ctx context.Context, cfg Config, place topology.Service) error {
	for _, s := range services() {
		if s.name == place.Name {
			return hostOne(ctx, cfg, s, place, place.String())
		}
	}
	return fmt.Errorf("no service %q", place.Name)
}

// Run hosts everything until ctx ends or a part fails; then it stops the
// services, each draining what it has in hand, and after them the engines.
func Run(ctx context.Context, cfg Config) error {
	engines, err := embedded.Start(embedded.Config{
		Dir: cfg.Home.Data(), RedisPort: cfg.Topology.RedisPort(), KafkaPort: cfg.Topology.KafkaPort(),
		Topics: contracts.Topics(), Partitions: contracts.Partitions,
	}, slog.Default())
	if err != nil {
		return err
	}
	defer engines.Close()
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, upkeep := errgroup.WithContext(upkeep)
	g.Go(func() error { return engines.Run(upkeep) })
	err = host(ctx, cfg)
	stop()
	return errors.Join(err, g.Wait())
}

// host runs every service once until ctx ends or one of them does.
func host(ctx context.Context, cfg Config) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range services() {
		g.Go(func() error {
			place, err := cfg.Topology.Service(s.name, 1)
			if err != nil {
				return err
			}
			return hostOne(ctx, cfg, s, place, s.name)
		})
	}
	return g.Wait()
}

// hostOne hosts a service at its place; logName names its log.
func hostOne(ctx context.Context, cfg Config, s service, place topology.Service, logName string) error {
	environ, err := Environ(cfg, place)
	if err != nil {
		return err
	}
	log, err := logfile.Open(cfg.Home.Log(logName), logfile.DefaultLimit)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	app, err := s.build(environ, log, cfg.Version)
	if err != nil {
		return err
	}
	err = runApp(ctx, app)
	if errors.Is(err, errEnded) {
		return fmt.Errorf("%s %w; see %s", s.name, err, cfg.Home.Log(logName))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// errEnded says that a service ended though nobody had told it to.
var errEnded = errors.New("ended by itself")

func runApp(ctx context.Context, app *fx.App) error {
	if err := app.Err(); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, app.StartTimeout())
	defer cancel()
	if err := app.Start(starting); err != nil {
		return err
	}
	var ended error
	select {
	case <-ctx.Done():
	case s := <-app.Wait(): // fx hears SIGTERM as well; that is exit code 0
		if s.ExitCode != 0 {
			ended = errEnded
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancel()
	return errors.Join(ended, app.Stop(stopping))
}
