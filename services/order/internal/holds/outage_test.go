package holds_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/holds"
	"souk.example/services/order/internal/order"
)

// tally counts what a client sends.
type tally struct{ pipelines atomic.Int64 }

func (t *tally) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (t *tally) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (t *tally) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		t.pipelines.Add(1)
		return next(ctx, cmds)
	}
}

// Whatever ails Redis, everybody passes; and who has found it not to answer
// keeps the others from waiting for it.
func TestWithoutRedisEverybodyPasses(t *testing.T) {
	t.Parallel()
	for name, ail := range map[string]func(*redistest.Server, *redistest.Proxy){
		"down":   func(s *redistest.Server, _ *redistest.Proxy) { s.Kill() },
		"silent": func(_ *redistest.Server, p *redistest.Proxy) { p.DropReplies.Store(true) },
		"slow":   func(_ *redistest.Server, p *redistest.Proxy) { p.Latency.Store(int64(3 * time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr())
			rdb := patient(t, proxy.Addr())
			var asked tally
			rdb.Write().AddHook(&asked)
			l := ledger(t, rdb, holds.Config{Max: 1, Timeout: 50 * time.Millisecond, RetryPause: time.Hour})
			ail(server, proxy)
			for i := range 100 {
				wantSlots(t, l.Take(t.Context(), keys(1, fmt.Sprint(i), "again")), had, had)
			}
			released(t, l, order.Release{Key: keys(1, "1")[0]})
			if n := asked.pipelines.Load(); n != 1 {
				t.Errorf("Redis was asked %d times, want once", n)
			}
		})
	}
}

// What Redis answers an error to passes, and is nobody else's outage.
func TestAKeyThatIsNoSetIsItsUsersAlone(t *testing.T) {
	t.Parallel()
	rdb := patient(t, redistest.Start(t).Addr())
	if err := rdb.Write().Set(t.Context(), "souk:order:open:{1}", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	l := ledger(t, rdb, holds.Config{Max: 1, RetryPause: time.Hour})
	for range 2 {
		wantSlots(t, l.Take(t.Context(), append(keys(1, "a", "b"), keys(2, "a", "b")...))[:2], had, had)
	}
	wantSlots(t, l.Take(t.Context(), keys(2, "a", "b")), had, full)
}

// A Redis that is full refuses at once, so it is asked again at once.
func TestAFullRedisIsAskedAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	l := ledger(t, patient(t, server.Addr()), holds.Config{Max: 1, RetryPause: time.Hour})
	wantSlots(t, l.Take(t.Context(), keys(1, "a")), taken)
	server.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	wantSlots(t, l.Take(t.Context(), keys(1, "b", "c")), had, had)
	server.SetError("")
	wantSlots(t, l.Take(t.Context(), keys(1, "b")), full)
}

// An outage is told of once, at its begin and at its end; what was not counted
// meanwhile is.
func TestAnOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	reg, log := prometheus.NewRegistry(), new(bytes.Buffer)
	l, err := holds.New(patient(t, server.Addr()), holds.Config{
		Max: 1, PayWithin: time.Minute, Timeout: time.Minute, RetryPause: time.Nanosecond, Log: slog.New(slog.NewTextHandler(log, nil)),
	}, reg)
	if err != nil {
		t.Fatal(err)
	}
	wantSlots(t, l.Take(t.Context(), keys(1, "a", "b")), taken, full)
	server.Kill()
	for range 5 {
		wantSlots(t, l.Take(t.Context(), keys(1, "b")), had)
	}
	released(t, l, order.Release{Key: keys(1, "a")[0]})
	server.Restart()
	redistest.Eventually(t, "it counts again", func() bool { return l.Take(t.Context(), keys(1, "c"))[0].Taken })
	wantSlots(t, l.Take(t.Context(), keys(1, "d")), full)
	if got := log.String(); strings.Count(got, "not counted") != 1 || strings.Count(got, "counted again") != 1 {
		t.Errorf("logged:\n%s", got)
	}
	if n, err := testutil.GatherAndCount(reg, "souk_order_holds_refused_total", "souk_order_holds_failures_total"); err != nil || n != 3 {
		t.Errorf("%d series, %v; want refused, and failures to take and to free", n, err)
	}
}

// An emptied Redis, which has forgotten the scripts as well, only forgets.
func TestAnEmptiedRedisForgets(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l := ledger(t, patient(t, server.Addr()), holds.Config{Max: 1})
	for range 2 {
		wantSlots(t, l.Take(t.Context(), keys(1, "a", "b")), taken, full)
		server.Wipe()
	}
	rdb := patient(t, server.Addr())
	if err := rdb.Write().ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	wantSlots(t, l.Take(t.Context(), append(keys(1, "a", "b"), keys(2, "a", "b")...)), taken, full, taken, full)
	if err := rdb.Write().ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	released(t, l, order.Release{Key: keys(1, "a")[0]})
	wantSlots(t, l.Take(t.Context(), keys(1, "b")), taken)
}
