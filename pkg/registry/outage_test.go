package registry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/registry"
)

// said is what was logged. Safe for concurrent use.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(line string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), line)
}

// However often they fail while Redis is away, the log has one line when it goes
// and one when it is back, from an instance and from a watcher.
func TestOutagesAreLoggedOnce(t *testing.T) {
	server, log, reg := redistest.Start(t), &said{}, prometheus.NewRegistry()
	rdb := redistest.Dial(t, server.Addr())
	bus, err := pubsub.New(rdb, pubsub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := quick
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	r, err := registry.New(rdb, bus, cfg, registry.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	n := node{r}
	n.announce(t, "a")
	awaitIDs(t, n.watch(t), "a")
	failed := func() int { return failures(t, reg) }
	for outage := 1; outage <= 2; outage++ {
		server.Kill()
		before := failed()
		redistest.Eventually(t, "several tries fail", func() bool { return failed() >= before+20 })
		server.Restart()
		for fails, works := range map[string]string{"heartbeats fail": "heartbeats arrive again", "list of a service is not read": "list of a service is read again"} {
			// On a slow machine a try may fail without us: that is an outage, too.
			redistest.Eventually(t, works, func() bool { return log.count(works) >= outage && log.count(works) == log.count(fails) })
		}
	}
}

// Changes are made while nobody can be told of them: the log says so once, and
// once when the next is broadcast.
func TestChangesThatAreNotBroadcastAreLoggedOnce(t *testing.T) {
	broadcasts, log := redistest.Start(t), &said{}
	bus, err := pubsub.New(redistest.Dial(t, broadcasts.Addr()), pubsub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := quick
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	r, err := registry.New(redistest.Open(t), bus, cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := node{r}
	watcher := n.watch(t)
	broadcasts.Kill()
	n.announce(t, "a")
	n.announce(t, "b")
	awaitIDs(t, watcher, "a", "b")
	broadcasts.Restart()
	n.announce(t, "c")
	const begun, ended = "changes of services are not broadcast", "changes of services are broadcast again"
	redistest.Eventually(t, ended, func() bool { return log.count(ended) == 1 })
	if got := log.count(begun); got != 1 {
		t.Errorf("%q %d times", begun, got)
	}
}

// failures counts the beats and looks that failed.
func failures(t *testing.T, reg prometheus.Gatherer) (sum int) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetValue() == "failed" {
					sum += int(m.GetCounter().GetValue())
				}
			}
		}
	}
	return sum
}
