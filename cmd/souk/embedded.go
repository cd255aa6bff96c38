package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/embedded"
	"souk.example/pkg/config"
)

// soukProcess names the one process that hosts embedded engines and services.
const soukProcess = "souk"

// embeddedPlatform is everything in one background process.
type embeddedPlatform struct{ *app }

func (e embeddedPlatform) find() (daemon.Process, error) {
	return daemon.Find(e.home.PidFile(soukProcess))
}

func (e embeddedPlatform) running() error {
	_, err := e.find()
	return err
}

// stillRuns is errGone once a process that ran already has ended: one that was
// killed holds its pid file until the kernel has taken its memory apart.
func (e embeddedPlatform) stillRuns() error {
	err := e.running()
	if errors.Is(err, daemon.ErrNotRunning) {
		return fmt.Errorf("%s %w", soukProcess, errGone)
	}
	return err
}

func (e embeddedPlatform) ensure(ctx context.Context) (alive func() error, err error) {
	p, err := e.find()
	if err == nil {
		e.progress.Note("souk runs already (process %d): starting nothing", p.PID)
		return e.stillRuns, nil
	}
	if !errors.Is(err, daemon.ErrNotRunning) {
		return nil, err
	}
	if _, isStale := errors.AsType[*daemon.StaleError](err); isStale {
		e.progress.Note("%v; starting again from what it left", err)
	}
	if err := daemon.CheckPorts(ctx, e.topology.Ports()); err != nil {
		return nil, err
	}
	child, err := e.spawn(soukProcess, "serve")
	if err != nil {
		return nil, err
	}
	e.progress.Say("starting engines and services in process %d, log %s", child.PID, e.home.Log(soukProcess))
	return child.alive, nil
}

func (e embeddedPlatform) stop(ctx context.Context, grace time.Duration) error {
	return e.stopProcess(ctx, soukProcess, grace)
}

func (e embeddedPlatform) dsn(service string) (config.Secret, error) {
	dsn := embedded.DSN(e.home.Data(), service)
	if _, err := os.Stat(strings.TrimPrefix(dsn, "sqlite:")); err != nil {
		return "", err
	}
	return config.Secret(dsn), nil
}

func (e embeddedPlatform) services(ctx context.Context) []serviceStatus {
	p, err := e.find()
	if err != nil {
		return nil
	}
	return probeAll(ctx, e.topology.Services(), func(topology.Service) int { return p.PID })
}

func (e embeddedPlatform) engines(ctx context.Context) []engineStatus {
	p, err := e.find()
	if err != nil {
		return nil
	}
	rss := daemon.RSS(ctx, p.PID)
	return []engineStatus{
		{Name: "redis", Address: topology.Loopback(e.topology.RedisPort()), PID: p.PID, Ready: true, RSSBytes: rss},
		{Name: "kafka", Address: topology.Loopback(e.topology.KafkaPort()), PID: p.PID, Ready: true, RSSBytes: rss},
		{Name: "sqlite", Address: e.home.Data(), PID: p.PID, Ready: true, RSSBytes: rss},
	}
}

func (e embeddedPlatform) logs(name string) ([]string, error) {
	if _, err := e.topology.Replicas(name); err != nil && name != soukProcess {
		return nil, err
	}
	return []string{name}, nil
}
