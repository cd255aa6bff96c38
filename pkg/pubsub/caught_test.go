package pubsub_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient/redistest"
)

// What others have written may panic: that ends neither the process nor the
// deliveries, and the log does not tell what it was about.
func TestPanicsAreOutlived(t *testing.T) {
	t.Parallel()
	reg, said := prometheus.NewRegistry(), &strings.Builder{}
	bus, err := pubsub.New(redistest.Open(t), pubsub.Config{Log: slog.New(slog.NewJSONHandler(said, nil))}, pubsub.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	var heard, changed atomic.Int32
	sub := bus.Subscribe("topic", pubsub.Handler{
		Message: func(m pubsub.Message) { heard.Add(1); panic("secret " + m.Key) },
		Resync:  func() { panic("secret resync") },
	})
	state, err := pubsub.NewState(bus, "flags", pubsub.StateConfig[string]{
		OnChange: func(value string) { changed.Add(1); panic("secret " + value) },
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, bus, &inbox{})
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { _ = state.Run(ctx) })
	publish(t, bus, "a", "b")
	redistest.Eventually(t, "the second message comes", func() bool { return heard.Load() == 2 })
	for n, value := range []string{"on", "off"} {
		if err := state.Set(t.Context(), value); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, "the value is told", func() bool { return changed.Load() == int32(n+1) })
	}
	cancel()
	following.Wait()
	stop()
	sub.Close()
	if n := counter(t, reg, "souk_pubsub_panics_total"); n != 5 {
		t.Errorf("%v panics were counted, want 5", n)
	}
	if log := said.String(); strings.Contains(log, "secret") || strings.Count(log, "broadcast handler panicked") != 5 {
		t.Error(log)
	}
}
