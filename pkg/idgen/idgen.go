// Package idgen issues time-ordered 63-bit ids that are unique per database.
//
// An id is a snowflake: 41 bits of milliseconds since 2024-01-01 UTC (good
// until 2093), 10 bits of machine, which are a datacenter's and a worker's
// number, and 12 bits of sequence (Twitter's layout, "Announcing Snowflake",
// 2010).
//
// The worker's number is leased, in SQL or in Redis. The lease also keeps a
// high-water mark: a timestamp that the holder's ids never exceed before the
// lease is renewed with a higher one, and above which the next holder starts. So
// as long as the store keeps its memory, no clock that steps back, no restart
// and no process that sleeps through the end of its lease makes an id twice. A
// database is expected to keep it. Redis may lose it, and no id is made twice
// even so, under the conditions that [InRedis] names. A Worker made by [Static]
// has no lease, so nothing keeps its ids from being made twice.
//
// Beside them stand [Segment], dense numbers from a sequence in SQL, and UUIDs
// of versions 4 and 7.
package idgen

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/pkg/database"
)

const (
	sequenceBits = 12
	machineBits  = 10
	timeShift    = sequenceBits + machineBits
	epochMillis  = 1_704_067_200_000 // 2024-01-01 UTC
)

// MaxBatch is how many ids NextN gives at once at most: a quarter of a second's.
const MaxBatch = 1 << 20

// ErrCount refuses a number of ids below 1 or above what is given at once.
var ErrCount = errors.New("idgen: number of ids is out of range")

// Both are transient to package database: they are no fault of the data.
var (
	// ErrNoLease: there is no lease now, because none was acquired, it ran out
	// or was released. The id may be had later, if Run is running.
	ErrNoLease = fmt.Errorf("idgen: no worker number is leased: %w", database.ErrLater)
	// ErrExhausted: ids were taken faster than 4,096 per millisecond for so
	// long, or the clock jumped so far ahead, that the high-water mark is
	// reached. The next renewal raises it.
	ErrExhausted = fmt.Errorf("idgen: the lease's high-water mark is reached: %w", database.ErrLater)
)

// Worker issues ids under one worker number. Its methods are safe for
// concurrent use. It is a prometheus.Collector.
type Worker struct {
	leases Leases
	cfg    Config
	lease  atomic.Pointer[lease] // nil without one
	counts counts

	acquiring sync.Mutex
}

// New returns a Worker that needs Acquire before it issues ids, and Run to go
// on doing so. Both refuse a bad cfg, and leases that are nil, with ErrConfig.
func New(leases Leases, cfg Config) *Worker {
	return &Worker{leases: leases, cfg: cfg.WithDefaults()}
}

// validate reports a Worker that can lease nothing, as ErrConfig.
func (w *Worker) validate() error {
	if w.leases == nil {
		return fmt.Errorf("%w: the worker has no store of leases", ErrConfig)
	}
	return w.cfg.Validate()
}

// Static returns a Worker with a fixed machine number, 0 to 1023, and no
// lease, for tests and tools: nothing keeps another from using the same. It
// panics with ErrConfig when machine is another number.
func Static(machine int) *Worker {
	if machine < 0 || machine >= 1<<machineBits {
		panic(fmt.Errorf("%w: machine %d is not 0 to %d", ErrConfig, machine, 1<<machineBits-1))
	}
	w := &Worker{cfg: Config{}.WithDefaults()}
	w.lease.Store(&lease{
		grant:   Grant{Worker: machine, Now: time.Now()},
		ceiling: maxPosition, forever: true, anchor: time.Now(), last: new(atomic.Int64),
	})
	return w
}

// Next returns a new id, above those it returned under the same lease. It
// takes about as long as reading the clock and never blocks; beyond 4,096 ids
// in a millisecond, or when the clock steps back, it borrows from the
// milliseconds to come. An error is ErrNoLease or ErrExhausted.
func (w *Worker) Next() (int64, error) {
	l, position, err := w.reserve(1)
	if err != nil {
		return 0, err
	}
	return l.id(position), nil
}

// NextN returns n new ids, 1 to MaxBatch, rising and above those returned
// before under the same lease. It is one step however many they are, and gives
// all or none: an error is ErrCount, ErrNoLease or ErrExhausted.
func (w *Worker) NextN(n int) ([]int64, error) {
	if n < 1 || n > MaxBatch {
		return nil, fmt.Errorf("%w: %d", ErrCount, n)
	}
	l, first, err := w.reserve(int64(n))
	if err != nil {
		return nil, err
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = l.id(first + int64(i))
	}
	return ids, nil
}

// reserve takes n positions under the current lease and returns the first.
func (w *Worker) reserve(n int64) (*lease, int64, error) {
	l := w.lease.Load()
	if l == nil {
		return nil, 0, ErrNoLease
	}
	now, alive := l.now(w.cfg.now())
	if !alive {
		return nil, 0, ErrNoLease
	}
	first, ok := l.advance(now, n)
	if !ok {
		return nil, 0, ErrExhausted
	}
	return l, first, nil
}

// Parts is what an id is made of.
type Parts struct {
	Time     time.Time // UTC, to the millisecond; ahead of the clock when borrowed
	Machine  int       // datacenter and worker together
	Sequence int
}

// Parse takes an id apart.
func Parse(id int64) Parts {
	return Parts{
		Time:     time.UnixMilli(id>>timeShift + epochMillis).UTC(),
		Machine:  int(id >> sequenceBits & (1<<machineBits - 1)),
		Sequence: int(id & (1<<sequenceBits - 1)),
	}
}
