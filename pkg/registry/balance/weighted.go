package balance

import (
	"maps"
	"sync"
	"time"
)

// SmoothWeighted gives each endpoint its share by weight and spreads it evenly
// in time: weights 5, 1, 1 give a a b a c a a, not a a a a a b c (nginx's
// smooth weighted round robin, commit 52327e0, 2012). The zero value is ready.
type SmoothWeighted struct {
	mu      sync.Mutex
	current map[string]credit
}

// credit is what an endpoint has gained less what it has paid.
type credit struct {
	amount int
	asked  time.Time // when the endpoint was last among those to choose from
}

// Pick implements Balancer: everybody gains its weight, the richest pays all.
func (b *SmoothWeighted) Pick(endpoints []*Endpoint, _ string) *Endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.forget(len(endpoints), now)
	var best *Endpoint
	total, richest := 0, 0
	for _, e := range endpoints {
		total += e.Weight
		amount := b.current[e.ID].amount + e.Weight
		b.current[e.ID] = credit{amount, now}
		if best == nil || amount > richest {
			best, richest = e, amount
		}
	}
	b.current[best.ID] = credit{richest - total, now}
	return best
}

// forget drops endpoints that are away, so that none comes back with what it
// had gained or owed. One that a retry leaves out keeps it.
func (b *SmoothWeighted) forget(asked int, now time.Time) {
	if b.current == nil {
		b.current = make(map[string]credit, asked)
	}
	if len(b.current) > asked {
		maps.DeleteFunc(b.current, func(_ string, c credit) bool { return now.Sub(c.asked) >= away })
	}
}
