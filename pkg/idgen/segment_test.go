package idgen_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
)

func segment(t testing.TB, db *database.DB, name string, step int64) *idgen.Segment {
	t.Helper()
	s, err := idgen.NewSegment(db, name, idgen.SegmentConfig{Step: step})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func nextOf(t testing.TB, s *idgen.Segment) int64 {
	t.Helper()
	id, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSegmentCountsFromOne(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	s, other := segment(t, db, "invoice", 3), segment(t, db, "return", 3)
	for want := int64(1); want <= 10; want++ {
		if got, of := nextOf(t, s), nextOf(t, other); got != want || of != want {
			t.Fatalf("%d and %d, want %d", got, of, want)
		}
	}
	// A restart goes on after the segment that was begun.
	if got := nextOf(t, segment(t, db, "invoice", 3)); got != 13 {
		t.Errorf("after a restart %d, want 13", got)
	}
}

func TestSegmentsOfManyProcessesAreUnique(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	const processes, callers, each = 3, 3, 150
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg, runs sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range processes {
		s := segment(t, db, "n", 40)
		runs.Go(func() { _ = s.Run(ctx) })
		for range callers {
			wg.Go(func() {
				for range each {
					id := nextOf(t, s)
					mu.Lock()
					if seen[id] {
						t.Errorf("%d twice", id)
					}
					seen[id] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	cancel()
	runs.Wait()
}

// With Run the next segment is there before the first is used up.
func TestSegmentIsFetchedAhead(t *testing.T) {
	db := databasetest.Open(t, idgen.Migrations())
	s := segment(t, db, "n", 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for range 5 {
		nextOf(t, s)
	}
	for deadline := time.Now().Add(time.Minute); sequence(t, db, "n") != 21; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no second segment was fetched")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func sequence(t testing.TB, db *database.DB, name string) (next int64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT next_id FROM segment WHERE name = ?", name).Scan(&next); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestSegmentRefusesBadInput(t *testing.T) {
	tests := map[string]struct {
		name string
		step int64
		want error
	}{
		"no name":       {"", 1, idgen.ErrName},
		"long name":     {strings.Repeat("n", 129), 1, idgen.ErrName},
		"negative step": {"n", -1, idgen.ErrStep},
		"vast step":     {"n", 1 << 40, idgen.ErrStep},
	}
	for name, tt := range tests {
		if _, err := idgen.NewSegment(nil, tt.name, idgen.SegmentConfig{Step: tt.step}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	db := databasetest.Open(t, idgen.Migrations())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := segment(t, db, "n", 1).Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Next() of an ended context: %v", err)
	}
}
