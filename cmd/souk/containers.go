package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/topology"
)

// container is one that runs.
type container struct {
	pid     int
	healthy bool // or without a check
}

const inspectFormat = `{{index .Config.Labels "com.docker.compose.service"}} {{.State.Pid}} {{with .State.Health}}{{.Status}}{{else}}healthy{{end}}`

// containers are those of the project that run, by their name in composeFile.
func (d dockerPlatform) containers(ctx context.Context) (map[string]container, error) {
	ps, err := d.compose(ctx, "ps", "--quiet")
	if err != nil {
		return nil, err
	}
	ids, err := ps.Output()
	if err != nil {
		return nil, fmt.Errorf("docker compose ps: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	args := append([]string{"inspect", "--format", inspectFormat}, strings.Fields(string(ids))...)
	lines, err := exec.CommandContext(ctx, "docker", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("docker inspect: %w", err)
	}
	return parseContainers(string(lines))
}

func parseContainers(lines string) (map[string]container, error) {
	all := map[string]container{}
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("docker inspect says %q", line)
		}
		pid, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("docker inspect says %q: %w", line, err)
		}
		all[f[0]] = container{pid: pid, healthy: f[2] == "healthy"}
	}
	return all, nil
}

// inCompose is a replica's name in composeFile.
func inCompose(s topology.Service) string {
	if s.Replica == 1 {
		return s.Name
	}
	return s.String()
}

func (d dockerPlatform) services(ctx context.Context) []serviceStatus {
	containers, _ := d.containers(ctx) // without them nothing is ready
	return probeAll(ctx, d.topology.Services(), func(s topology.Service) int { return containers[inCompose(s)].pid })
}

func (d dockerPlatform) engines(ctx context.Context) []engineStatus {
	containers, _ := d.containers(ctx)
	var all []engineStatus
	for _, e := range []engineStatus{
		{Name: "redis", Address: topology.Loopback(d.topology.RedisPort())},
		{Name: "kafka", Address: topology.Loopback(d.topology.KafkaPort())},
		{Name: "mariadb", Address: d.mariadb()},
	} {
		c := containers[e.Name]
		e.PID, e.Ready, e.RSSBytes = c.pid, c.healthy, daemon.RSS(ctx, c.pid)
		all = append(all, e)
	}
	return all
}
