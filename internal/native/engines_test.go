package native_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/internal/native"
	"souk.example/pkg/database"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// freeBase finds a port base whose engine ports nobody has, below the ports
// that the system gives to outgoing connections.
func freeBase(t *testing.T) int {
	t.Helper()
	for range 50 {
		base := 20000 + rand.IntN(11000)
		if free(base+226) && free(base+299) && free(base+312) && free(base+313) {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// home is a directory that everybody may pass through, when open, or only the
// user that runs the test.
func home(t *testing.T, open bool) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "souk native ")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if open {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	inner := filepath.Join(dir, "home")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	return inner
}

// start is Up, or skips the test where the engines are not installed. What it
// started is gone when the test ends.
func start(t *testing.T, e *native.Engines) {
	t.Helper()
	t.Cleanup(func() { down(t, e) })
	up(t, e)
}

func up(t *testing.T, e *native.Engines) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := e.Up(ctx, func(line string) { t.Log(line) })
	if errors.Is(err, native.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func down(t *testing.T, e *native.Engines) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := e.Down(ctx); err != nil {
		t.Error(err)
	}
}

func engines(t *testing.T, home string, base int) *native.Engines {
	t.Helper()
	e, err := native.New(native.Config{Home: home, PortBase: base})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func wantReady(t *testing.T, e *native.Engines, want bool) {
	t.Helper()
	for _, s := range e.Status(t.Context()) {
		if s.Ready != want || (s.PID != 0) != want {
			t.Errorf("%s: ready %v, pid %d; want running: %v", s.Name, s.Ready, s.PID, want)
		}
	}
}

func TestEnginesSurviveBeingKilledAndLeaveNothingBehind(t *testing.T) {
	base := freeBase(t)
	e := engines(t, home(t, true), base)
	start(t, e)
	wantReady(t, e, true)
	if err := e.Databases(t.Context(), "order", "user"); err != nil {
		t.Fatal(err)
	}
	remember(t, e, "order")
	names := []native.Name{native.Redis, native.Kafka, native.MariaDB}
	for _, name := range names {
		if err := e.Kill(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	wantReady(t, e, false)
	if err := e.Kill(t.Context(), native.Redis); !errors.Is(err, native.ErrNotRunning) {
		t.Errorf("Kill of a dead engine: %v", err)
	}
	up(t, e)
	wantReady(t, e, true)
	wantRemembered(t, e, "order")
	down(t, e)
	wantReady(t, e, false)
	for _, port := range []int{base + 226, base + 299, base + 312, base + 313} {
		if !free(port) {
			t.Errorf("port %d is still taken", port)
		}
	}
}

func TestBelowAPrivateDirectoryEnginesRunAsTheirOwner(t *testing.T) {
	e := engines(t, home(t, false), freeBase(t))
	start(t, e)
	before := e.Status(t.Context())
	up(t, e)
	if after := e.Status(t.Context()); !slices.Equal(before, after) {
		t.Errorf("a second Up changed %v into %v", before, after)
	}
	if err := e.Restart(t.Context(), native.Redis); err != nil {
		t.Fatal(err)
	}
	wantReady(t, e, true)
	if after := e.Status(t.Context()); after[0].PID == before[0].PID {
		t.Error("Restart left the process as it was")
	}
}

func open(t *testing.T, e *native.Engines, name string) *database.DB {
	t.Helper()
	dsn, err := e.DSN(name)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(t.Context(), database.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func remember(t *testing.T, e *native.Engines, name string) {
	t.Helper()
	db := open(t, e, name)
	for _, q := range []string{"CREATE TABLE fact (id INT PRIMARY KEY)", "INSERT INTO fact VALUES (7)"} {
		if _, err := db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(t.Context(), "CREATE TABLE `user`.fact (id INT PRIMARY KEY)"); err == nil {
		t.Error("one service's account may write into another's database")
	}
}

func wantRemembered(t *testing.T, e *native.Engines, name string) {
	t.Helper()
	var id int
	var collation string
	row := open(t, e, name).QueryRow(t.Context(), "SELECT id, @@collation_database FROM fact")
	if err := row.Scan(&id, &collation); err != nil || id != 7 || collation != "utf8mb4_bin" {
		t.Errorf("after kill -9: id %d, collation %s, %v", id, collation, err)
	}
}
