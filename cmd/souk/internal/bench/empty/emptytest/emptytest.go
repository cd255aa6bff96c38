// Package emptytest runs an empty handler in the test's own process.
package emptytest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/empty"
)

// Start has the signature of what the benches are given to start one.
func Start(ctx context.Context) (empty.Server, error) {
	in, end := io.Pipe()
	out, said := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- errors.Join(empty.Serve(context.WithoutCancel(ctx), in, said), said.Close()) }()
	address, err := bufio.NewReader(out).ReadString('\n')
	stop := func() error { return errors.Join(end.Close(), <-done) }
	process := cputime.Process{Name: "empty handler", PID: os.Getpid()}
	return empty.Server{Address: strings.TrimSpace(address), Process: process, Stop: stop}, err
}
