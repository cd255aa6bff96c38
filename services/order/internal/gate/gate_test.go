package gate_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"souk.example/internal/stockgate"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/gate"
	"souk.example/services/order/internal/order"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patient is a client that waits out a machine that stops for a while, as what
// is not answered in time passes.
func patient(t testing.TB, addr string) *redisclient.Client {
	t.Helper()
	rdb, err := redisclient.Open(t.Context(), redisclient.Config{Addrs: []string{addr}, DialTimeout: time.Minute, IOTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func openGates(t testing.TB, rdb *redisclient.Client) *stockgate.Gates {
	t.Helper()
	gates, err := stockgate.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	return gates
}

// publish is inventory's part. The gates count for an hour, so that a machine
// that stands still for a while does not open them.
func publish(t testing.TB, rdb *redisclient.Client, decided []stockgate.Hold, gates ...stockgate.Gate) {
	t.Helper()
	if err := openGates(t, rdb).Publish(t.Context(), stockgate.Sheet{Begun: time.Now().Add(time.Hour), Decided: decided, Gates: gates}); err != nil {
		t.Fatal(err)
	}
}

// newGate makes a Gate that waits for as long as it takes, unless cfg says
// otherwise, and runs it for the length of the test.
func newGate(t testing.TB, rdb *redisclient.Client, cfg gate.Config, reg prometheus.Registerer) *gate.Gate {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.Every == 0 {
		cfg.Every = time.Millisecond
	}
	g, err := gate.New(openGates(t, rdb), cfg, reg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, g)
	return g
}

// run runs r for the length of the test.
func run(t testing.TB, r interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// ask is user n's order of one unit of each SKU.
func ask(n int64, skus ...order.SKU) order.Ask {
	a := order.Ask{Order: order.ID(n), Key: order.Key{User: order.UserID(n), Key: "k"}}
	for _, sku := range skus {
		a.Items = append(a.Items, order.Item{SKU: sku, Quantity: 1})
	}
	return a
}

func admit(t testing.TB, g *gate.Gate, a order.Ask) order.Admission {
	t.Helper()
	return g.Admit(t.Context(), []order.Ask{a})[0]
}

// refuses waits until the gate refuses a, which it does once it knows of it.
func refuses(t testing.TB, g *gate.Gate, a order.Ask) order.Admission {
	t.Helper()
	var got order.Admission
	redistest.Eventually(t, "the gate refuses", func() bool { got = admit(t, g, a); return got.Short })
	return got
}

// Answers stand in the places of those who asked; each says which of its items
// is short, and whether to come again.
func TestAdmit(t *testing.T) {
	t.Parallel()
	rdb, reg := patient(t, redistest.Start(t).Addr()), prometheus.NewRegistry()
	publish(t, rdb, nil, stockgate.Gate{SKU: "TEA", Available: 1}, stockgate.Gate{SKU: "INK"})
	g := newGate(t, rdb, gate.Config{RetryAfter: 5 * time.Second}, reg)
	refuses(t, g, ask(9, "INK"))
	got := g.Admit(t.Context(), []order.Ask{ask(1, "CUP"), ask(2, "TEA"), ask(3, "CUP"), ask(4, "CUP", "TEA"), ask(5, "CUP", "INK"), ask(2, "TEA")})
	want := []order.Admission{{}, {Held: true}, {}, {Short: true, Item: 1, RetryAfter: 5 * time.Second}, {Short: true, Item: 1}, {Held: true}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("ask %d is answered %+v, want %+v", i, got[i], want[i])
		}
	}
	g.Withdraw(t.Context(), []order.Ask{ask(2, "TEA")})
	if a := admit(t, g, ask(6, "TEA")); !a.Held {
		t.Errorf("what was withdrawn is not to be had: %+v", a)
	}
	if n, err := testutil.GatherAndCount(reg, "souk_order_gate_refused_total"); err != nil || n != 2 {
		t.Errorf("refusals by %d codes, want 2; %v", n, err)
	}
}

// tally counts the scripts that a client sends.
type tally struct{ scripts atomic.Int64 }

func (t *tally) DialHook(next redis.DialHook) redis.DialHook { return next }
func (t *tally) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") { // not what greets a new connection
			t.scripts.Add(1)
		}
		return next(ctx, cmd)
	}
}
func (t *tally) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Orders for what has no gate cost Redis nothing, all others together one round
// trip.
func TestRedisIsAskedOnceAndOnlyAboutGates(t *testing.T) {
	t.Parallel()
	rdb := patient(t, redistest.Start(t).Addr())
	publish(t, rdb, nil, stockgate.Gate{SKU: "TEA", Available: 100}, stockgate.Gate{SKU: "INK"})
	g := newGate(t, rdb, gate.Config{}, prometheus.NewRegistry())
	refuses(t, g, ask(1, "INK"))
	var asked tally
	rdb.Write().AddHook(&asked)
	g.Admit(t.Context(), []order.Ask{ask(1, "CUP"), ask(2, "CUP", "MUG")})
	if n := asked.scripts.Load(); n != 0 {
		t.Errorf("Redis was asked %d times about what has no gate", n)
	}
	g.Admit(t.Context(), []order.Ask{ask(1, "CUP"), ask(2, "TEA"), ask(3, "TEA", "INK"), ask(4, "TEA")})
	if n := asked.scripts.Load(); n != 1 {
		t.Errorf("Redis was asked %d times about a batch", n)
	}
}

// Whatever ails Redis, everybody passes; and who has found it not to answer
// keeps the others from waiting for it. The timeout is longer than a machine
// stands still: until something ails it, Redis answers.
func TestWithoutRedisEverybodyPasses(t *testing.T) {
	t.Parallel()
	for name, ail := range map[string]func(*redistest.Server, *redistest.Proxy){
		"down":   func(s *redistest.Server, _ *redistest.Proxy) { s.Kill() },
		"silent": func(_ *redistest.Server, p *redistest.Proxy) { p.DropReplies.Store(true) },
		"slow":   func(_ *redistest.Server, p *redistest.Proxy) { p.Latency.Store(int64(8 * time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr())
			rdb := patient(t, proxy.Addr())
			publish(t, rdb, nil, stockgate.Gate{SKU: "INK"})
			// The gate looks at what there is only once.
			g := newGate(t, rdb, gate.Config{Every: time.Hour, Timeout: 4 * time.Second, RetryPause: time.Hour}, prometheus.NewRegistry())
			refuses(t, g, ask(1, "INK"))
			var asked tally
			rdb.Write().AddHook(&asked)
			ail(server, proxy)
			for i := range int64(100) {
				if a := admit(t, g, ask(i, "INK")); a != (order.Admission{}) {
					t.Fatalf("ask %d is answered %+v", i, a)
				}
			}
			g.Withdraw(t.Context(), []order.Ask{ask(1, "INK")})
			if n := asked.scripts.Load(); n != 1 {
				t.Errorf("Redis was asked %d times, want once", n)
			}
		})
	}
}

// An outage is told of once, at its begin and at its end; after it the gate
// refuses again.
func TestAnOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb, reg, log := patient(t, server.Addr()), prometheus.NewRegistry(), new(buffer)
	publish(t, rdb, nil, stockgate.Gate{SKU: "INK"})
	g := newGate(t, rdb, gate.Config{RetryPause: time.Nanosecond, Log: slog.New(slog.NewTextHandler(log, nil))}, reg)
	refuses(t, g, ask(1, "INK"))
	server.Kill()
	for i := range int64(5) {
		if a := admit(t, g, ask(i, "INK")); a.Short {
			t.Errorf("refused without Redis: %+v", a)
		}
	}
	server.Restart()
	server.Wipe()
	publish(t, rdb, nil, stockgate.Gate{SKU: "INK"})
	refuses(t, g, ask(1, "INK"))
	redistest.Eventually(t, "the log tells of its end", func() bool { return strings.Contains(log.String(), "asked again") })
	if got := log.String(); strings.Count(got, "not asked") != 1 || strings.Count(got, "asked again") != 1 {
		t.Errorf("logged:\n%s", got)
	}
	if n, err := testutil.GatherAndCount(reg, "souk_order_gate_failures_total"); err != nil || n != 1 {
		t.Errorf("%d series of failures, want that of admit; %v", n, err)
	}
}

// buffer is a log that is written while it is read.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
