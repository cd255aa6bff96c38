package stack

import (
	"io"

	"go.uber.org/fx"

	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
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
	build func(environ []string, log io.Writer) (*fx.App, error)
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
// does; logs finds the part of the configuration that says where to log.
func of[C any](name string, module func(C) fx.Option, logs func(*C) *telemetry.Config) service {
	return service{name: name, build: func(environ []string, log io.Writer) (*fx.App, error) {
		cfg, err := config.Load[C](name, nil, environ)
		if err != nil {
			return nil, err
		}
		logs(&cfg).LogWriter = log
		return fxrun.New(module(cfg)), nil
	}}
}
