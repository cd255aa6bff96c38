package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	shards = 16
	// sample is how many entries are looked at to find one to forget.
	sample = 8
)

// memory is a bounded map by key. Full, it forgets the entry of a sample that
// matters for the shortest time still. Safe for concurrent use.
type memory[V any] struct {
	seed  maphash.Seed
	limit int // per shard
	until func(V) time.Time
	parts [shards]part[V]
}

type part[V any] struct {
	mu      sync.Mutex
	entries map[string]V
}

func newMemory[V any](size int, until func(V) time.Time) *memory[V] {
	m := &memory[V]{seed: maphash.MakeSeed(), limit: max(size/shards, 1), until: until}
	for i := range m.parts {
		m.parts[i].entries = make(map[string]V)
	}
	return m
}

// update replaces the value of key by what change makes of it, in one step;
// with keep false the key is forgotten.
func (m *memory[V]) update(key string, change func(old V, found bool) (value V, keep bool)) {
	p := &m.parts[maphash.String(m.seed, key)%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	old, found := p.entries[key]
	value, keep := change(old, found)
	switch {
	case keep:
		if !found && len(p.entries) >= m.limit {
			m.forgetOne(p)
		}
		p.entries[key] = value
	case found:
		delete(p.entries, key)
	}
}

// get returns the value of key.
func (m *memory[V]) get(key string) (V, bool) {
	p := &m.parts[maphash.String(m.seed, key)%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	v, found := p.entries[key]
	return v, found
}

// forgetOne needs the part's mutex. A map's range begins at a random entry.
func (m *memory[V]) forgetOne(p *part[V]) {
	var victim string
	var soonest time.Time
	seen := 0
	for key, v := range p.entries {
		if t := m.until(v); seen == 0 || t.Before(soonest) {
			victim, soonest = key, t
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(p.entries, victim)
}
