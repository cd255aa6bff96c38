package outbox

import (
	"cmp"
	"slices"
	"sync"
)

// spent are the pointers whose packs the broker has acknowledged and that the
// table still holds. They are not read any more, and deleted together a few
// times a second: each DELETE is a commit, and so an fsync. What a process has
// not deleted when it dies or loses a lease, the next one publishes again. Safe
// for concurrent use.
type spent struct {
	mu   sync.Mutex
	held map[address]map[int64]struct{}
}

// pointer is a row of outbox.
type pointer struct {
	address
	id int64
}

func (s *spent) add(a address, acked []pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[a] == nil {
		s.held[a] = make(map[int64]struct{}, len(acked))
	}
	for _, p := range acked {
		s.held[a][p.id] = struct{}{}
	}
}

func (s *spent) count(a address) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held[a])
}

// of lists what is spent of the partitions, in the order of outbox's key: whoever
// deletes some of them too, because it held a lease before, waits and does not
// deadlock.
func (s *spent) of(these ...address) []pointer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []pointer
	for _, a := range these {
		for id := range s.held[a] {
			found = append(found, pointer{a, id})
		}
	}
	slices.SortFunc(found, func(x, y pointer) int {
		return cmp.Or(cmp.Compare(x.topic, y.topic), cmp.Compare(x.part, y.part), cmp.Compare(x.id, y.id))
	})
	return found
}

// addresses are the partitions of which something is spent.
func (s *spent) addresses() []address {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []address
	for a, ids := range s.held {
		if len(ids) > 0 {
			found = append(found, a)
		}
	}
	return found
}

func (s *spent) drop(deleted []pointer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range deleted {
		delete(s.held[p.address], p.id)
	}
}
