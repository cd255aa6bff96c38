package observability_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"
	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/internal/embedded"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/registry"
	"souk.example/pkg/registry/roundtrip"
	"souk.example/pkg/telemetry"
	"souk.example/sandbox/psp"
	"souk.example/services/gateway"
	"souk.example/services/inventory"
	"souk.example/services/order"
	"souk.example/services/payment"
	"souk.example/services/points"
	"souk.example/services/user"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// metric is what registries say about a name.
type metric struct {
	kind     string          // "" while no series of it was seen
	labels   map[string]bool // of all descriptors
	services map[string]bool
}

// noService registers what the services do not use of the shared layer.
const noService = "no service"

var (
	once sync.Once
	all  map[string]*metric
)

// registeredMetrics asks the registries of all services, on engines of their own.
func registeredMetrics(t *testing.T) map[string]*metric {
	t.Helper()
	once.Do(func() {
		all = map[string]*metric{}
		for service, reg := range registries(t) {
			describe(t, service, reg)
		}
		addWritten(t)
	})
	if len(all) == 0 {
		t.Fatal("the services could not be asked")
	}
	return all
}

var descriptor = regexp.MustCompile(`^Desc\{fqName: "(\w+)", help: ".*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

func describe(t *testing.T, service string, reg *prometheus.Registry) {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() { reg.Describe(descs); close(descs) }()
	for d := range descs {
		m := descriptor.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("%s: cannot read %s", service, d)
		}
		note(m[1], service, slices.Concat(strings.Split(m[2], ","), strings.Split(m[3], ",")))
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		all[f.GetName()].kind = strings.ToLower(f.GetType().String())
	}
}

func note(name, service string, labels []string) {
	m := all[name]
	if m == nil {
		m = &metric{labels: map[string]bool{}, services: map[string]bool{}}
		all[name] = m
	}
	m.services[service] = true
	for _, l := range labels {
		if l, _, _ = strings.Cut(l, "="); l != "" {
			m.labels[l] = true
		}
	}
}

// registries are those of every service while it runs, and of what no service
// uses.
func registries(t *testing.T) map[string]*prometheus.Registry {
	t.Helper()
	engines := startEngines(t)
	environ := environ(t, engines)
	return map[string]*prometheus.Registry{
		"gateway":   registryOf(t, "gateway", environ, gateway.Module, func(c *gateway.Config) *telemetry.Config { return &c.Telemetry }),
		"user":      registryOf(t, "user", environ, user.Module, func(c *user.Config) *telemetry.Config { return &c.Telemetry }),
		"inventory": registryOf(t, "inventory", environ, inventory.Module, func(c *inventory.Config) *telemetry.Config { return &c.Base.Telemetry }),
		"order":     registryOf(t, "order", environ, order.Module, func(c *order.Config) *telemetry.Config { return &c.Base.Telemetry }),
		"payment":   registryOf(t, "payment", environ, payment.Module, func(c *payment.Config) *telemetry.Config { return &c.Base.Telemetry }),
		"points":    registryOf(t, "points", environ, points.Module, func(c *points.Config) *telemetry.Config { return &c.Base.Telemetry }),
		"psp":       registryOf(t, "psp", environ, psp.Module, func(c *psp.Config) *telemetry.Config { return &c.Telemetry }),
		noService:   unused(t, engines.RedisAddr()),
	}
}

func startEngines(t *testing.T) *embedded.Engines {
	t.Helper()
	e, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Topics: contracts.Topics(), Partitions: contracts.Partitions}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func environ(t *testing.T, engines *embedded.Engines) []string {
	t.Helper()
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"SOUK_HTTP_ADDR=127.0.0.1:0", "SOUK_ADMIN_ADDR=127.0.0.1:0", "SOUK_HTTP_DRAIN_DELAY=0s",
		"SOUK_REDIS_ADDRS=" + engines.RedisAddr(), "SOUK_KAFKA_BROKERS=" + engines.KafkaAddr(),
		"SOUK_JWT_PRIVATE_KEY=" + private.Reveal(), "SOUK_JWT_PUBLIC_KEYS=" + public,
		"SOUK_PSP_API_KEY=" + rand.Text() + rand.Text(), "SOUK_PSP_WEBHOOK_SECRETS=" + rand.Text() + rand.Text(),
		"SOUK_PSP_URL=http://127.0.0.1:1", "SOUK_INVENTORY_URL=http://127.0.0.1:1",
	}
}

// registryOf runs a service until the test ends.
func registryOf[C any](t *testing.T, name string, environ []string, module func(C) fx.Option, telemetryOf func(*C) *telemetry.Config) *prometheus.Registry {
	t.Helper()
	cfg, err := config.Load[C](name, nil, append(environ, "SOUK_DATABASE_DSN=sqlite:"+filepath.Join(t.TempDir(), name+".db")))
	if err != nil {
		t.Fatal(err)
	}
	telemetryOf(&cfg).LogWriter = io.Discard
	var its *telemetry.Telemetry
	app := fxrun.New(fx.Options(module(cfg), fx.Populate(&its)))
	if err := app.Start(t.Context()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	})
	return its.Registry
}

// unused is the part of the shared layer that is there for others.
func unused(t *testing.T, redisAddr string) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	rdb, err := redisclient.Open(t.Context(), redisclient.Config{Addrs: []string{redisAddr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rdb.Close() })
	bus, err := pubsub.New(rdb, pubsub.Config{Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.New(rdb, bus, registry.Config{}, registry.WithMetrics(reg)); err != nil {
		t.Fatal(err)
	}
	transport, err := roundtrip.New(nil, nobody{}, roundtrip.Config{})
	if err != nil {
		t.Fatal(err)
	}
	reg.MustRegister(transport)
	return reg
}

// nobody is a service without instances.
type nobody struct{}

func (nobody) List() *registry.List { return new(registry.List) }
