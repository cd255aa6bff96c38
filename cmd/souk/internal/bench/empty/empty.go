// Package empty is the least that an HTTP server of souk's kind can do: a gin
// handler that answers with nothing. What a request costs there is what a
// request costs before anybody has thought about it.
package empty

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/cmd/souk/internal/bench/cputime"
)

// Server is an empty handler that runs.
type Server struct {
	Address string // host:port
	Process cputime.Process
	Stop    func() error
}

// stopWait bounds the end of a server.
const stopWait = 5 * time.Second

// Start runs cmd, a program that calls Serve with its standard streams, so that
// the server's CPU can be told from its clients'. It ends by itself when this
// process does.
func Start(ctx context.Context, cmd *exec.Cmd) (Server, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Server{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return Server{}, err
	}
	if err := cmd.Start(); err != nil {
		return Server{}, err
	}
	stop := func() error {
		_ = stdin.Close() // tells it to end
		timer := time.AfterFunc(stopWait, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		return ignoreEnd(ctx, cmd.Wait())
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return Server{}, errors.Join(fmt.Errorf("it did not say where it listens: %w", err), stop())
	}
	process := cputime.Process{Name: "empty handler", PID: cmd.Process.Pid}
	return Server{Address: strings.TrimSpace(address), Process: process, Stop: stop}, nil
}

// ignoreEnd: who interrupts this process interrupts its children, too.
func ignoreEnd(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// Serve listens on a port of the loopback interface, writes its address to out,
// and serves until in ends or ctx does.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: handler(), ReadHeaderTimeout: time.Minute}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(over)
	}()
	go func() {
		select {
		case <-over:
		case <-ctx.Done():
		}
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler knows the requests that are measured.
func handler() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	nothing := func(c *gin.Context) { c.Status(http.StatusOK) }
	engine.POST("/v1/orders", nothing)
	engine.GET("/v1/products/:sku", nothing)
	return engine
}
