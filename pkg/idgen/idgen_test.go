package idgen_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	if where := os.Getenv(stormStore); where != "" {
		beStormChild(where)
		return
	}
	goleak.VerifyTestMain(m)
}

func acquire(t testing.TB, db *database.DB, cfg idgen.Config) *idgen.Worker {
	t.Helper()
	w := idgen.New(idgen.InSQL(db), cfg)
	if err := w.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func next(t testing.TB, w *idgen.Worker) int64 {
	t.Helper()
	id, err := w.Next()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// clock is a process's clock that a test sets. Only a clock without Go's
// monotonic reading can step at all.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(time.Now().UnixMicro())
	return c
}

func (c *clock) now() time.Time       { return time.UnixMicro(c.micros.Load()) }
func (c *clock) step(d time.Duration) { c.micros.Add(d.Microseconds()) }

func TestIDsRiseAndTellTheirParts(t *testing.T) {
	w := acquire(t, databasetest.Open(t, idgen.Migrations()), idgen.Config{Datacenter: 3})
	var last int64
	for range 10_000 {
		id := next(t, w)
		if id <= last {
			t.Fatalf("%d after %d", id, last)
		}
		last = id
	}
	got := idgen.Parse(last)
	if d := time.Since(got.Time); d < -5*time.Second || d > 5*time.Second {
		t.Errorf("Parse(%d).Time = %v", last, got.Time)
	}
	if got.Machine != 3<<5 {
		t.Errorf("Parse(%d).Machine = %d, want worker 0 of datacenter 3", last, got.Machine)
	}
}

func TestConcurrentIDsAreUnique(t *testing.T) {
	w := idgen.Static(1)
	const each = 20_000
	all := make([][]int64, 4)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			for range each {
				all[i] = append(all[i], next(t, w))
			}
		})
	}
	wg.Wait()
	seen := make(map[int64]bool, len(all)*each)
	for _, ids := range all {
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("%d twice", id)
			}
			seen[id] = true
		}
	}
}

func TestNoIDsWithoutALease(t *testing.T) {
	w := idgen.New(idgen.InSQL(databasetest.Open(t, idgen.Migrations())), idgen.Config{})
	if id, err := w.Next(); !errors.Is(err, idgen.ErrNoLease) {
		t.Errorf("Next() = %d, %v", id, err)
	}
}

// Who wants an id for an event must not take the lack of one for the event's
// fault.
func TestLackOfIDsIsTransient(t *testing.T) {
	for _, err := range []error{idgen.ErrNoLease, idgen.ErrExhausted} {
		if !database.IsTransient(fmt.Errorf("id of a row: %w", err)) {
			t.Errorf("IsTransient(%v) = false", err)
		}
	}
}

func TestIDsStopBeforeTheLeaseEnds(t *testing.T) {
	c := newClock()
	w := acquire(t, databasetest.Open(t, idgen.Migrations()), idgen.Config{LeaseTTL: 10 * time.Second, Clock: c.now})
	c.step(8 * time.Second)
	next(t, w)
	c.step(1500 * time.Millisecond)
	if id, err := w.Next(); !errors.Is(err, idgen.ErrNoLease) {
		t.Errorf("Next() half a second before the end = %d, %v", id, err)
	}
}

func TestIDsNeverPassTheHighWaterMark(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	w := acquire(t, db, idgen.Config{LeaseTTL: time.Second})
	var mark, last int64
	if err := db.QueryRow(t.Context(), "SELECT high_water FROM worker_lease").Scan(&mark); err != nil {
		t.Fatal(err)
	}
	// Faster than the clock, until the mark or the lease's end is reached.
	for id, err := w.Next(); err == nil; id, err = w.Next() {
		last = id
	}
	if got := idgen.Parse(last).Time.UnixMilli(); got > mark {
		t.Errorf("an id of %d above the mark %d", got, mark)
	}
}

// Every run of a schedule of restarts, crashes and clock steps, of the
// process's clock and of the leases' age, must give new ids.
func TestUniqueAcrossRestartsAndClockSteps(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	rapid.Check(t, func(r *rapid.T) {
		if _, err := db.Exec(t.Context(), "DELETE FROM worker_lease"); err != nil {
			r.Fatal(err)
		}
		c, seen := newClock(), map[int64]bool{}
		// One worker number, so that every restart meets the same one.
		cfg := idgen.Config{WorkerBits: 1, LeaseTTL: time.Second, Clock: c.now}
		workers := []*idgen.Worker{acquire(t, db, cfg), acquire(t, db, cfg)}
		for range rapid.IntRange(1, 12).Draw(r, "events") {
			i := rapid.IntRange(0, 1).Draw(r, "worker")
			workers[i] = alive(t, db, workers[i], cfg) // the clock may have been set since its turn
			switch rapid.IntRange(0, 3).Draw(r, "event") {
			case 0:
				c.step(time.Duration(rapid.Int64Range(-5000, 500).Draw(r, "step")) * time.Millisecond)
			case 1: // crash: the lease runs out, another process takes the number
				expire(t, db, idgen.Parse(next(t, workers[i])).Machine)
				workers[i] = acquire(t, db, cfg)
			case 2: // clean restart
				stop(t, workers[i])
				workers[i] = acquire(t, db, cfg)
			}
			for range 5000 {
				id, err := workers[i].Next()
				if err != nil {
					break
				}
				if seen[id] {
					r.Fatalf("%+v twice", idgen.Parse(id))
				}
				seen[id] = true
			}
		}
	})
}

// alive replaces a worker whose lease has run out.
func alive(t testing.TB, db *database.DB, w *idgen.Worker, cfg idgen.Config) *idgen.Worker {
	t.Helper()
	if _, err := w.Next(); err == nil {
		return w
	}
	stop(t, w)
	return acquire(t, db, cfg)
}

// expire ends a lease as time would.
func expire(t testing.TB, db *database.DB, worker int) {
	t.Helper()
	if _, err := db.Exec(t.Context(), "UPDATE worker_lease SET until = 1 WHERE worker = ?", worker); err != nil {
		t.Fatal(err)
	}
}

// stop runs w just long enough to end cleanly.
func stop(t testing.TB, w *idgen.Worker) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ended); err != nil {
		t.Fatal(err)
	}
}

func TestZombieNeverRepeatsItsSuccessorsIDs(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	zombie := acquire(t, db, idgen.Config{WorkerBits: 1})
	machine := idgen.Parse(next(t, zombie)).Machine
	acquire(t, db, idgen.Config{WorkerBits: 1}) // the other number
	expire(t, db, machine)
	successor := acquire(t, db, idgen.Config{WorkerBits: 1})
	first := next(t, successor)
	if idgen.Parse(first).Machine != machine {
		t.Fatal("the successor has another number")
	}
	for range 10_000 {
		if id := next(t, zombie); id >= first {
			t.Fatalf("the zombie's %d reaches into its successor's ids, which begin at %d", id, first)
		}
	}
}

func TestReleaseFreesAtOnce(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	cfg := idgen.Config{WorkerBits: 1}
	first, second := acquire(t, db, cfg), acquire(t, db, cfg)
	next(t, second)
	stop(t, first)
	if _, err := first.Next(); !errors.Is(err, idgen.ErrNoLease) {
		t.Errorf("Next() after the release = %v", err)
	}
	begun := time.Now()
	next(t, acquire(t, db, cfg))
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the number came free after %v", took)
	}
}

func TestAllNumbersTakenWaits(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	cfg := idgen.Config{WorkerBits: 1}
	acquire(t, db, cfg)
	acquire(t, db, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := idgen.New(idgen.InSQL(db), cfg).Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Acquire() = %v", err)
	}
}

func TestManyAtOnceGetDifferentNumbers(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	var taken sync.Map
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			machine := idgen.Parse(next(t, acquire(t, db, idgen.Config{}))).Machine
			if _, twice := taken.LoadOrStore(machine, true); twice {
				t.Errorf("number %d leased twice", machine)
			}
		})
	}
	wg.Wait()
}

func TestRunRenewsAndReplacesALostLease(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	w := acquire(t, db, idgen.Config{LeaseTTL: time.Second})
	before := idgen.Parse(next(t, w)).Machine
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if _, err := db.Exec(t.Context(), "UPDATE worker_lease SET epoch = epoch + 1, until = until + 60000000"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		id, err := w.Next()
		if err == nil && idgen.Parse(id).Machine != before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no new number")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConfigValidates(t *testing.T) {
	leases := inRedis(t, redistest.Dial(t, "127.0.0.1:1")) // not asked
	for _, cfg := range []idgen.Config{{WorkerBits: 11}, {Datacenter: 32}, {Datacenter: -1}, {WorkerBits: 10, Datacenter: 1}, {LeaseTTL: 1}} {
		if err := cfg.Validate(); !errors.Is(err, idgen.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
		w := idgen.New(leases, cfg)
		if err := w.Acquire(t.Context()); !errors.Is(err, idgen.ErrConfig) {
			t.Errorf("acquire with %+v: %v", cfg, err)
		}
		if err := w.Run(t.Context()); !errors.Is(err, idgen.ErrConfig) {
			t.Errorf("run with %+v: %v", cfg, err)
		}
	}
	if err := idgen.New(nil, idgen.Config{}).Acquire(t.Context()); !errors.Is(err, idgen.ErrConfig) {
		t.Errorf("acquire from no store: %v", err)
	}
	if err := idgen.New(nil, idgen.Config{}).Run(t.Context()); !errors.Is(err, idgen.ErrConfig) {
		t.Errorf("run on no store: %v", err)
	}
}

func TestStaticRefusesWhatIsNoMachine(t *testing.T) {
	for _, machine := range []int{-1, 1024} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, idgen.ErrConfig) {
					t.Errorf("machine %d: %v", machine, err)
				}
			}()
			idgen.Static(machine)
		}()
	}
	if got := idgen.Parse(next(t, idgen.Static(1023))).Machine; got != 1023 {
		t.Errorf("machine %d, want 1023", got)
	}
}

func BenchmarkNext(b *testing.B) {
	w := idgen.Static(1)
	for b.Loop() {
		if _, err := w.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleParse() {
	p := idgen.Parse(380_000_000_000_000_000)
	fmt.Println(p.Time.Format(time.RFC3339), p.Machine, p.Sequence)
	// Output: 2026-11-14T14:24:20Z 608 0
}
