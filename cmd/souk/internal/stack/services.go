package stack

import (
	"io"

	"go.uber.org/fx"

	"souk.example/internal/fxrun"
	"souk.example/pkg/config"
	"souk.example/services/order"
	"souk.example/services/payment"
	"souk.example/services/points"
)

// service is one service's way from environment variables to an application.
type service struct {
	name  string
	build func(environ []string, log io.Writer) (*fx.App, error)
}

func services() []service {
	return []service{
		of("order", func(c *order.Config) *fxrun.BaseConfig { return &c.Base }, order.Module),
		of("payment", func(c *payment.Config) *fxrun.BaseConfig { return &c.Base }, payment.Module),
		of("points", func(c *points.Config) *fxrun.BaseConfig { return &c.Base }, points.Module),
	}
}

// of describes a service by its configuration and module, just as its own main
// does; base finds the part of the configuration that says where to log.
func of[C any](name string, base func(*C) *fxrun.BaseConfig, module func(C) fx.Option) service {
	return service{name: name, build: func(environ []string, log io.Writer) (*fx.App, error) {
		cfg, err := config.Load[C](name, nil, environ)
		if err != nil {
			return nil, err
		}
		base(&cfg).Telemetry.LogWriter = log
		return fxrun.New(module(cfg)), nil
	}}
}
