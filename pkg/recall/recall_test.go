package recall_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"souk.example/pkg/recall"
)

type row struct {
	id, version int
	closed      bool
}

func newMemory(limit int) *recall.Memory[int, row] {
	return recall.New(limit, func(r row) int { return r.id }, func(r row) bool { return !r.closed })
}

func Example() {
	m := newMemory(1000)
	m.Keep([]row{{id: 1, version: 1}, {id: 2, version: 1}}) // after the commit that inserted them
	m.Keep([]row{{id: 1, version: 2}, {id: 2, closed: true}})
	fmt.Println(m.Find([]int{1, 2, 3}))
	m.Forget([]int{1}) // another process had written it
	fmt.Println(m.Find([]int{1}))
	// Output:
	// map[1:{1 2 false}]
	// map[]
}

func ids(m *recall.Memory[int, row], upTo int) []int {
	var keys []int
	for k := range upTo {
		keys = append(keys, k)
	}
	return slices.Sorted(maps.Keys(m.Find(keys)))
}

// However much is kept, at most limit values stay, and the latest half of them.
func TestTheOldestIsForgottenFirst(t *testing.T) {
	m := newMemory(10)
	for n := range 100 {
		m.Keep([]row{{id: n}})
		got := ids(m, 100)
		if len(got) > 10 || !slices.Contains(got, n) || !slices.Contains(got, max(0, n-4)) {
			t.Fatalf("after %d values it remembers %v", n+1, got)
		}
	}
}

func TestWhatIsForgottenIsInNoGeneration(t *testing.T) {
	m := newMemory(4)
	m.Keep([]row{{id: 1}, {id: 2}, {id: 3}})
	m.Forget([]int{1, 3})
	if got := ids(m, 4); !slices.Equal(got, []int{2}) {
		t.Errorf("it remembers %v", got)
	}
	m.Keep([]row{{id: 2, closed: true}})
	if got := ids(m, 4); len(got) > 0 {
		t.Errorf("it remembers %v", got)
	}
}

func TestFindCountsHitsAndMisses(t *testing.T) {
	m := newMemory(4)
	m.Keep([]row{{id: 1}})
	m.Find([]int{1, 2, 3})
	if h, miss := m.Hits.Load(), m.Misses.Load(); h != 1 || miss != 2 {
		t.Errorf("%d hits, %d misses", h, miss)
	}
}
