package cache

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// stripes is the number of generation counters; keys of one stripe can make
// each other's fill skip L1, never serve a wrong value.
const stripes = 1024

// entry is one L1 value. It is never changed after it was stored.
type entry[T any] struct {
	value T
	found bool
	fresh int64  // deadline, in ns since the cache was made
	epoch uint64 // of the whole L1
}

// local is L1: an otter cache with the bookkeeping that keeps a slow load from
// putting back what was dropped while it ran.
type local[T any] struct {
	entries *otter.Cache[string, *entry[T]]
	start   time.Time
	seed    maphash.Seed
	epoch   atomic.Uint64 // bumped by dropAll: entries of another epoch are dead
	gens    [stripes]atomic.Uint64
}

// generation is a point in the life of a key; see store.
type generation struct{ epoch, key uint64 }

func newLocal[T any](cfg Config, cost func(key string, value T) uint32) (*local[T], error) {
	entries, err := otter.New(&otter.Options[string, *entry[T]]{
		MaximumWeight:    cfg.MaxCost,
		Weigher:          func(key string, e *entry[T]) uint32 { return cost(key, e.value) },
		ExpiryCalculator: otter.ExpiryWriting[string, *entry[T]](max(cfg.L1TTL, cfg.NullTTL) + cfg.StaleFor),
	})
	if err != nil {
		return nil, err
	}
	return &local[T]{entries: entries, start: time.Now(), seed: maphash.MakeSeed()}, nil
}

// get returns the entry of key, fresh or stale, or nil.
func (l *local[T]) get(key string) (e *entry[T], fresh bool) {
	e, ok := l.entries.GetIfPresent(key)
	if !ok || e.epoch != l.epoch.Load() {
		return nil, false
	}
	return e, l.now() < e.fresh
}

// generation is taken before a lookup and given to store after it.
func (l *local[T]) generation(key string) generation {
	return generation{epoch: l.epoch.Load(), key: l.gen(key).Load()}
}

// store keeps a value unless its key was dropped since gen. The check and the
// write happen under the bucket's lock, which drop takes after it has moved
// the generation, so no dropped value can appear afterwards.
func (l *local[T]) store(key string, gen generation, value T, found bool, ttl time.Duration) {
	e := &entry[T]{value: value, found: found, fresh: l.now() + int64(ttl), epoch: gen.epoch}
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

// now is monotonic, so a step of the wall clock ages nothing.
func (l *local[T]) now() int64 { return int64(time.Since(l.start)) }

func (l *local[T]) close() { l.entries.StopAllGoroutines() }
