package saga_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

// run has an engine run until the test ends.
func run(t testing.TB, e *saga.Engine) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain: waiting for ", what)
		}
	}
}

// Three processes on one database: every step of every saga is issued once.
func TestProcessesShareTheWork(t *testing.T) {
	const sagas = 30
	s := newStage(t, with(abc("b"), "b", atOnce))
	for range 2 {
		run(t, s.newEngine(with(abc("b"), "b", atOnce)))
	}
	run(t, s.engine)
	var wg sync.WaitGroup
	for n := range sagas {
		id := fmt.Sprint(n)
		wg.Go(func() {
			s.start(id)
			for _, call := range []string{"do a", "do c"} {
				until(t, call, func() bool { return s.signal(id, call, "") })
				s.signal(id, call, "no") // again, and otherwise
			}
		})
	}
	wg.Wait()
	until(t, "the end of all", func() bool {
		done, err := s.op.List(t.Context(), saga.Filter{Status: saga.Completed})
		return err == nil && len(done) == sagas
	})
	issued := map[string]int{}
	for _, call := range s.calls() {
		issued[call]++
	}
	if want := (map[string]int{"do a": sagas, "do b": sagas, "do c": sagas}); !maps.Equal(issued, want) {
		t.Errorf("issued %v, want %v", issued, want)
	}
}

// In a bubble of synctest a day passes at once; it needs a database that does
// not wait for the network.
func inBubble(t *testing.T, cfg saga.Config, d saga.Definition, test func(t *testing.T, e *saga.Engine, db *database.DB)) {
	path := t.TempDir() + "/bubble.db"
	synctest.Test(t, func(t *testing.T) {
		db, err := database.Open(t.Context(), database.Config{DSN: config.Secret("sqlite:" + path)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Migrate(t.Context(), saga.Migrations()); err != nil {
			t.Fatal(err)
		}
		e, err := saga.New(db, cfg, telemetry.Nop(), d)
		if err != nil {
			t.Fatal(err)
		}
		e.UseProcessClock()
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = e.Run(ctx) })
		defer running.Wait()
		defer stop()
		test(t, e, db)
	})
}

func TestWaitsDoubleUpToTheCap(t *testing.T) {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for _, test := range []struct {
		name    string
		timeout time.Duration
		do      saga.Func
		waits   string
	}{
		{"for replies", 0, waits, "30s 1m0s 1m40s 1m40s"},
		{"for a step's own time", seconds(10), waits, "10s 20s 40s 1m20s"},
		{"for longer than the cap", seconds(200), waits, "3m20s 3m20s 3m20s 3m20s"},
		{"after failures", 0, fails, "1s 2s 4s 8s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var at []time.Time
			do := func(ctx context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
				at = append(at, time.Now())
				return test.do(ctx, tx, c)
			}
			d := saga.Definition{Type: "trip", Pivot: "a", Steps: []saga.Step{{Name: "a", Do: do, Timeout: test.timeout}}}
			cfg := saga.Config{Attempts: 5, BackoffMax: seconds(100)}
			inBubble(t, cfg, d, func(t *testing.T, e *saga.Engine, db *database.DB) {
				begin(t, e, db, "1")
				operator, got := saga.NewOperator(db), saga.Saga{}
				for end := time.Now().Add(time.Hour); got.Status != saga.Stuck && time.Now().Before(end); time.Sleep(seconds(1)) {
					got, _, _ = operator.Show(t.Context(), "1")
				}
				if got.Status != saga.Stuck {
					t.Errorf("%+v", got)
				}
			})
			var waited []string
			for i := range len(at) - 1 {
				waited = append(waited, at[i+1].Sub(at[i]).Round(time.Second).String())
			}
			if got := strings.Join(waited, " "); got != test.waits {
				t.Errorf("waited %s, want %s", got, test.waits)
			}
		})
	}
}

func begin(t *testing.T, e *saga.Engine, db *database.DB, id string) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := e.Start(ctx, tx, "trip", id, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What this process made due does not wait for the poll.
func TestRunIsWoken(t *testing.T) {
	d := saga.Definition{Type: "trip", Steps: []saga.Step{{Name: "a", Do: waits}, {Name: "b", Do: waits}}}
	inBubble(t, saga.Config{Poll: time.Hour}, d, func(t *testing.T, e *saga.Engine, db *database.DB) {
		synctest.Wait() // Run has looked, and found nothing
		started := time.Now()
		begin(t, e, db, "1")
		for _, step := range []string{"a", "b"} {
			synctest.Wait()
			err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := e.Signal(ctx, tx, saga.Reply{Saga: "1", Step: step, Op: saga.Action})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		got, _, err := saga.NewOperator(db).Show(t.Context(), "1")
		if err != nil || got.Status != saga.Completed || time.Since(started) > time.Minute {
			t.Errorf("%+v after %v, %v", got, time.Since(started), err)
		}
	})
}

func TestRunFinishesTheStepInHand(t *testing.T) {
	begun, release := make(chan bool), make(chan bool)
	s := newStage(t, with(abc(""), "a", func(ctx context.Context, tx *database.Tx, _ saga.Call) (saga.Progress, error) {
		close(begun)
		<-release
		_, err := tx.Now(ctx) // the transaction is alive
		return saga.Done, err
	}))
	s.start("1")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.engine.Run(ctx) }()
	<-begun
	stop()
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, _ := s.show("1"); got.Step != "b" || got.Attempts != 0 {
		t.Errorf("%+v", got)
	}
}

func TestMetrics(t *testing.T) {
	s := newStage(t, abc("b"))
	s.start("1")
	s.play("1", map[string]string{"do b": silence})
	s.start("2")
	s.play("2", map[string]string{"do b": "no"})
	run(t, s.engine)
	stuck := `
		# HELP souk_sagas Sagas in the database that have not ended; the STUCK ones wait for an operator.
		# TYPE souk_sagas gauge
		souk_sagas{status="RUNNING",type="trip"} 0
		souk_sagas{status="STUCK",type="trip"} 1
	`
	until(t, "the gauges", func() bool {
		return testutil.GatherAndCompare(s.tele.Registry, strings.NewReader(stuck), "souk_sagas") == nil
	})
	got := gather(t, s.tele.Registry, "souk_saga_steps_total", "souk_sagas_ended_total")
	want := []string{
		"a action done 2", "a action waiting 2",
		"a compensation done 1", "a compensation waiting 1",
		"b action refused 1", "b action reissued 2", "b action waiting 2",
		"COMPENSATED 1",
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// gather lists counters by their labels other than type.
func gather(t *testing.T, registry *prometheus.Registry, names ...string) (all []string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if !slices.Contains(names, f.GetName()) {
				continue
			}
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			text := fmt.Sprint(labels["step"], " ", labels["op"], " ", labels["result"], labels["status"], " ", m.GetCounter().GetValue())
			all = append(all, strings.TrimSpace(text))
		}
	}
	slices.Sort(all)
	return all
}
