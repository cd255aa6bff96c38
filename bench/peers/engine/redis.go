// Package engine runs the Redis that a comparison needs: a private
// redis-server on loopback with nothing on disk, and a proxy that misbehaves.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// ErrNoServer says that there is no redis-server to run.
var ErrNoServer = errors.New("no redis-server in PATH: `make infra-install` installs it")

// startWait bounds the start of a redis-server.
const startWait = 5 * time.Second

// Redis is a redis-server that nobody else uses.
type Redis struct {
	program string
	addr    string
	cmd     *exec.Cmd
	ended   chan struct{}
	direct  *redis.Client
}

// Start runs a redis-server on a free port of 127.0.0.1 and waits until it
// answers. It ends with Stop, or with this process.
func Start(ctx context.Context) (*Redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNoServer
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	r := &Redis{program: program, addr: addr, direct: redis.NewClient(&redis.Options{Addr: addr})}
	if err := r.launch(ctx); err != nil {
		return nil, errors.Join(err, r.direct.Close())
	}
	return r, nil
}

func (r *Redis) launch(ctx context.Context) error {
	_, port, _ := net.SplitHostPort(r.addr)
	cmd := exec.Command(r.program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no")
	cmd.SysProcAttr = endWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", r.program, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	r.cmd, r.ended = cmd, ended
	if err := r.answers(ctx); err != nil {
		r.kill()
		return err
	}
	return nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (r *Redis) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		err := r.direct.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server at %s does not answer: %w", r.addr, err)
		case <-r.ended:
			return fmt.Errorf("redis-server at %s ended at once", r.addr)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Addr is where it listens.
func (r *Redis) Addr() string { return r.addr }

// Stop ends the server at once and waits for it. Stopping again does nothing.
func (r *Redis) Stop() {
	r.kill()
	_ = r.direct.Close()
}

func (r *Redis) kill() {
	_ = r.cmd.Process.Kill()
	<-r.ended
}

// Silence stops the server without ending it: it takes connections and says
// nothing, until resume is called.
func (r *Redis) Silence() (resume func(), err error) {
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("stop redis-server: %w", err)
	}
	return func() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }, nil
}

// Replace ends the server and runs an empty one in its place, as a failover
// without a replica does. Do not call it beside another method.
func (r *Redis) Replace(ctx context.Context) error {
	r.kill()
	return r.launch(ctx)
}

// Direct is a client of the comparison's own, for what it arranges and reads
// behind the backs of those it compares.
func (r *Redis) Direct() *redis.Client { return r.direct }

// Requests is how often the server has read from its clients: a command each
// where clients wait for the reply, and not what scripts call.
func (r *Redis) Requests(ctx context.Context) (int64, error) {
	stats, err := r.direct.InfoMap(ctx, "stats").Result()
	if err != nil {
		return 0, err
	}
	var n int64
	_, err = fmt.Sscan(stats["Stats"]["total_reads_processed"], &n)
	return n, err
}

// Souk opens souk's client of the Redis at addr with its defaults.
func Souk(ctx context.Context, addr string) (*redisclient.Client, error) {
	return redisclient.Open(ctx, redisclient.Config{Addrs: []string{addr}})
}

// Plain opens go-redis as most do: with its defaults.
func Plain(addr string) *redis.Client { return redis.NewClient(&redis.Options{Addr: addr}) }
