package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/native"
	"souk.example/pkg/config"
)

// The kinds of engines souk runs on.
const (
	embeddedMode = "embedded"
	nativeMode   = "native"
	dockerMode   = "docker"
)

// platform is one way to run souk on this machine.
type platform interface {
	// ensure starts what is missing and says what. It does not wait for the
	// services; alive tells why one of those it started has ended, nil while
	// they live.
	ensure(ctx context.Context) (alive func() error, err error)
	// running is nil when any of it runs, else daemon.ErrNotRunning.
	running() error
	// stop ends what runs, killing what has not drained within grace.
	stop(ctx context.Context, grace time.Duration) error
	// dsn is where a service keeps its data; an error when it has none.
	dsn(service string) (config.Secret, error)
	services(ctx context.Context) []serviceStatus
	engines(ctx context.Context) []engineStatus
	// logs names the logs of a service, or of another part.
	logs(name string) ([]string, error)
}

// use makes the app work with what was, or is to be, started that way.
func (a *app) use(s home.Setup) error {
	t, err := topology.New(s.PortBase, s.Replicas)
	if err != nil {
		return err
	}
	a.setup, a.topology, a.addresses = s, t, localAddresses(t)
	switch s.Infra {
	case embeddedMode:
		a.platform = embeddedPlatform{a}
	case nativeMode:
		engines, err := a.nativeEngines(s.PortBase)
		if err != nil {
			return err
		}
		a.platform = nativePlatform{app: a, native: engines}
	case dockerMode:
		a.platform = dockerPlatform{a}
	default:
		return fmt.Errorf("no engines %q; there are %s, %s and %s", s.Infra, embeddedMode, nativeMode, dockerMode)
	}
	return nil
}

func (a *app) nativeEngines(portBase int) (*native.Engines, error) {
	behind, err := strconv.Atoi(cmp.Or(os.Getenv("SOUK_ENGINES_BEHIND"), "0"))
	if err != nil {
		return nil, fmt.Errorf("SOUK_ENGINES_BEHIND: %w", err)
	}
	return native.New(native.Config{Home: a.home.Dir(), PortBase: portBase, EnginesDir: os.Getenv("SOUK_ENGINES"), Behind: behind})
}

// mustRun returns an error unless souk runs.
func (a *app) mustRun() error {
	if err := a.platform.running(); err != nil {
		return a.notRunning(err)
	}
	return nil
}

// label names a replica for people: where there is one of each, by the service.
func (a *app) label(s topology.Service) string {
	if a.setup.Replicas == 1 {
		return s.Name
	}
	return s.String()
}

// childEnv says in full what this command worked out, so that a child does not
// depend on its working directory.
func (a *app) childEnv() []string {
	return append(os.Environ(), "SOUK_HOME="+a.home.Dir(), fmt.Sprintf("SOUK_PORT_BASE=%d", a.topology.Base()))
}
