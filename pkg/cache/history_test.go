package cache_test

import (
	"fmt"
	"slices"
	"sort"
	"testing"
)

// How a value was read or written.
const (
	writeOp   = iota // changed in the source, then invalidated or set: both within begin … end
	memoryOp         // read through a cache with L1
	redisOp          // read through a cache without L1
	arrivedOp        // read through L1 after every broadcast had arrived
)

// op is one step of one process. Times are nanoseconds of one clock that all
// processes share. Versions count from 1 with each change of a key; 0 is a key
// that was never written.
type op struct {
	Kind, Process, Key  int
	Begin, End, Version int64
}

// stale returns the reads that broke the cache's promise, which is that of a
// regular register (Lamport, "On Interprocess Communication", 1986): a read
// returns the version of the last write that ended before it began, or that of
// a write that overlaps it or came later in the read's own time. A read is held
// to the writes
//
//   - of its own process, if it may answer from memory;
//   - of every process, if it asks Redis or every broadcast has arrived.
//
// A read that overlaps writes may return any of them, so two such reads may see
// them in opposite order: it is no atomic register, and a linearizability
// checker would reject what is promised. Each read is checked on its own, by a
// binary search among the writes of its key.
func stale(history []op) (bad []string) {
	type scope struct{ key, process int } // process -1: all
	ends := make(map[scope][]op)
	latest := make(map[int]int64) // of a key, the last version that exists
	for _, o := range history {
		if o.Kind == writeOp {
			for _, s := range []scope{{o.Key, o.Process}, {o.Key, -1}} {
				ends[s] = append(ends[s], o)
			}
			latest[o.Key] = max(latest[o.Key], o.Version)
		}
	}
	for _, writes := range ends {
		slices.SortFunc(writes, func(a, b op) int { return int(a.End - b.End) })
		for i := 1; i < len(writes); i++ { // the newest version of all that ended by then
			writes[i].Version = max(writes[i].Version, writes[i-1].Version)
		}
	}
	for _, o := range history {
		if o.Kind == writeOp {
			continue
		}
		s := scope{o.Key, o.Process}
		if o.Kind != memoryOp {
			s.process = -1
		}
		writes, least := ends[s], int64(0)
		if n := sort.Search(len(writes), func(i int) bool { return writes[i].End >= o.Begin }); n > 0 {
			least = writes[n-1].Version
		}
		if o.Version < least || o.Version > latest[o.Key] {
			bad = append(bad, fmt.Sprintf("%+v, want %d … %d", o, least, latest[o.Key]))
		}
	}
	return bad
}

func TestTheCheckerSeesStaleReads(t *testing.T) {
	t.Parallel()
	writes := []op{
		{Kind: writeOp, Process: 1, Key: 7, Begin: 10, End: 20, Version: 1},
		{Kind: writeOp, Process: 2, Key: 7, Begin: 30, End: 40, Version: 2},
	}
	for name, tt := range map[string]struct {
		read op
		bad  int
	}{
		"overlaps the write":            {op{Kind: redisOp, Process: 1, Begin: 39, Version: 1}, 0},
		"after the write":               {op{Kind: redisOp, Process: 1, Begin: 41, Version: 1}, 1},
		"after it, in memory":           {op{Kind: memoryOp, Process: 1, Begin: 41, Version: 1}, 0},
		"after its own write":           {op{Kind: memoryOp, Process: 2, Begin: 41, Version: 1}, 1},
		"after the broadcast":           {op{Kind: arrivedOp, Process: 1, Begin: 41, Version: 1}, 1},
		"newer than what it is held to": {op{Kind: memoryOp, Process: 1, Begin: 21, Version: 2}, 0},
		"a version nobody wrote":        {op{Kind: memoryOp, Process: 1, Begin: 21, Version: 3}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tt.read.Key, tt.read.End = 7, tt.read.Begin+1
			if got := stale(append(writes, tt.read)); len(got) != tt.bad {
				t.Errorf("bad = %v", got)
			}
		})
	}
}
