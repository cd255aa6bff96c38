package stack

import (
	"fmt"
	"io"

	"go.uber.org/fx"

	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/telemetry"
	"souk.example/sandbox/psp"
	"souk.example/services/gateway"
	"souk.example/services/inventory"
	"souk.example/services/order"
	"souk.example/services/payment"
	"souk.example/services/points"
	"souk.example/services/user"
)

// service is one service's way from environment variables to an application.
type service struct {
	name  string
	build func(environ []string, log io.Writer, version string) (*fx.App, error)
	main  func(args, environ []string, version string) error
}

func services() []service {
	return []service{
		of("gateway", gateway.Module, func(c *gateway.Config) *telemetry.Config { return &c.Telemetry }),
		of("user", user.Module, func(c *user.Config) *telemetry.Config { return &c.Telemetry }),
		of("inventory", inventory.Module, func(c *inventory.Config) *telemetry.Config { return &c.Base.Telemetry }),
		of("order", order.Module, func(c *order.Config) *telemetry.Config { return &c.Base.Telemetry }),
		of("payment", payment.Module, func(c *payment.Config) *telemetry.Config { return &c.Base.Telemetry }),
		of("points", points.Module, func(c *points.Config) *telemetry.Config { return &c.Base.Telemetry }),
		of(topology.PSP, psp.Module, func(c *psp.Config) *telemetry.Config { return &c.Telemetry }),
	}
}

// of describes a service by its module and configuration, just as its own main
// does; tells finds the part of the configuration that says what it tells of itself.
func of[C any](name string, module func(C) fx.Option, tells func(*C) *telemetry.Config) service {
	build := func(environ []string, log io.Writer, version string) (*fx.App, error) {
		cfg, err := config.Load[C](name, nil, environ)
		if err != nil {
			return nil, err
		}
		tells(&cfg).LogWriter, tells(&cfg).Version = log, version
		return fxrun.New(module(cfg)), nil
	}
	main := func(args, environ []string, version string) error {
		return fxrun.Main(name, args, environ, func(cfg C) fx.Option {
			tells(&cfg).Version = version
			return module(cfg)
		})
	}
	return service{name: name, build: build, main: main}
}

// Main runs a service as its own main does: its settings are args and environ
// alone, its log is standard error, and it ends when the process is told to.
// Version is what it says it is.
func Main(name string, args, environ []string, version string) error {
	for _, s := range services() {
		if s.name == name {
			return s.main(args, environ, version)
		}
	}
	return fmt.Errorf("no service %q; there are %v", name, topology.Names())
}

// Migrations is the schema of a service that keeps its data on the SQL engine.
func Migrations(service string) []database.Migrations {
	switch service {
	case "user":
		return user.Migrations()
	case "inventory":
		return inventory.Migrations()
	case "order":
		return order.Migrations()
	case "payment":
		return payment.Migrations()
	case "points":
		return points.Migrations()
	}
	return nil
}
