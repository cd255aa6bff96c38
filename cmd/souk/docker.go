package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/pkg/config"
)

// composeFile is relative to a checkout: the image is built from it.
const composeFile = "deploy/compose/compose.yaml"

// composeReplicas is how many of each service composeFile knows.
const composeReplicas = 2

// Where the engines and the views listen on this machine, from the port base.
const (
	mariadbOffset    = 226
	grafanaOffset    = 220
	jaegerOffset     = 306
	prometheusOffset = 311
)

// dockerPlatform is everything in containers, by Docker Compose.
type dockerPlatform struct{ *app }

var errNoDocker = errors.New("docker compose does not answer; install Docker with Compose v2, or use --infra native or embedded")

// compose is a command of Docker Compose on this souk's project.
func (d dockerPlatform) compose(ctx context.Context, args ...string) (*exec.Cmd, error) {
	environ, err := d.environ()
	if err != nil {
		return nil, err
	}
	all := []string{"compose", "--project-name", fmt.Sprintf("souk-%d", d.topology.Base()), "--file", composeFile}
	if d.setup.Replicas > 1 {
		all = append(all, "--profile", "replicas")
	}
	cmd := exec.CommandContext(ctx, "docker", append(all, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), environ...), d.stderr
	return cmd, nil
}

// environ fills in composeFile's variables.
func (d dockerPlatform) environ() ([]string, error) {
	keys, err := devkeys.Ensure(d.home.Keys())
	if err != nil {
		return nil, err
	}
	password, err := d.password()
	if err != nil {
		return nil, err
	}
	environ := []string{
		"SOUK_DATABASE_PASSWORD=" + password,
		"SOUK_JWT_PRIVATE_KEY=" + keys.Private.Reveal(), "SOUK_JWT_PUBLIC_KEYS=" + keys.Public,
		"SOUK_PSP_API_KEY=" + keys.PSPAPIKey.Reveal(), "SOUK_PSP_WEBHOOK_SECRETS=" + keys.Webhook.Reveal(),
	}
	return append(environ, d.ports()...), nil
}

func (d dockerPlatform) ports() []string {
	base, t := d.topology.Base(), d.topology
	ports := map[string]int{
		"PORT_REDIS": t.RedisPort(), "PORT_KAFKA": t.KafkaPort(), "PORT_MARIADB": base + mariadbOffset,
		"PORT_GRAFANA": base + grafanaOffset, "PORT_JAEGER": base + jaegerOffset, "PORT_PROMETHEUS": base + prometheusOffset,
	}
	for _, s := range t.Services() {
		name := strings.ToUpper(s.Name)
		if s.Replica > 1 {
			name += "_" + strconv.Itoa(s.Replica)
		}
		ports["PORT_"+name], ports["ADMIN_"+name] = s.Port, s.Admin
	}
	var environ []string
	for name, port := range ports {
		environ = append(environ, fmt.Sprintf("SOUK_%s=%d", name, port))
	}
	return environ
}

// password is that of every account of MariaDB, made once.
func (d dockerPlatform) password() (string, error) {
	path := filepath.Join(d.home.Keys(), "compose-mariadb")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(path, text, 0o600)
	}
	return string(text), err
}

// prepare pulls and builds the images, as often as not for minutes.
func (d dockerPlatform) prepare(ctx context.Context) error {
	if _, err := os.Stat(composeFile); err != nil {
		return fmt.Errorf("--infra docker wants a checkout of souk as the working directory: %w", err)
	}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return errNoDocker
	}
	if os.Getenv("SOUK_IMAGE") == "" {
		// All share one image. Built for each, it would be as many, one of them with
		// the tag, and the next up would make every other container anew.
		if err := d.run(ctx, "build", d.topology.Gateway().Name); err != nil {
			return err
		}
	}
	return d.run(ctx, "create")
}

func (d dockerPlatform) ensure(ctx context.Context) (alive func() error, err error) {
	return func() error { return nil }, d.run(ctx, "up", "--detach", "--wait") // Docker starts again what ends
}

// run is a command of Docker Compose that tells how it gets on.
func (d dockerPlatform) run(ctx context.Context, args ...string) error {
	cmd, err := d.compose(ctx, args...)
	if err != nil {
		return err
	}
	cmd.Stdout = d.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w", args[0], cmp.Or(ctx.Err(), err))
	}
	return nil
}

func (d dockerPlatform) running() error {
	if !d.home.Exists() {
		return daemon.ErrNotRunning
	}
	containers, err := d.containers(context.Background())
	if err == nil && len(containers) == 0 {
		return daemon.ErrNotRunning
	}
	return err
}

func (d dockerPlatform) stop(ctx context.Context, grace time.Duration) error {
	return d.run(ctx, "down", "--timeout", strconv.Itoa(int(grace.Seconds())))
}

// wipe removes the volumes, whose passwords go with the home.
func (d dockerPlatform) wipe(ctx context.Context) error { return d.run(ctx, "down", "--volumes") }

func (d dockerPlatform) dsn(service string) (config.Secret, error) {
	if service == topology.PSP {
		return "", fmt.Errorf("the provider keeps its record in its container: %w", fs.ErrNotExist)
	}
	password, err := d.password()
	if err != nil {
		return "", err
	}
	return config.Secret(fmt.Sprintf("mysql:%s:%s@tcp(%s)/%s", service, password, d.mariadb(), service)), nil
}

func (d dockerPlatform) mariadb() string { return topology.Loopback(d.topology.Base() + mariadbOffset) }

func (d dockerPlatform) logs(name string) ([]string, error) {
	return nil, fmt.Errorf("see docker compose --project-name souk-%d logs %s", d.topology.Base(), name)
}
