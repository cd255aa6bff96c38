package native_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"souk.example/internal/native"
)

// child runs a process that does nothing, until the test ends.
func child(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	return cmd
}

// ended is a pid of which nothing is left.
func ended(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func plant(t *testing.T, home string, name native.Name, content string) {
	t.Helper()
	path := filepath.Join(home, "native", string(name), "pid")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAStalePidIsNobody(t *testing.T) {
	dir := home(t, true)
	base := freeBase(t)
	e := engines(t, dir, base)
	stranger := child(t)
	plant(t, dir, native.Redis, fmt.Sprintf(`{"pid": %d, "started_at": %q, "port": %d}`, ended(t), time.Now().Format(time.RFC3339), base+299))
	plant(t, dir, native.Kafka, fmt.Sprintf(`{"pid": %d, "started_at": "2020-01-01T00:00:00Z", "port": %d}`, stranger.Process.Pid, base+312))
	plant(t, dir, native.MariaDB, `{"pid": `)
	wantReady(t, e, false)
	if err := e.Kill(t.Context(), native.Kafka); !errors.Is(err, native.ErrNotRunning) {
		t.Errorf("Kill would have hit a stranger: %v", err)
	}
	if err := e.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stranger.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the stranger was ended: %v", err)
	}
}

func TestAnEngineThatEndsShowsItsLog(t *testing.T) {
	dir := home(t, true)
	base := freeBase(t)
	aof := filepath.Join(dir, "native", "redis", "data", "appendonlydir")
	if err := os.MkdirAll(aof, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aof, "appendonly.aof.manifest"), []byte("rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := engines(t, dir, base).Restart(t.Context(), native.Redis)
	if errors.Is(err, native.ErrNotInstalled) {
		t.Skip(err)
	}
	for _, want := range []string{"redis", fmt.Sprint(base + 299), "process ended", "redis.log", "AOF"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not hold %q", err, want)
		}
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	base := freeBase(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+299))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := engines(t, home(t, true), base)
	err = e.Restart(t.Context(), native.Redis)
	if errors.Is(err, native.ErrNotInstalled) {
		t.Skip(err)
	}
	taken, ok := errors.AsType[*native.PortTakenError](err)
	if !ok || taken.Port != base+299 || taken.Engine != native.Redis {
		t.Errorf("Restart on a taken port: %v", err)
	}
}

func TestWhatIsNotInstalledIsNamed(t *testing.T) {
	dir := t.TempDir()
	e, err := native.New(native.Config{Home: home(t, true), PortBase: freeBase(t), EnginesDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Up(t.Context(), func(line string) { t.Errorf("it went on: %s", line) })
	if !errors.Is(err, native.ErrNotInstalled) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Up without Kafka: %v", err)
	}
}

func TestConfigIsRefused(t *testing.T) {
	for name, cfg := range map[string]native.Config{
		"no home":        {},
		"quote in home":  {Home: `/tmp/a"b`},
		"comma in home":  {Home: "/tmp/a,b"},
		"port base high": {Home: "/tmp/a", PortBase: 65300},
		"port base low":  {Home: "/tmp/a", PortBase: -1},
	} {
		if _, err := native.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDatabaseNamesAreChecked(t *testing.T) {
	e := engines(t, home(t, true), freeBase(t))
	if _, err := e.DSN("order"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("DSN before Databases: %v", err)
	}
	start(t, e)
	for _, name := range []string{"", "admin", "a`b", "a_b", "../x", "Order"} {
		if err := e.Databases(t.Context(), name); err == nil {
			t.Errorf("database %q was made", name)
		}
	}
}
