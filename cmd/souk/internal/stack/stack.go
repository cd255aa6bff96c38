// Package stack hosts the embedded engines and every service in one process.
// The services keep to themselves all the same: each has its own ports,
// database and log, and speaks to the others only by HTTP and Kafka.
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
)

// Config says where everything is.
type Config struct {
	Home     home.Home
	Topology topology.Topology
	Keys     devkeys.Keys
	Environ  []string // the operator's; SOUK_ tunables reach every service
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

// host runs every service until ctx ends or one of them does.
func host(ctx context.Context, cfg Config) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range services() {
		g.Go(func() error { return hostOne(ctx, cfg, s) })
	}
	return g.Wait()
}

func hostOne(ctx context.Context, cfg Config, s service) error {
	place, err := cfg.Topology.Service(s.name)
	if err != nil {
		return err
	}
	log, err := logfile.Open(cfg.Home.Log(s.name), logfile.DefaultLimit)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	app, err := s.build(Environ(cfg, place), log)
	if err != nil {
		return err
	}
	err = runApp(ctx, app)
	if errors.Is(err, errEnded) {
		return fmt.Errorf("%s %w; see %s", s.name, err, cfg.Home.Log(s.name))
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
