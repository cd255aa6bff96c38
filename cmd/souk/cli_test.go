package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/home"
)

// outcome is what one command line came to.
type outcome struct {
	code           int
	stdout, stderr string
	err            error
}

// souk executes a command line in this process, in a home of its own.
func souk(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := execute(t.Context(), args, &stdout, &stderr)
	return outcome{code: exitCode(err), stdout: stdout.String(), stderr: stderr.String(), err: err}
}

func ownHome(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	t.Setenv("SOUK_HOME", dir)
	t.Setenv("SOUK_PORT_BASE", "19000")
	return dir
}

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"help":                       {[]string{"--help"}, 0},
		"version":                    {[]string{"version"}, 0},
		"completion":                 {[]string{"completion", "bash"}, 0},
		"no such command":            {[]string{"fly"}, 2},
		"no such subcommand":         {[]string{"order", "traec", "1"}, 2},
		"a parent alone":             {[]string{"dlq"}, 0},
		"no such flag":               {[]string{"status", "--colour"}, 2},
		"too many arguments":         {[]string{"status", "all"}, 2},
		"status of nothing":          {[]string{"status"}, 1},
		"down of nothing":            {[]string{"down"}, 0},
		"no such engines":            {[]string{"up", "--infra", "podman"}, 2},
		"engines that are down":      {[]string{"infra", "status"}, 1},
		"too many replicas":          {[]string{"up", "--infra", "native", "--replicas", "11"}, 2},
		"engines nobody knows":       {[]string{"up", "--infra", "cloud"}, 2},
		"no replicas":                {[]string{"up", "--replicas", "0"}, 2},
		"bench without clients":      {[]string{"bench", "orders", "--clients", "0"}, 2},
		"less than no lines":         {[]string{"logs", "order", "-n", "-5"}, 2},
		"more replicas than one":     {[]string{"up", "--replicas", "2"}, 2},
		"audit of nothing":           {[]string{"audit"}, 2},
		"smoke without a souk":       {[]string{"smoke"}, 2},
		"tour without a souk":        {[]string{"demo", "failures"}, 2},
		"token without a key":        {[]string{"token"}, 2},
		"token for two at once":      {[]string{"token", "--admin", "--count", "3"}, 2},
		"log of no service":          {[]string{"logs", "cart"}, 2},
		"log that is not there":      {[]string{"logs", "order"}, 1},
		"trace of what is no id":     {[]string{"order", "trace", "x"}, 2},
		"trace without data":         {[]string{"order", "trace", "1"}, 2},
		"events without a souk":      {[]string{"events", "tail"}, 2},
		"events of an unknown topic": {[]string{"events", "tail", "--topic", "x"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			ownHome(t)
			if got := souk(t, c.args...); got.code != c.want {
				t.Errorf("exit code %d, want %d (%v)", got.code, c.want, got.err)
			}
		})
	}
}

// Among them a time in which nothing can be done: that is wrong use, not a deadline
// that passed.
func TestAnAmountThatCannotBeIsRefusedByName(t *testing.T) {
	for line, want := range map[string]string{
		"up --timeout 0s":              "--timeout is 0s: want more than 0s",
		"up --timeout -1s":             "--timeout is -1s: want more than 0s",
		"smoke --timeout 0s":           "--timeout is 0s: want more than 0s",
		"demo failures --timeout -1s":  "--timeout is -1s: want more than 0s",
		"token --ttl 0s":               "--ttl is 0s: want more than 0s",
		"token --count 0":              "--count is 0: want 1 to 100000",
		"token --count -1":             "--count is -1: want 1 to 100000",
		"token --count 100001":         "--count is 100001: want 1 to 100000",
		"bench orders --duration 0s":   "want at least a second",
		"bench orders --duration -1s":  "want at least a second",
		"bench orders --warmup -1s":    "warm-up",
		"bench profile --duration 0s":  "want at least a second",
		"bench browse --duration 0s":   "--duration must be positive",
		"bench overload --duration 0s": "--duration must be positive",
		"bench limits --duration -1s":  "want 100ms to 30s",
		"down --grace -1s":             "--grace is -1s",
		"audit --wait 0s":              "--wait is 0s: want more than 0s",
		"audit --every 0s":             "--every is 0s",
	} {
		ownHome(t)
		if got := souk(t, strings.Fields(line)...); got.code != 2 || !strings.Contains(got.err.Error(), want) {
			t.Errorf("souk %s: exit code %d, %v", line, got.code, got.err)
		}
	}
}

func TestEveryCommandShowsAnExample(t *testing.T) {
	for _, args := range [][]string{
		{"up"}, {"down"}, {"status"}, {"logs"}, {"seed"}, {"token"}, {"smoke"}, {"audit"}, {"order", "trace"}, {"events", "tail"}, {"version"},
	} {
		got := souk(t, append(args, "--help")...)
		if got.code != 0 || !strings.Contains(got.stdout, "Examples:") {
			t.Errorf("souk %v --help shows no example", args)
		}
	}
}

// Somebody who looks in the wrong directory is told which one that is.
func TestWhereNothingRunsIsNamed(t *testing.T) {
	dir := ownHome(t)
	for _, command := range []string{"status", "down", "smoke"} {
		got := souk(t, command)
		said := got.stderr
		if got.err != nil {
			said += got.err.Error() + "\n"
		}
		if want := "souk is not running in " + dir + "\n"; !strings.HasSuffix(said, want) || strings.Count(said, "\n") != 1 || got.stdout != "" {
			t.Errorf("souk %s says %q and prints %q", command, said, got.stdout)
		}
	}
}

func TestEnginesThatNeverWereAreMissedByTheirHome(t *testing.T) {
	dir := ownHome(t)
	got := souk(t, "infra", "env")
	if want := "there have been no engines in " + dir + ": `souk infra up` starts them"; got.code != 2 || got.err.Error() != want {
		t.Errorf("exit code %d, %v; want %s", got.code, got.err, want)
	}
}

func TestStatusIsOneJSONDocumentEvenWhenNothingRuns(t *testing.T) {
	ownHome(t)
	got := souk(t, "status", "--json")
	var report statusReport
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatalf("%v in %q", err, got.stdout)
	}
	if got.code != 1 || report.Mode != "none" || report.Services == nil || report.Engines == nil {
		t.Errorf("exit code %d, report %+v", got.code, report)
	}
}

func TestWithJSONAFailureIsADocumentToo(t *testing.T) {
	ownHome(t)
	for _, command := range []string{"smoke", "token", "order trace 7", "dlq list", "saga list"} {
		got := souk(t, append(strings.Fields(command), "--json")...)
		var document struct{ Error string }
		if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || got.err == nil || document.Error != got.err.Error() {
			t.Errorf("souk %s --json prints %q (%v), and fails with %v", command, got.stdout, err, got.err)
		}
	}
}

func TestProductionHasNoDemo(t *testing.T) {
	for _, env := range []string{"production", "prod", "Production"} { // a typo is not development
		for _, command := range []string{"token", "up", "seed"} {
			ownHome(t)
			t.Setenv("SOUK_ENV", env)
			if got := souk(t, command); got.code != 2 || !strings.Contains(got.err.Error(), "SOUK_ENV") {
				t.Errorf("SOUK_ENV=%s souk %s: exit code %d, %v", env, command, got.code, got.err)
			}
		}
	}
}

func TestWipeRefusesWhatIsNotAHome(t *testing.T) {
	dir := ownHome(t)
	precious := filepath.Join(dir, "thesis.txt")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := souk(t, "down", "--wipe")
	if got.code != 2 || !errors.Is(got.err, home.ErrNotAHome) {
		t.Errorf("exit code %d, %v", got.code, got.err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestUpNamesATakenPort(t *testing.T) {
	ownHome(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	t.Setenv("SOUK_PORT_BASE", fmt.Sprint(port-299)) // where redis, the first to be checked, would listen
	got := souk(t, "up")
	if got.code != 2 || !strings.Contains(got.err.Error(), fmt.Sprintf("port %d (redis)", port)) {
		t.Errorf("exit code %d, %v", got.code, got.err)
	}
}

func TestPortBaseMustBeOne(t *testing.T) {
	for _, base := range []string{"x", "0", "65000", "-1"} {
		ownHome(t)
		t.Setenv("SOUK_PORT_BASE", base)
		if got := souk(t, "status"); got.code != 2 {
			t.Errorf("SOUK_PORT_BASE=%s: exit code %d", base, got.code)
		}
	}
}

func TestLogsPrintsTheLastLines(t *testing.T) {
	dir := ownHome(t)
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log", "order.log"), []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := souk(t, "logs", "order", "-n", "2"); got.code != 0 || got.stdout != "b\nc\n" {
		t.Errorf("exit code %d, %q, %v", got.code, got.stdout, got.err)
	}
}
