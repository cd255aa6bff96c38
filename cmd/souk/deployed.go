package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/pkg/config"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/redisclient"
)

// deployedMode is a souk that a cluster runs; nothing here starts or stops it.
const deployedMode = "deployed"

// addresses are where commands find the platform.
type addresses struct {
	Gateway string
	Kafka   kafka.Config
	Redis   redisclient.Config
}

func localAddresses(t topology.Topology) addresses {
	return addresses{
		Gateway: t.Gateway().URL(),
		Kafka:   kafka.Config{Brokers: []string{topology.Loopback(t.KafkaPort())}},
		Redis:   redisclient.Config{Addrs: []string{topology.Loopback(t.RedisPort())}},
	}
}

// deployed is what the environment tells of a souk that runs elsewhere.
type deployed struct {
	User      config.Secret `env:"SOUK_DATABASE_DSN_USER" usage:"database of user"`
	Inventory config.Secret `env:"SOUK_DATABASE_DSN_INVENTORY" usage:"database of inventory"`
	Order     config.Secret `env:"SOUK_DATABASE_DSN_ORDER" usage:"database of order"`
	Payment   config.Secret `env:"SOUK_DATABASE_DSN_PAYMENT" usage:"database of payment"`
	Points    config.Secret `env:"SOUK_DATABASE_DSN_POINTS" usage:"database of points"`
	Gateway   string        `env:"SOUK_GATEWAY_URL" usage:"base URL of the gateway"`
	PSPURL    string        `env:"SOUK_PSP_URL" usage:"base URL of the payment provider; empty: none"`
	PSPAPIKey config.Secret `env:"SOUK_PSP_API_KEY" usage:"what the provider knows us by"`
	Signing   config.Secret `env:"SOUK_JWT_PRIVATE_KEY" usage:"signing key of access tokens, of a development cluster; empty: none are minted"`
	Kafka     kafka.Config
	Redis     redisclient.Config
}

func loadDeployed(environ []string) (deployed, error) {
	return config.Load[deployed]("souk", nil, environ)
}

// known reports whether the environment names a souk elsewhere.
func (d deployed) known() bool {
	return d.User+d.Inventory+d.Order+d.Payment+d.Points != ""
}

func (d deployed) dsns() map[string]config.Secret {
	return map[string]config.Secret{
		"user": d.User, "inventory": d.Inventory, "order": d.Order, "payment": d.Payment, "points": d.Points,
	}
}

// useDeployed makes the app work with a souk elsewhere.
func (a *app) useDeployed(d deployed) {
	a.setup = home.Setup{Infra: deployedMode, PortBase: a.portBase, Replicas: 1}
	a.addresses = addresses{Gateway: d.Gateway, Kafka: d.Kafka, Redis: d.Redis}
	a.platform = deployedPlatform{d}
}

// deployedPlatform is a souk elsewhere.
type deployedPlatform struct{ at deployed }

var errElsewhere = errors.New("SOUK_DATABASE_DSN_… names a souk that runs elsewhere: up and down are for one on this machine")

func (deployedPlatform) running() error { return nil }

func (deployedPlatform) ensure(context.Context) (func() error, error) { return nil, errElsewhere }

func (deployedPlatform) stop(context.Context, time.Duration) error { return errElsewhere }

func (deployedPlatform) services(context.Context) []serviceStatus { return nil }

func (deployedPlatform) engines(context.Context) []engineStatus { return nil }

func (deployedPlatform) logs(name string) ([]string, error) {
	return nil, fmt.Errorf("the log of %s is where it runs: kubectl logs", name)
}

func (d deployedPlatform) dsn(service string) (config.Secret, error) {
	dsn := d.at.dsns()[service]
	if dsn == "" {
		return "", fmt.Errorf("SOUK_DATABASE_DSN_%s is not set", strings.ToUpper(service))
	}
	return dsn, nil
}
