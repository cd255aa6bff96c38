// Package recall remembers rows as this process last wrote them, so that the
// next transaction about them need not read them.
//
// A memory is told after the commit: it is never ahead of the database, and
// falls behind when another process writes. So whoever decides on what is
// recalled has its UPDATE prove it by a condition on the row's version, and
// forgets what was wrong: optimistic concurrency control (Kung and Robinson,
// TODS 6(2), 1981).
package recall

import (
	"sync"
	"sync/atomic"
)

// Memory holds values by their keys. Of two generations the older is dropped
// when the younger is full: what ends elsewhere does not stay for good. Safe for
// concurrent use.
type Memory[K comparable, V any] struct {
	Hits, Misses atomic.Int64 // keys that Find knew, and did not

	key  func(V) K
	open func(V) bool
	max  int // of a generation

	mu         sync.Mutex
	young, old map[K]V
}

// New makes a Memory of at most limit values, by the key of each, while they
// are open: those that end are forgotten.
func New[K comparable, V any](limit int, key func(V) K, open func(V) bool) *Memory[K, V] {
	return &Memory[K, V]{key: key, open: open, max: max(limit/2, 1), young: make(map[K]V)}
}

// Keep remembers the values that are open and forgets the others.
func (m *Memory[K, V]) Keep(values []V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range values {
		key := m.key(v)
		m.drop(key)
		if !m.open(v) {
			continue
		}
		if len(m.young) >= m.max {
			m.old, m.young = m.young, make(map[K]V)
		}
		m.young[key] = v
	}
}

// Find returns what is remembered of the keys; the others are absent.
func (m *Memory[K, V]) Find(keys []K) map[K]V {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make(map[K]V, len(keys))
	for _, key := range keys {
		if v, ok := m.find(key); ok {
			known[key] = v
		}
	}
	m.Hits.Add(int64(len(known)))
	m.Misses.Add(int64(len(keys) - len(known)))
	return known
}

func (m *Memory[K, V]) find(key K) (V, bool) {
	if v, ok := m.young[key]; ok {
		return v, true
	}
	v, ok := m.old[key]
	return v, ok
}

// Forget forgets the keys.
func (m *Memory[K, V]) Forget(keys []K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		m.drop(key)
	}
}

func (m *Memory[K, V]) drop(key K) {
	delete(m.young, key)
	delete(m.old, key)
}
