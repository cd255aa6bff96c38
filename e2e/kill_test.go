package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAcknowledgedOrdersSurviveKill9(t *testing.T) {
	const beforeKill, tries = 500, 5 // orders acknowledged: the kill falls into full flight
	s := ownSouk(t)
	customers := richCustomers(t, s, clients)
	var all []placed
	unanswered := func(p placed) bool { return p.status == 0 }
	for try := 0; try < tries && !slices.ContainsFunc(all, unanswered); try++ { // all may just have been answered
		all = append(all, killedWhileBuying(t, s, customers, beforeKill)...)
		s.awaitFree(t, s.hostedPorts()...)
		if err := s.up(); err != nil {
			t.Fatal(err)
		}
	}
	counts := outcomes(t, all, time.Minute)
	t.Logf("killed in the middle of %d attempts: %v", len(all), counts)
	if counts["no answer"] == 0 {
		t.Error("no order was under way when the platform was killed")
	}
	wantAllCompleted(t, counts, beforeKill)
	s.restsClean(t)
}

// killedWhileBuying kills every process once so many orders are answered.
func killedWhileBuying(t *testing.T, s *souk, customers []*customer, answered int) (all []placed) {
	t.Helper()
	pids, stop := processes(t, s), make(chan struct{})
	for p := range attempts(t, customers, 10*answered, stop, buying("SKU-0100", 1), buyingByCard("SKU-0100", "tok_ok")) {
		if all = append(all, p); len(all) == answered {
			for _, pid := range pids {
				kill9(t, pid) // and go on reading, so that no client waits for this test
			}
			close(stop)
		}
	}
	return all
}

// One process after the other dies with orders in flight and is started again
// by the next up, while clients go on buying from the other replica.
func TestEachServiceMayDieUnderLoad(t *testing.T) {
	if !native() {
		t.Skip("embedded engines host everything in one process: see TestAcknowledgedOrdersSurviveKill9")
	}
	s := ownSouk(t)
	var victims []victim
	for _, service := range runJSON[status](t, s, "status").Services {
		victims = append(victims, victim{fmt.Sprintf("%s-%d", service.Name, service.Replica), func() {
			kill9(t, service.PID)
			s.awaitFree(t, portOf(t, service), portOf(t, service)+1000)
		}})
	}
	survive(t, s, victims)
}

// Engines come back with what they had promised to keep; Redis has promised
// nothing and comes back empty.
func TestEachEngineMayDieUnderLoad(t *testing.T) {
	if !native() {
		t.Skip("embedded engines host everything in one process: see TestAcknowledgedOrdersSurviveKill9")
	}
	s := ownSouk(t)
	var victims []victim
	for _, engine := range runJSON[status](t, s, "status").Engines {
		victims = append(victims, victim{engine.Name, func() {
			kill9(t, engine.PID)
			if engine.Name == "redis" {
				eventually(t, 10*time.Second, "redis to end", func() bool { return ended(int32(engine.PID)) })
				wipe(t, filepath.Join(s.home, "native", "redis", "data"))
			}
		}})
	}
	survive(t, s, victims)
}

func wipe(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// victim is a part of souk and a way to kill it, which returns when up may
// start it again.
type victim struct {
	name string
	kill func()
}

// survive kills the victims one after the other while clients buy, every third
// order by card, starts each again, and wants every acknowledged order to be
// completed within a minute of the last restart.
func survive(t *testing.T, s *souk, victims []victim) {
	t.Helper()
	const between = 200                                                    // orders acknowledged between one kill and the next
	const load = 250                                                       // orders a second: what piles up must not go by how fast the machine takes them in
	customers, sku := richCustomers(t, s, clients), product(t, s, 999_999) // more than can be sold meanwhile
	stop, work := make(chan struct{}), make(chan int)
	go metered(work, stop, load, new(atomic.Int64))
	answers := carryOut(t, customers, work, buying(sku, 1), buying(sku, 1), buyingByCard(sku, "tok_ok"))
	var all []placed
	for _, v := range victims {
		all = append(all, takeAcknowledged(t, answers, between)...)
		all = append(all, takeWhile(answers, func() { revive(t, s, v) })...)
	}
	all = append(all, takeAcknowledged(t, answers, between)...)
	close(stop)
	for p := range answers {
		all = append(all, p)
	}
	counts := outcomes(t, all, time.Minute)
	t.Logf("%d attempts: %v", len(all), counts)
	wantAllCompleted(t, counts, between*len(victims))
	s.restsClean(t)
}

func revive(t *testing.T, s *souk, v victim) {
	v.kill()
	began := time.Now()
	if err := s.up(); err != nil {
		t.Errorf("after kill -9 of %s: %v", v.name, err)
	}
	t.Logf("%s killed and up again after %s", v.name, time.Since(began).Round(time.Millisecond))
}

// takeAcknowledged reads answers until n of them are orders.
func takeAcknowledged(t *testing.T, answers <-chan placed, n int) []placed {
	t.Helper()
	var all []placed
	patience := time.After(2 * time.Minute)
	for n > 0 {
		select {
		case p := <-answers:
			all = append(all, p)
			if p.status == http.StatusCreated {
				n--
			}
		case <-patience:
			t.Fatalf("nobody can buy any more: %d orders short after %d answers", n, len(all))
		}
	}
	return all
}

// takeWhile reads answers while do runs.
func takeWhile(answers <-chan placed, do func()) []placed {
	done, taken := make(chan struct{}), make(chan []placed)
	go func() {
		var all []placed
		for {
			select {
			case p := <-answers:
				all = append(all, p)
			case <-done:
				taken <- all
				return
			}
		}
	}()
	do()
	close(done)
	return <-taken
}

func wantAllCompleted(t *testing.T, counts map[string]int, atLeast int) {
	t.Helper()
	if counts["COMPLETED"] < atLeast {
		t.Errorf("outcomes %v, want at least %d COMPLETED", counts, atLeast)
	}
	for outcome := range counts {
		if outcome != "COMPLETED" && outcome != "no answer" && !strings.HasPrefix(outcome, "5") {
			t.Errorf("outcomes %v: no order is refused or closed for what befell the machine", counts)
		}
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
