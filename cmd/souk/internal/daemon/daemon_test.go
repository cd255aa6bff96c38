package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/daemon"
	"souk.example/cmd/souk/internal/topology"
)

// A child of these tests holds the pid file named by holdPath; it ends on
// SIGTERM unless deaf is set.
const (
	holdPath = "SOUK_TEST_HOLD"
	deaf     = "SOUK_TEST_DEAF"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(holdPath); path != "" {
		hold(path)
		return
	}
	os.Exit(m.Run())
}

func hold(path string) {
	// Before the file is held: from then on the test may signal.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getenv(deaf) != "" {
		signal.Ignore(syscall.SIGTERM)
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // should the test die
	defer cancel()
	held, err := daemon.Hold(path, daemon.Process{PID: os.Getpid(), StartedAt: time.Now()})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	<-ctx.Done()
	_ = held.Release()
}

func spawn(t *testing.T, path string, env ...string) *daemon.Child {
	t.Helper()
	child, err := daemon.Spawn(filepath.Join(t.TempDir(), "log"), append(os.Environ(), append(env, holdPath+"="+path)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(child.PID, syscall.SIGKILL) })
	deadline := time.Now().Add(10 * time.Second)
	for {
		if p, err := daemon.Find(path); err == nil && p.PID == child.PID {
			return child
		}
		if time.Now().After(deadline) {
			t.Fatal("the child never held the pid file")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestStopWaitsForAPoliteProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	child := spawn(t, path)
	if _, err := daemon.Hold(path, daemon.Process{PID: os.Getpid()}); !errors.Is(err, daemon.ErrRunning) {
		t.Errorf("a second holder: %v", err)
	}
	killed, err := daemon.Stop(t.Context(), path, 10*time.Second)
	if err != nil || killed {
		t.Errorf("Stop: killed %v, %v", killed, err)
	}
	<-child.Exited()
	if _, err := daemon.Find(path); !errors.Is(err, daemon.ErrNotRunning) {
		t.Errorf("after Stop: %v", err)
	}
}

func TestStopKillsADeafProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	spawn(t, path, deaf+"=1")
	killed, err := daemon.Stop(t.Context(), path, 100*time.Millisecond)
	if err != nil || !killed {
		t.Errorf("Stop: killed %v, %v", killed, err)
	}
	_, err = daemon.Find(path)
	if _, isStale := errors.AsType[*daemon.StaleError](err); isStale || !errors.Is(err, daemon.ErrNotRunning) {
		t.Errorf("after Stop: %v", err)
	}
}

func TestAKilledProcessLeavesAStaleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	child := spawn(t, path)
	if err := syscall.Kill(child.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-child.Exited()
	_, err := daemon.Find(path)
	var stale *daemon.StaleError
	if !errors.As(err, &stale) || stale.Was.PID != child.PID || !errors.Is(err, daemon.ErrNotRunning) {
		t.Fatalf("Find: %v", err)
	}
	spawn(t, path) // and the next one takes it over
}

func TestAPidTakenByAnotherProcessIsNotRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	planted := fmt.Sprintf(`{"pid": %d}`, os.Getpid())
	if err := os.WriteFile(path, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Stop(t.Context(), path, time.Second); !errors.Is(err, daemon.ErrNotRunning) {
		t.Errorf("Stop would have signalled a stranger: %v", err)
	}
}

func TestATakenPortNamesItsOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	err = daemon.CheckPorts(t.Context(), []topology.Port{{Number: port, Use: "order"}})
	for _, want := range []string{fmt.Sprint(port), "order", fmt.Sprintf("pid %d", os.Getpid())} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
}
