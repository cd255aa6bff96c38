package balance

import "sync"

// SmoothWeighted gives each endpoint its share by weight and spreads it evenly
// in time: weights 5, 1, 1 give a a b a c a a, not a a a a a b c (nginx's
// smooth weighted round robin, commit 52327e0, 2012). The zero value is ready.
type SmoothWeighted struct {
	mu      sync.Mutex
	current map[string]int
}

// Pick implements Balancer: everybody gains its weight, the richest pays all.
func (b *SmoothWeighted) Pick(endpoints []*Endpoint, _ string) *Endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(endpoints)
	var best *Endpoint
	total := 0
	for _, e := range endpoints {
		total += e.Weight
		b.current[e.ID] += e.Weight
		if best == nil || b.current[e.ID] > b.current[best.ID] {
			best = e
		}
	}
	b.current[best.ID] -= total
	return best
}

// forget drops endpoints that are no longer among those asked. An endpoint
// that was away must not come back with what it had gained or owed.
func (b *SmoothWeighted) forget(endpoints []*Endpoint) {
	if b.same(endpoints) {
		return
	}
	kept := make(map[string]int, len(endpoints))
	for _, e := range endpoints {
		kept[e.ID] = b.current[e.ID]
	}
	b.current = kept
}

func (b *SmoothWeighted) same(endpoints []*Endpoint) bool {
	if len(b.current) != len(endpoints) {
		return false
	}
	for _, e := range endpoints {
		if _, known := b.current[e.ID]; !known {
			return false
		}
	}
	return true
}
