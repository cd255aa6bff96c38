package idgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"souk.example/pkg/database"
)

var (
	// ErrName refuses an empty name of a sequence, or one above 128 bytes.
	ErrName = errors.New("idgen: name is empty or longer than 128 bytes")
	// ErrStep refuses a step below 1 or above a billion.
	ErrStep = errors.New("idgen: step is out of range")
)

// SegmentConfig of a Segment; the zero value asks for the default.
type SegmentConfig struct {
	// Step is how many ids are taken from the database at once; default 1,000.
	// A process that ends loses those it has not given out, up to two steps.
	Step int64
}

// Segment issues dense, small ids from a named sequence in SQL, for numbers
// that people read. Each process takes a segment of Step ids at once and, with
// Run, the next one before that is used up (Meituan's Leaf, "Leaf-segment" with
// a double buffer, 2017). Ids are unique and rise within a process; across
// processes they are not in order of time, and restarts leave gaps. Safe for
// concurrent use.
type Segment struct {
	db   *database.DB
	name string
	step int64
	low  chan struct{} // wakes Run

	fetching chan struct{} // full while one goes to the database and the others wait
	mu       sync.Mutex
	buffers  [2]span // the one in use and the next
}

// span is the ids from next up to, not including, end.
type span struct{ next, end int64 }

func (s span) left() int64 { return s.end - s.next }

// NewSegment makes a Segment on the sequence of that name, which begins at 1.
// The database's tables are those of Migrations. Errors are ErrName, ErrStep, and
// ErrConfig for a database that is nil.
func NewSegment(db *database.DB, name string, cfg SegmentConfig) (*Segment, error) {
	step := cmp.Or(cfg.Step, 1000)
	if name == "" || len(name) > 128 {
		return nil, ErrName
	}
	if step < 1 || step > 1_000_000_000 {
		return nil, fmt.Errorf("%w: %d", ErrStep, step)
	}
	if db == nil {
		return nil, fmt.Errorf("%w: the segment's database is nil", ErrConfig)
	}
	return &Segment{db: db, name: name, step: step, low: make(chan struct{}, 1), fetching: make(chan struct{}, 1)}, nil
}

// Next returns a new id. It asks the database, and blocks, only when Run has
// not fetched in time or does not run; then an error is the database's or that
// of ctx's end.
func (s *Segment) Next(ctx context.Context) (int64, error) {
	for {
		if id, ok := s.take(); ok {
			return id, nil
		}
		if err := s.fill(ctx, 0); err != nil {
			return 0, err
		}
	}
}

// take gives an id of the buffers, and wakes Run when half a step is left.
func (s *Segment) take() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffers[0].left() == 0 {
		s.buffers = [2]span{s.buffers[1], {}}
	}
	current := &s.buffers[0]
	if current.left() == 0 {
		return 0, false
	}
	id := current.next
	current.next++
	if s.left() <= s.step/2 {
		select {
		case s.low <- struct{}{}:
		default: // Run knows
		}
	}
	return id, true
}

// left is how many ids both buffers hold; it needs mu.
func (s *Segment) left() int64 { return s.buffers[0].left() + s.buffers[1].left() }

// fill fetches a segment, unless more than enough ids are there by now: another
// may have fetched while this caller waited.
func (s *Segment) fill(ctx context.Context, enough int64) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case s.fetching <- struct{}{}:
	}
	defer func() { <-s.fetching }()
	s.mu.Lock()
	left := s.left()
	s.mu.Unlock()
	if left > enough {
		return nil
	}
	got, err := s.fetch(ctx)
	if err != nil {
		return fmt.Errorf("fetch a segment of %s: %w", s.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffers[0].left() == 0 {
		s.buffers = [2]span{s.buffers[1], {}}
	}
	if s.buffers[0].left() == 0 {
		s.buffers[0] = got
	} else {
		s.buffers[1] = got
	}
	return nil
}
