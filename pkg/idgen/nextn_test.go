package idgen_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
)

func TestNextNRisesAndStaysUnique(t *testing.T) {
	w := idgen.Static(1)
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, n := range []int{1, 4095, 4096, 4097, 10_000} {
				ids, err := w.NextN(n)
				if err != nil || len(ids) != n {
					t.Errorf("NextN(%d) = %d ids, %v", n, len(ids), err)
				}
				mu.Lock()
				for i, id := range ids {
					if seen[id] || i > 0 && id <= ids[i-1] {
						t.Errorf("%d again or out of order", id)
					}
					seen[id] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestNextNIsAllOrNone(t *testing.T) {
	w := acquire(t, databasetest.Open(t, idgen.Migrations()), idgen.Config{LeaseTTL: time.Second})
	last := next(t, w)
	const batch = idgen.MaxBatch // a quarter of a second of ids; the mark is a second ahead
	for range 10 {
		ids, err := w.NextN(batch)
		if err == nil {
			last = ids[len(ids)-1]
			continue
		}
		if !errors.Is(err, idgen.ErrExhausted) {
			t.Fatal(err)
		}
		if id := next(t, w); id <= last || idgen.Parse(id).Time.Sub(idgen.Parse(last).Time) > 200*time.Millisecond {
			t.Errorf("a refused batch moved %+v to %+v", idgen.Parse(last), idgen.Parse(id))
		}
		return
	}
	t.Error("no batch was refused")
}

func TestNextNRefusesBadCounts(t *testing.T) {
	for _, n := range []int{-1, 0, idgen.MaxBatch + 1} {
		if _, err := idgen.Static(1).NextN(n); !errors.Is(err, idgen.ErrCount) {
			t.Errorf("NextN(%d): %v", n, err)
		}
	}
}

func TestUUIDs(t *testing.T) {
	if v := idgen.UUIDv4().Version(); v != 4 {
		t.Errorf("UUIDv4 has version %d", v)
	}
	last := idgen.UUIDv7()
	for range 10_000 {
		id := idgen.UUIDv7()
		if id.Version() != 7 || id.String() <= last.String() {
			t.Fatalf("%v after %v", id, last)
		}
		last = id
	}
	sec, nsec := last.Time().UnixTime()
	if d := time.Since(time.Unix(sec, nsec)); d < -time.Second || d > time.Second {
		t.Errorf("UUIDv7 tells a time %v ago", d)
	}
}
