package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

func TestAcknowledgedOrdersSurviveKill9(t *testing.T) {
	const beforeKill = 500 // orders acknowledged: the kill falls into full flight
	s := ownSouk(t)
	customers := richCustomers(t, s, clients)
	pids := processes(t, s)
	stop := make(chan struct{})
	var all []placed
	for p := range attempts(t, customers, "SKU-0100", 5_000, stop) {
		if all = append(all, p); len(all) == beforeKill {
			for _, pid := range pids {
				kill9(t, pid) // and go on reading, so that no client waits for this test
			}
			close(stop)
		}
	}
	s.awaitFree(t, s.hostedPorts()...)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	counts := outcomes(t, all, time.Minute)
	t.Logf("killed in the middle of %d attempts: %v", len(all), counts)
	if counts["no answer"] == 0 {
		t.Error("no order was under way when the platform was killed")
	}
	wantAllCompleted(t, counts, beforeKill)
	s.auditClean(t)
}

// One process after the other dies with orders in flight and is started again
// by the next up, while clients go on buying from the other replica.
func TestEachServiceMayDieUnderLoad(t *testing.T) {
	if !native() {
		t.Skip("embedded engines host everything in one process: see TestAcknowledgedOrdersSurviveKill9")
	}
	const betweenKills = 200 // orders acknowledged
	s := ownSouk(t)
	customers, sku := richCustomers(t, s, clients), product(t, s, 1_000_000) // more than can be sold meanwhile
	victims := runJSON[status](t, s, "status").Services
	stop := make(chan struct{})
	answers := attempts(t, customers, sku, 1_000_000, stop)
	var all []placed
	for _, victim := range victims {
		all = append(all, takeAcknowledged(answers, betweenKills)...)
		during := make(chan []placed)
		revived := make(chan struct{})
		go func() { during <- takeUntil(answers, revived) }()
		kill9(t, victim.PID)
		began := time.Now()
		s.awaitFree(t, portOf(t, victim), portOf(t, victim)+1000)
		err := s.up()
		close(revived)
		all = append(all, <-during...)
		if err != nil {
			t.Fatalf("after kill -9 of %s-%d: %v", victim.Name, victim.Replica, err)
		}
		t.Logf("%s-%d killed and up again after %s", victim.Name, victim.Replica, time.Since(began).Round(time.Millisecond))
	}
	close(stop)
	for p := range answers {
		all = append(all, p)
	}
	counts := outcomes(t, all, time.Minute)
	t.Logf("%d attempts: %v", len(all), counts)
	wantAllCompleted(t, counts, betweenKills*len(victims))
	s.auditClean(t)
}

// takeAcknowledged reads answers until n of them are orders.
func takeAcknowledged(answers <-chan placed, n int) []placed {
	var all []placed
	for p := range answers {
		all = append(all, p)
		if p.status == http.StatusCreated {
			n--
		}
		if n == 0 {
			break
		}
	}
	return all
}

// takeUntil reads answers until done.
func takeUntil(answers <-chan placed, done <-chan struct{}) []placed {
	var all []placed
	for {
		select {
		case p := <-answers:
			all = append(all, p)
		case <-done:
			return all
		}
	}
}

func wantAllCompleted(t *testing.T, counts map[string]int, atLeast int) {
	t.Helper()
	if counts["COMPLETED"] < atLeast || counts["REJECTED"]+counts["CANCELLED"] > 0 {
		t.Errorf("outcomes %v: every acknowledged order can be completed, and there were %d", counts, atLeast)
	}
}

// processes are those that services run in, each once.
func processes(t *testing.T, s *souk) []int {
	t.Helper()
	seen := map[int]bool{}
	var pids []int
	for _, service := range runJSON[status](t, s, "status").Services {
		if !seen[service.PID] {
			pids = append(pids, service.PID)
		}
		seen[service.PID] = true
	}
	return pids
}

// hostedPorts are those that go with the processes that services run in.
func (s *souk) hostedPorts() []int {
	if native() {
		return servicePorts(s.base)
	}
	return portsFrom(s.base)
}

func (s *souk) awaitFree(t *testing.T, ports ...int) {
	t.Helper()
	eventually(t, 10*time.Second, fmt.Sprintf("ports %v to be free", ports), func() bool { return allFree(ports...) })
}

func portOf(t *testing.T, s serviceStatus) int {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
