package store

import (
	"fmt"
	"sync"
	"sync/atomic"

	"souk.example/pkg/database"
	"souk.example/services/order/internal/order"
)

// memoryMax bounds the orders that one process remembers: 512 bytes each, and its lines and strings.
const memoryMax = 1 << 16

// memory holds orders as this process last wrote them, while they are open. It
// is told after the commit, so it never runs ahead of the database, and falls
// behind when another process writes. Of two generations the older is dropped
// when the younger is full: orders that end elsewhere do not stay for good.
// Safe for concurrent use.
type memory struct {
	max int // of a generation

	hits, misses atomic.Int64

	mu         sync.Mutex
	young, old map[order.ID]*order.State
}

func newMemory(limit int) *memory {
	return &memory{max: limit / 2, young: make(map[order.ID]*order.State)}
}

// keep remembers the orders that are open and forgets the others.
func (m *memory) keep(states []*order.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range states {
		m.drop(s.ID)
		if !open(s.Status) {
			continue
		}
		if len(m.young) >= m.max {
			m.old, m.young = m.young, make(map[order.ID]*order.State)
		}
		m.young[s.ID] = s
	}
}

// open reports whether good news move an order in that status.
func open(s order.Status) bool {
	return s == order.Pending || s == order.Reserved || s == order.Paid
}

func (m *memory) recall(ids []order.ID) map[order.ID]*order.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make(map[order.ID]*order.State, len(ids))
	for _, id := range ids {
		if s, ok := m.young[id]; ok {
			known[id] = s
		} else if s, ok := m.old[id]; ok {
			known[id] = s
		}
	}
	m.hits.Add(int64(len(known)))
	m.misses.Add(int64(len(ids) - len(known)))
	return known
}

func (m *memory) forget(ids []order.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		m.drop(id)
	}
}

func (m *memory) drop(id order.ID) {
	delete(m.young, id)
	delete(m.old, id)
}

// Recall implements order.Unit.
func (u unit) Recall(ids []order.ID) map[order.ID]*order.State { return u.memory.recall(ids) }

// Mistrust implements order.Unit.
func (u unit) Mistrust(ids []order.ID) error {
	u.memory.forget(ids)
	return fmt.Errorf("%d orders: %w", len(ids), database.ErrStale)
}

func (u unit) remember(updates []order.Update) {
	states := make([]*order.State, len(updates))
	for i, up := range updates {
		states[i] = up.After
	}
	u.tx.OnCommit(func() { u.memory.keep(states) })
}
