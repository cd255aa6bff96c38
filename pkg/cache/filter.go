package cache

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bits-and-blooms/bloom/v3"
)

// FilterConfig sizes a Filter; the zero value of each field means its default.
//
// A filter of n keys and false-positive rate p has n·ln(1/p)/ln²2 bits: 1.2 MB
// for a million keys at 1 %, 1.8 MB at 0.1 %. It keeps two of that size, and a
// third while it is built again. With twice the keys, 1 % become about 16 %.
type FilterConfig struct {
	Keys          uint          // how many keys exist; default 1,000,000
	FalsePositive float64       // the rate at which keys that do not exist pass; default 0.01
	Rebuild       time.Duration // how often it is built from the source again; default 10 min
	// MaxAge is the age from which a filter that could not be built again lets
	// every key pass; default 3 × Rebuild.
	MaxAge time.Duration
}

func (c FilterConfig) withDefaults() FilterConfig {
	setDefault(&c.Keys, 1_000_000)
	setDefault(&c.FalsePositive, 0.01)
	setDefault(&c.Rebuild, 10*time.Minute)
	setDefault(&c.MaxAge, 3*c.Rebuild)
	return c
}

// Validate reports settings that cannot work: ErrTTL or ErrConfig.
func (c FilterConfig) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Rebuild < time.Millisecond:
		return ErrTTL
	case c.FalsePositive < 1e-9 || c.FalsePositive > 0.5:
		return fmt.Errorf("%w: FalsePositive is outside 1e-9 … 0.5", ErrConfig)
	case c.MaxAge < c.Rebuild:
		return fmt.Errorf("%w: MaxAge is shorter than Rebuild", ErrConfig)
	}
	return nil
}

// Scan lists the keys that exist in the source. Keys that are created or
// deleted meanwhile may or may not come.
type Scan func(ctx context.Context) iter.Seq2[string, error]

// Filter is a Bloom filter (B. H. Bloom, "Space/Time Trade-offs in Hash Coding
// with Allowable Errors", CACM 1970) of the keys that exist, in this process.
// It never denies a key that Announce, Set or Invalidate has told this process
// of, or that the last Scan gave. A deleted key passes until it is built again.
//
// It lets everything pass while it does not know: before it was built for the
// first time, after broadcasts may have been missed until it was built again,
// and when that is overdue. While this process is cut off from the bus and does
// not know it yet, keys that others create are denied until the bus resyncs or
// the filter is built again. Safe for concurrent use.
type Filter struct {
	cfg  FilterConfig
	scan Scan
	wake chan struct{}

	mu      sync.RWMutex
	current *bloom.BloomFilter // nil: anything may exist
	next    *bloom.BloomFilter // is being built
	recent  *bloom.BloomFilter // what was added since the last build began
	built   time.Time
	doubts  int
}

// NewFilter makes a Filter that lets everything pass until Run has built it.
func NewFilter(scan Scan, cfg FilterConfig) (*Filter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if scan == nil {
		return nil, ErrNoLoader
	}
	f := &Filter{cfg: cfg.withDefaults(), scan: scan, wake: make(chan struct{}, 1)}
	f.recent = f.empty()
	return f, nil
}

func (f *Filter) empty() *bloom.BloomFilter {
	return bloom.NewWithEstimates(f.cfg.Keys, f.cfg.FalsePositive)
}

// Run builds the filter when its cache's bus has connected, from time to time,
// and whenever broadcasts were missed, until ctx ends, and returns nil. A scan
// that fails is repeated with a growing pause. Run it once.
func (f *Filter) Run(ctx context.Context) error {
	select { // without the bus a filter would not hear of new keys
	case <-ctx.Done():
		return nil
	case <-f.wake:
	}
	for failures := 0; ; {
		pause := f.cfg.Rebuild
		if err := f.build(ctx); err != nil {
			pause = min(pause, 100*time.Millisecond<<min(failures, 8))
			failures++
		} else {
			failures = 0
		}
		timer := time.NewTimer(pause - rand.N(pause/10+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-f.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// build replaces the filter by a new one. What is added meanwhile goes to both.
// What was added since the build before began goes to the new one, too: its
// commit may come after the scan has passed.
func (f *Filter) build(ctx context.Context) error {
	doubts := f.beginBuild()
	for key, err := range f.scan(ctx) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return f.endBuild(doubts, false, fmt.Errorf("scan keys: %w", err))
		}
		f.mu.Lock()
		f.next.AddString(key)
		f.mu.Unlock()
	}
	return f.endBuild(doubts, true, nil)
}

func (f *Filter) beginBuild() (doubts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.recent = f.recent, f.empty()
	return f.doubts
}

// endBuild puts the new filter to use, if it is whole.
func (f *Filter) endBuild(doubts int, whole bool, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if whole && doubts == f.doubts {
		f.current, f.built = f.next, time.Now()
	} else if mergeErr := f.recent.Merge(f.next); mergeErr != nil {
		panic(mergeErr) // they are of one size
	}
	f.next = nil
	return err
}

// Add lets keys pass from now on.
func (f *Filter) Add(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		for _, in := range []*bloom.BloomFilter{f.current, f.next, f.recent} {
			if in != nil {
				in.AddString(key)
			}
		}
	}
}

// Doubt says that keys may have been created without an Add: everything passes
// until the filter was built again, which it asks for.
func (f *Filter) Doubt() {
	f.mu.Lock()
	f.current = nil
	f.doubts++
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// MayExist is false for a key that does not exist.
func (f *Filter) MayExist(key string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.current == nil || time.Since(f.built) > f.cfg.MaxAge || f.current.TestString(key)
}

// mayExist is false for a key that need not be looked for. While Redis is away
// so is the bus, and after Close none is heard: the filter may not know of new
// keys.
func (c *Cache[T]) mayExist(key string) bool {
	if c.filter == nil || c.remote.health.away() || c.filter.MayExist(key) || c.ended() {
		return true
	}
	c.counts.rejected.Add(1)
	return false
}

// exists lets keys pass the filter, if there is one.
func (c *Cache[T]) exists(keys ...string) {
	if c.filter != nil {
		c.filter.Add(keys...)
	}
}
