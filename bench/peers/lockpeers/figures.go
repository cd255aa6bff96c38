package lockpeers

import (
	"context"
	"slices"
	"sync"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

func figures() []compare.Figure {
	libs := []library{souk, redsyncs, bsm}
	alone := compare.Figure{What: "lock and unlock, uncontended", Units: compare.NsPerOp}
	contended := compare.Figure{What: "from unlock to another's lock, 16 processes in line", Units: []string{"µs p99", "µs p50"}}
	for _, lib := range libs {
		ours := lib.name == souk.name
		alone.Cases = append(alone.Cases, compare.Case{Name: lib.name, Ours: ours, Open: compare.PerOp(1, uncontended(lib))})
		contended.Cases = append(contended.Cases, compare.Case{Name: lib.name, Ours: ours, Open: handOvers(lib)})
	}
	return []compare.Figure{alone, contended}
}

// usual is a TTL as programs have it, so that renewals do not matter here.
const usual = 8 * time.Second

func uncontended(lib library) func(context.Context, *engine.Redis) (compare.Op, func(), error) {
	return func(ctx context.Context, r *engine.Redis) (compare.Op, func(), error) {
		l, err := lib.open(ctx, r.Addr(), usual)
		if err != nil {
			return nil, nil, err
		}
		name := "alone " + lib.name
		return func(ctx context.Context) error {
			held, err := l.acquire(ctx, name)
			if err != nil {
				return err
			}
			return held.release(ctx)
		}, l.close, nil
	}
}

// handOvers has processes that arrive together take a lock once each.
func handOvers(lib library) func(context.Context, *engine.Redis) (compare.Sample, func(), error) {
	const processes = 16
	return func(ctx context.Context, r *engine.Redis) (compare.Sample, func(), error) {
		lockers := make([]locker, 0, processes)
		done := func() {
			for _, l := range lockers {
				l.close()
			}
		}
		for range processes {
			l, err := lib.open(ctx, r.Addr(), usual)
			if err != nil {
				done()
				return nil, nil, err
			}
			lockers = append(lockers, l)
		}
		line := &line{name: "line " + lib.name}
		return func(ctx context.Context) ([]float64, error) { return line.sample(ctx, lockers) }, done, nil
	}
}

// line is a queue for one lock.
type line struct {
	name string

	mu       sync.Mutex
	released time.Time // by the last holder; zero before the first
	waits    []time.Duration
	err      error
}

// work is how long each holds the lock.
const work = 5 * time.Millisecond

func (l *line) sample(ctx context.Context, lockers []locker) ([]float64, error) {
	l.released, l.waits = time.Time{}, nil
	var wg sync.WaitGroup
	for _, locker := range lockers {
		wg.Go(func() { l.take(ctx, locker) })
	}
	wg.Wait()
	if l.err != nil {
		return nil, l.err
	}
	slices.Sort(l.waits)
	n := len(l.waits)
	return []float64{micros(l.waits[(n*99+99)/100-1]), micros(l.waits[n/2])}, nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func (l *line) take(ctx context.Context, locker locker) {
	held, err := locker.acquire(ctx, l.name)
	if err != nil {
		l.fail(err)
		return
	}
	l.mu.Lock()
	if !l.released.IsZero() {
		l.waits = append(l.waits, time.Since(l.released))
	}
	l.mu.Unlock()
	time.Sleep(work)
	l.mu.Lock()
	l.released = time.Now()
	l.mu.Unlock()
	if err := held.release(ctx); err != nil {
		l.fail(err)
	}
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}
