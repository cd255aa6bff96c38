package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/topology"
)

// Engines and services that have sold something end by SIGTERM without an error,
// and without a goroutine that nobody has waited for.
func TestSIGTERMLeavesNoGoroutineBehind(t *testing.T) {
	others := goleak.IgnoreCurrent()
	// Of the edge's client; it ends when it next looks at the connections, a minute later.
	cleaner := goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner")
	clock := goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1")
	ownHome(t)
	t.Setenv("SOUK_PORT_BASE", strconv.Itoa(freeBase(t)))
	served := serve(t)
	if r := souk(t, "up"); r.code != 0 {
		t.Fatalf("souk up: %v\n%s", r.err, r.stderr)
	}
	for range 3 {
		if r := souk(t, "smoke"); r.code != 0 {
			t.Fatalf("souk smoke: %v\n%s", r.err, r.stderr)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r := <-served; r.code != 0 {
		t.Errorf("souk serve: exit %d, %v\n%s", r.code, r.err, r.stderr)
	}
	http.DefaultClient.CloseIdleConnections() // the test's own, as a customer
	var left error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if left = goleak.Find(others, cleaner, clock); left == nil { // it waits a little itself
			return
		}
	}
	t.Error(left)
}

// serve hosts everything in this process, as souk serve does until SIGTERM, and
// returns once that has begun.
func serve(t *testing.T) <-chan outcome {
	t.Helper()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	served := make(chan outcome, 1)
	go func() {
		defer stop()
		var stdout, stderr bytes.Buffer
		err := execute(ctx, []string{"serve"}, &stdout, &stderr)
		served <- outcome{code: exitCode(err), stdout: stdout.String(), stderr: stderr.String(), err: err}
	}()
	a := &app{}
	if err := a.configure(os.Getenv); err != nil {
		t.Fatal(err)
	}
	for a.platform.running() != nil {
		select {
		case r := <-served:
			t.Fatalf("souk serve ended: %v\n%s", r.err, r.stderr)
		case <-time.After(10 * time.Millisecond): // the poll of a condition
		}
	}
	return served
}

// freeBase picks a port base whose ports nobody listens on, and e2e never picks.
func freeBase(t *testing.T) int {
	t.Helper()
	for {
		base := 11_000 + 10*rand.IntN(500)
		places, err := topology.New(base, 1)
		if err != nil {
			t.Fatal(err)
		}
		if daemon.CheckPorts(t.Context(), places.Ports()) == nil {
			return base
		}
	}
}

// Only a service begins once more (see timerslack): who types a command would see
// nothing of it, and the process that holds everything shares its machine with none.
func TestWhichProcessesAreServices(t *testing.T) {
	for line, want := range map[string]bool{
		"run order": true, "serve --service order --replica 2": true,
		"serve": false, "up": false, "": false, "order run": false,
	} {
		if got := isService(strings.Fields(line)); got != want {
			t.Errorf("souk %s: %t", line, got)
		}
	}
}
