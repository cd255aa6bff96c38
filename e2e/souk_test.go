package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shared is the souk that most tests use side by side; each test brings its
// own users and products.
var shared *souk

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "souk-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	shared, err = newSouk(dir, filepath.Join(dir, "home"), "SOUK_PSP_LATE_AFTER=2s")
	if err == nil && !faultsOnly() {
		defer shared.end()
		err = shared.up()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return m.Run()
}

// faultsOnly reports whether the fault suite or a soak is to be run, each on a
// souk of its own that nothing else is to slow down.
func faultsOnly() bool { return os.Getenv("SOUK_CHAOS") != "" || os.Getenv("SOUK_SOAK") != "" }

// infra says on which engines the tests run; on native ones every service has
// two replicas, each a process of its own.
func infra() string { return cmp.Or(os.Getenv("SOUK_E2E_INFRA"), "embedded") }

func native() bool { return infra() == "native" }

func replicas() int {
	if native() {
		return 2
	}
	return 1
}

// souk is one platform on this machine, driven through its command line.
type souk struct {
	bin  string
	home string
	base int
	env  []string // on top of this process's own
}

// plenty of open orders for each, and of sign-ups: the load here is few users,
// at times minutes without a payment, and all of one address. The limits stay
// on, so that Redis is asked. Stock has no gates: most products here have few
// units, and what inventory makes of the orders that come too late is tested.
var plenty = []string{"SOUK_ORDER_OPEN_MAX=1000000", "SOUK_ADDRESS_ATTEMPTS=1000000", "SOUK_GATE_BELOW=0"}

// newSouk builds the CLI into dir, unless it is there, and picks free ports.
func newSouk(dir, home string, env ...string) (*souk, error) {
	s := &souk{bin: filepath.Join(dir, "souk"), home: home, base: freeBase(), env: slices.Concat(plenty, env)}
	if _, err := os.Stat(s.bin); err == nil {
		return s, nil
	}
	return s, build(s.bin)
}

// build builds the CLI, with build tags if there are any.
func build(bin string, tags ...string) error {
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", bin, "souk.example/cmd/souk")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build souk: %w\n%s", err, out)
	}
	return nil
}

// freeBase picks a port base whose ports nobody listens on, nor on those that
// engines behind proxies have.
func freeBase() int {
	for {
		base := 20_000 + 10*rand.IntN(1_000)
		if allFree(append(portsFrom(base), enginePorts(base+behind)...)...) {
			return base
		}
	}
}

// portsFrom are the ports of a souk on a port base.
func portsFrom(base int) []int { return append(servicePorts(base), enginePorts(base)...) }

func servicePorts(base int) []int {
	var ports []int
	for replica := range replicas() {
		for service := range 6 {
			port := base + 100*replica + service
			ports = append(ports, port, port+1000)
		}
	}
	return append(ports, base+10, base+1010) // the payment provider
}

func enginePorts(base int) []int { return []int{base + 226, base + 299, base + 312, base + 313} }

func allFree(ports ...int) bool {
	for _, p := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

func (s *souk) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", s.base, path) }

// result is what one run of the CLI gave.
type result struct {
	code           int
	stdout, stderr string
}

func (s *souk) run(args ...string) result {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.bin, args...)
	cmd.Env = append(os.Environ(), "SOUK_HOME="+s.home, "SOUK_PORT_BASE="+strconv.Itoa(s.base))
	cmd.Env = append(cmd.Env, s.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	r := result{code: 0}
	if err := cmd.Run(); err != nil {
		r.code = -1
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			r.code = exit.ExitCode()
		}
	}
	r.stdout, r.stderr = stdout.String(), stderr.String()
	return r
}

func (s *souk) up() error {
	if r := s.run("up", "--infra", infra(), "--replicas", strconv.Itoa(replicas())); r.code != 0 {
		return fmt.Errorf("souk up: exit %d\n%s", r.code, r.stderr)
	}
	return nil
}

// end leaves no process behind, whatever state the tests left.
func (s *souk) end() {
	if r := s.run("down", "--wipe"); r.code != 0 {
		fmt.Fprintf(os.Stderr, "souk down: exit %d\n%s", r.code, r.stderr)
	}
}

// runJSON runs a command that must succeed and decodes its one document.
func runJSON[T any](t *testing.T, s *souk, args ...string) T {
	t.Helper()
	r := s.run(append(args, "--json")...)
	if r.code != 0 {
		t.Fatalf("souk %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	var v T
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("souk %v: %v in %q", args, err, r.stdout)
	}
	return v
}

type status struct {
	Services []serviceStatus `json:"services"`
	Engines  []engineStatus  `json:"engines"`
	RSSBytes uint64          `json:"rss_bytes"`
}

type serviceStatus struct {
	Name     string `json:"name"`
	Replica  int    `json:"replica"`
	PID      int    `json:"pid"`
	URL      string `json:"url"`
	AdminURL string `json:"admin_url"`
	Ready    bool   `json:"ready"`
	RSS      int64  `json:"rss_bytes"`
}

type engineStatus struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// services and engines are what status tells of, also while some are away.
func (s *souk) services(t *testing.T) []serviceStatus { return s.status(t).Services }

func (s *souk) engines(t *testing.T) []engineStatus { return s.status(t).Engines }

func (s *souk) status(t *testing.T) (report status) {
	t.Helper()
	r := s.run("status", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("souk status: exit %d, %v\n%s", r.code, err, r.stderr)
	}
	return report
}

func kill9(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

type auditReport struct {
	Clean      bool `json:"clean"`
	AtRest     bool `json:"at_rest"`
	Violations []struct {
		Invariant string `json:"invariant"`
		Subject   string `json:"subject"`
		Detail    string `json:"detail"`
	} `json:"violations"`
	Traces map[string][]struct {
		Service string `json:"service"`
	} `json:"traces"`
	Parked  int `json:"parked"`
	Stuck   int `json:"stuck"`
	Checked struct {
		Orders  int `json:"orders"`
		Charges int `json:"charges"`
	} `json:"checked"`
}

// auditClean fails the test unless the audit finds nothing at all.
func (s *souk) auditClean(t *testing.T) auditReport {
	t.Helper()
	report, r := s.audit(t)
	wantClean(t, report, r)
	return report
}

func wantClean(t *testing.T, report auditReport, r result) {
	t.Helper()
	if r.code != 0 || !report.Clean || report.Parked != 0 {
		t.Fatalf("souk audit: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	t.Logf("audit clean over %d orders and %d charges", report.Checked.Orders, report.Checked.Charges)
}

func (s *souk) audit(t *testing.T) (report auditReport, r result) {
	t.Helper()
	r = s.run("audit", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("souk audit: exit %d, %v\n%s", r.code, err, r.stderr)
	}
	return report, r
}

// restsClean waits until nothing is under way any more, orders that nobody was
// told of included, and fails the test unless the audit finds nothing then. Only
// at rest are the provider's sums compared with the ledger's.
func (s *souk) restsClean(t *testing.T) {
	t.Helper()
	var report auditReport
	var r result
	eventually(t, 3*time.Minute, "every order to come to rest", func() bool {
		report, r = s.audit(t)
		return report.AtRest || r.code != 0
	})
	wantClean(t, report, r)
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
