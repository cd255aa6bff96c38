package holds_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/holds"
	"souk.example/services/order/internal/order"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patient is a client that waits out a machine that stops for a while, as what
// is not answered in time is not counted.
func patient(t testing.TB, addr string) *redisclient.Client {
	t.Helper()
	rdb, err := redisclient.Open(t.Context(), redisclient.Config{Addrs: []string{addr}, DialTimeout: time.Minute, IOTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// ledger makes a Ledger that waits for as long as it takes, unless cfg says
// otherwise.
func ledger(t testing.TB, rdb *redisclient.Client, cfg holds.Config) *holds.Ledger {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.PayWithin == 0 {
		cfg.PayWithin = 15 * time.Minute
	}
	l, err := holds.New(rdb, cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return l
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

// keys are keys of one user.
func keys(user order.UserID, names ...string) []order.Key {
	var out []order.Key
	for _, name := range names {
		out = append(out, order.Key{User: user, Key: name})
	}
	return out
}

// taken, had and full sum up slots.
const (
	taken = "taken"
	had   = "had"
	full  = "full"
)

func answers(slots []order.Slot) []string {
	var out []string
	for _, s := range slots {
		switch {
		case s.Cap > 0:
			out = append(out, full)
		case s.Taken:
			out = append(out, taken)
		default:
			out = append(out, had)
		}
	}
	return out
}

func wantSlots(t *testing.T, got []order.Slot, want ...string) {
	t.Helper()
	if !slices.Equal(answers(got), want) {
		t.Errorf("got %v, want %v", answers(got), want)
	}
}

// Keys are answered one after the other, each user's by themselves, and a key
// that has its slot never takes another.
func TestSlots(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *redisclient.Client{
		"one server": func(t testing.TB) *redisclient.Client { return patient(t, redistest.Start(t).Addr()) },
		"cluster":    redistest.Cluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := ledger(t, open(t), holds.Config{Max: 2})
			mixed := slices.Concat(keys(1, "a"), keys(2, "a", "b"), keys(1, "a", "b", "c"), keys(2, "c"), keys(3, "a"))
			wantSlots(t, l.Take(t.Context(), mixed), taken, taken, taken, had, taken, full, full, taken)
			wantSlots(t, l.Take(t.Context(), keys(1, "d", "b", "d", "a")), full, had, full, had)
			l.Free(t.Context(), slices.Concat(keys(1, "a", "never taken"), keys(4, "a")))
			wantSlots(t, l.Take(t.Context(), slices.Concat(keys(1, "d", "e"), keys(2, "d"))), taken, full, full)
		})
	}
}

// clock is a miniredis and a clock that go together.
type clock struct {
	server *miniredis.Miniredis
	now    time.Time
}

func newClock(t *testing.T) *clock {
	return &clock{server: redistest.Mini(t), now: time.Unix(1_800_000_000, 0)}
}

func (c *clock) pass(d time.Duration) {
	c.now = c.now.Add(d)
	c.server.FastForward(d)
}

// ledger makes a Ledger that goes by the clock.
func (c *clock) ledger(t *testing.T, cfg holds.Config) *holds.Ledger {
	t.Helper()
	cfg.Now = func() time.Time { return c.now }
	return ledger(t, patient(t, c.server.Addr()), cfg)
}

// A slot runs out a minute after its order's deadline; until the first does, who
// has none is told to wait.
func TestSlotsRunOut(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	l := c.ledger(t, holds.Config{Max: 2, PayWithin: 15 * time.Minute})
	wantSlots(t, l.Take(t.Context(), keys(1, "a")), taken)
	c.pass(10 * time.Minute)
	wantSlots(t, l.Take(t.Context(), keys(1, "b", "a")), taken, had)
	refused := l.Take(t.Context(), keys(1, "c"))[0]
	if refused.Cap != 2 || refused.FreeIn != 6*time.Minute {
		t.Errorf("refused with %+v, want a cap of 2 and 6 minutes", refused)
	}
	c.pass(6*time.Minute - time.Millisecond)
	wantSlots(t, l.Take(t.Context(), keys(1, "c")), full)
	c.pass(time.Millisecond)
	wantSlots(t, l.Take(t.Context(), keys(1, "c", "d")), taken, full)
	c.pass(time.Hour)
	if left := c.server.Keys(); len(left) != 0 {
		t.Errorf("an hour later %v is left", left)
	}
}

// An order that lapsed counts for the penalty from then on, even if it was
// forgotten meanwhile; one that was paid does not, nor any without a penalty.
func TestTheSlotOfALapsedOrderCountsOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		penalty time.Duration
		release order.Release
		wait    time.Duration // until a slot is free
	}{
		"paid":                {time.Hour, order.Release{Key: keys(1, "a")[0]}, 0},
		"lapsed":              {time.Hour, order.Release{Key: keys(1, "a")[0], Lapsed: true}, time.Hour},
		"lapsed, forgotten":   {time.Hour, order.Release{Key: keys(1, "forgotten")[0], Lapsed: true}, time.Hour},
		"lapsed, unpunished":  {0, order.Release{Key: keys(1, "a")[0], Lapsed: true}, 0},
		"lapsed, for seconds": {time.Second, order.Release{Key: keys(1, "a")[0], Lapsed: true}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock(t)
			l := c.ledger(t, holds.Config{Max: 1, Penalty: tc.penalty})
			wantSlots(t, l.Take(t.Context(), keys(1, "a")), taken)
			if tc.release.Key.Key != "a" {
				l.Free(t.Context(), keys(1, "a"))
			}
			released(t, l, tc.release)
			slot := l.Take(t.Context(), keys(1, "b"))[0]
			if slot.FreeIn != tc.wait || slot.Taken != (tc.wait == 0) {
				t.Errorf("got %+v, want to wait for %s", slot, tc.wait)
			}
			c.pass(tc.wait / 2)
			if slot := l.Take(t.Context(), keys(1, "b"))[0]; slot.FreeIn != tc.wait/2 {
				t.Errorf("half way: %+v", slot)
			}
			c.pass(tc.wait / 2)
			if slot := l.Take(t.Context(), keys(1, "b"))[0]; slot.Cap != 0 {
				t.Errorf("after %s: %+v", tc.wait, slot)
			}
		})
	}
}

// released has l come to what it is told, and be done.
func released(t *testing.T, l *holds.Ledger, orders ...order.Release) {
	t.Helper()
	l.Release(orders)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A cap that is lowered holds at once, and says when there is room under it.
func TestALowerCap(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	high, low := c.ledger(t, holds.Config{Max: 3}), c.ledger(t, holds.Config{Max: 1})
	for i := range 3 {
		wantSlots(t, high.Take(t.Context(), keys(1, fmt.Sprint(i))), taken)
		c.pass(time.Minute)
	}
	slot := low.Take(t.Context(), keys(1, "more"))[0]
	if slot.Cap != 1 || slot.FreeIn != 15*time.Minute {
		t.Errorf("got %+v, want the 15 minutes that the third has left", slot)
	}
}

// Without a cap Redis is never asked.
func TestNoCap(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	l := ledger(t, patient(t, server.Addr()), holds.Config{Max: 0, Penalty: time.Hour})
	wantSlots(t, l.Take(t.Context(), keys(1, "a", "b")), had, had)
	l.Free(t.Context(), keys(1, "a"))
	released(t, l, order.Release{Key: keys(1, "a")[0], Lapsed: true})
	if n := server.TotalConnectionCount(); n != 0 {
		t.Errorf("%d connections to Redis", n)
	}
}
