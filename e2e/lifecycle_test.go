package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// What a laptop is promised of embedded engines.
const (
	maxResident = 600_000_000 // bytes, right after souk up
	maxWarmUp   = 10 * time.Second
)

func TestARestartKeepsEverything(t *testing.T) {
	s := ownSouk(t)
	leanWhenStarted(t, s)
	c := richCustomers(t, s, 1)[0]
	before := c.settled(t, c.buy(t, "SKU-0003", 3).ID, soon)
	stockBefore := stock(t, s, "SKU-0003")
	downLeavesNothing(t, s)
	upInTime(t, s)
	after := c.settled(t, before.ID, soon)
	if after.statuses() != before.statuses() {
		t.Errorf("the order was %s, now it is %s", before.statuses(), after.statuses())
	}
	if now := stock(t, s, "SKU-0003"); now != stockBefore {
		t.Errorf("the stock was %+v, now it is %+v", stockBefore, now)
	}
	if r := s.run("up"); r.code != 0 || !strings.Contains(r.stderr, "starting nothing") {
		t.Errorf("a second up: exit %d\n%s", r.code, r.stderr)
	}
	s.auditClean(t)
}

func leanWhenStarted(t *testing.T, s *souk) {
	t.Helper()
	rss := runJSON[status](t, s, "status").RSSBytes
	t.Logf("%d MB resident after souk up", rss/1_000_000)
	if rss == 0 || rss > maxResident && !native() {
		t.Errorf("%d bytes resident after souk up, want up to %d", rss, maxResident)
	}
}

func upInTime(t *testing.T, s *souk) {
	t.Helper()
	began := time.Now()
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("a warm souk up took %s", took.Round(time.Millisecond))
	if took > maxWarmUp && !native() {
		t.Errorf("a warm souk up took %s, want up to %s", took, maxWarmUp)
	}
}

func downLeavesNothing(t *testing.T, s *souk) {
	t.Helper()
	pid := runJSON[status](t, s, "status").Services[0].PID
	if r := s.run("down"); r.code != 0 {
		t.Fatalf("souk down: exit %d\n%s", r.code, r.stderr)
	}
	if !allFree(portsFrom(s.base)...) {
		t.Error("a port is still taken after souk down")
	}
	eventually(t, 5*time.Second, "the process to be gone", func() bool { return ended(int32(pid)) })
}

// ended takes a process that only waits for its parent to notice as ended.
func ended(pid int32) bool {
	p, err := process.NewProcess(pid)
	if err != nil {
		return true
	}
	states, err := p.Status()
	return err != nil || states[0] == process.Zombie
}

// Two people, or two scripts, that start souk at once both get a running one.
func TestTwoStartsAtOnceGiveOneSouk(t *testing.T) {
	s, err := newSouk(filepath.Dir(shared.bin), filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	failures := make(chan error, 2)
	for range cap(failures) {
		go func() { failures <- s.up() }()
	}
	for range cap(failures) {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	for _, service := range runJSON[status](t, s, "status").Services {
		if !service.Ready {
			t.Errorf("%s is not ready", service.Name)
		}
	}
}
