package native

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type redisEngine struct {
	dir string
	at  place
}

func (r *redisEngine) name() Name        { return Redis }
func (r *redisEngine) ports() []int      { return []int{r.at.bound} }
func (r *redisEngine) port() int         { return r.at.told }
func (r *redisEngine) missing() []string { return missingPrograms("redis-server") }
func (r *redisEngine) data() string      { return filepath.Join(r.dir, "data") }
func (r *redisEngine) config() string    { return filepath.Join(r.dir, "redis.conf") }

func (r *redisEngine) prepare(context.Context) error {
	if err := os.MkdirAll(r.data(), 0o700); err != nil {
		return err
	}
	return render("redis.conf", r.config(), places{"Port": r.at.bound, "Data": r.data()})
}

func (r *redisEngine) command() *exec.Cmd {
	return exec.Command(program("redis-server"), r.config())
}

// ping is refused while Redis reads what it had kept.
func (r *redisEngine) ping(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", loopback(r.at.bound))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if answer = strings.TrimSpace(answer); answer != "+PONG" {
		return fmt.Errorf("redis answered %q to PING", answer)
	}
	return nil
}
