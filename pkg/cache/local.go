package cache

import (
	"hash/maphash"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// stripes is the number of generation counters; keys of one stripe can make
// each other's fill skip L1, never serve a wrong value.
const stripes = 1024

// entry is one L1 value. Nothing but claimed changes after it was stored.
type entry[T any] struct {
	times
	value T
	found bool
	id    uint64 // of the envelope

	cost    uint32
	epoch   uint64 // of the whole L1
	claimed atomic.Bool
}

// times are the deadlines of an answer, in ns since the cache was made.
type times struct {
	fresh int64 // until when L1 serves it
	soft  int64 // from when it is to be reloaded
	early int64 // before this a read need not draw, see due

	spread float64 // Beta × δ in ns
}

// tail is the largest -ln(u) that due considers: a read that would have drawn
// more, 2 in 10⁹, waits for the next.
const tail = 20

// due reports that the answer is to be reloaded: at its soft deadline or, by
// chance, before it. This is XFetch (Vattani, Chierichetti, Lowenstein,
// "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015): each read
// moves the clock ahead by -δ β ln(u), u uniform in (0, 1].
func (t *times) due(now int64) bool {
	if now < t.early {
		return false
	}
	return now-int64(t.spread*math.Log(1-rand.Float64())) >= t.soft
}

// local is L1: an otter cache with the bookkeeping that keeps a slow load from
// putting back what was dropped while it ran.
type local[T any] struct {
	entries *otter.Cache[string, *entry[T]]
	start   time.Time
	seed    maphash.Seed
	off     bool
	epoch   atomic.Uint64 // bumped by dropAll: entries of another epoch are dead
	gens    [stripes]atomic.Uint64
}

// generation is a point in the life of a key; see store.
type generation struct{ epoch, key uint64 }

func newLocal[T any](cfg Config) (*local[T], error) {
	entries, err := otter.New(&otter.Options[string, *entry[T]]{
		MaximumWeight:    cfg.MaxCost,
		Weigher:          func(_ string, e *entry[T]) uint32 { return e.cost },
		ExpiryCalculator: otter.ExpiryWriting[string, *entry[T]](cfg.L1TTL + cfg.StaleFor),
	})
	if err != nil {
		return nil, err
	}
	return &local[T]{entries: entries, start: time.Now(), seed: maphash.MakeSeed(), off: cfg.NoL1}, nil
}

// get returns the entry of key, whatever its age, or nil, and the time by
// which to judge it.
func (l *local[T]) get(key string) (e *entry[T], now int64) {
	if l.off {
		return nil, 0
	}
	e, ok := l.entries.GetIfPresent(key)
	if !ok || e.epoch != l.epoch.Load() {
		return nil, 0
	}
	return e, int64(time.Since(l.start)) // takes half as long as time.Now
}

// generation is taken before a lookup and given to store after it.
func (l *local[T]) generation(key string) generation {
	return generation{epoch: l.epoch.Load(), key: l.gen(key).Load()}
}

// store keeps e unless its key was dropped since gen. The check and the write
// happen under the bucket's lock, which drop takes after it has moved the
// generation, so no dropped value can appear afterwards.
func (l *local[T]) store(key string, gen generation, e *entry[T]) {
	e.epoch = gen.epoch
	l.entries.Compute(key, func(*entry[T], bool) (*entry[T], otter.ComputeOp) {
		if l.generation(key) != gen {
			return nil, otter.CancelOp
		}
		return e, otter.WriteOp
	})
}

func (l *local[T]) drop(key string) {
	l.gen(key).Add(1)
	l.entries.Invalidate(key)
}

func (l *local[T]) dropAll() {
	l.epoch.Add(1)
	l.entries.InvalidateAll()
}

func (l *local[T]) gen(key string) *atomic.Uint64 {
	return &l.gens[maphash.String(l.seed, key)%stripes]
}

// age is L1's at a time, which is monotonic: a step of the wall clock ages nothing.
func (l *local[T]) age(at time.Time) int64 { return int64(at.Sub(l.start)) }

func (l *local[T]) close() { l.entries.StopAllGoroutines() }
