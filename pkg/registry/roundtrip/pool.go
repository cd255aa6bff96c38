package roundtrip

import (
	"net/url"
	"slices"
	"sync"
	"time"

	"souk.example/pkg/registry"
	"souk.example/pkg/registry/balance"
)

// target is an instance and what became of requests to it. Its fields but the
// endpoint are the pool's.
type target struct {
	balance.Endpoint
	url *url.URL

	failures int // of requests, in a row
	ejected  time.Time
	ejection int // how many in a row
	checks   int // in a row that contradict down
	down     bool
}

// pool keeps a target for each instance of the source's newest list. An
// instance that stays on the list keeps its target.
type pool struct {
	source Source
	rules  Config

	mu      sync.Mutex
	list    *registry.List
	targets []*target
}

// candidates lists the targets to choose from: those that are well and were
// not asked, else those not asked, else all.
func (p *pool) candidates(asked []*target) []*target {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	now := time.Now()
	well, fresh := make([]*target, 0, len(p.targets)), make([]*target, 0, len(p.targets))
	for _, t := range p.targets {
		if slices.Contains(asked, t) {
			continue
		}
		fresh = append(fresh, t)
		if !t.down && !now.Before(t.ejected) {
			well = append(well, t)
		}
	}
	switch {
	case len(well) > 0:
		return well
	case len(fresh) > 0:
		return fresh
	}
	return slices.Clone(p.targets)
}

// all lists every target.
func (p *pool) all() []*target {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	return slices.Clone(p.targets)
}

// refresh follows the source; it needs mu.
func (p *pool) refresh() {
	list := p.source.List()
	if list == p.list {
		return
	}
	known := p.targets
	p.list, p.targets = list, nil
	for _, i := range list.Instances {
		u, err := url.Parse(i.URL)
		if err != nil {
			continue // the registry lists no such instance
		}
		p.targets = append(p.targets, follow(known, i, u))
	}
}

// follow returns the target of an instance: the known one if nothing about it
// has changed, since a target's endpoint is read without the pool's mutex.
func follow(known []*target, i registry.Instance, u *url.URL) *target {
	weight := max(i.Weight, 1)
	for _, t := range known {
		if t.ID == i.ID && t.Weight == weight && *t.url == *u {
			return t
		}
	}
	t := &target{url: u}
	t.ID, t.Weight = i.ID, weight
	return t
}

// report counts how a request went, and ejects a target that only fails.
func (p *pool) report(t *target, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !failed {
		t.failures, t.ejection = 0, 0
		return
	}
	if t.failures++; t.failures < p.rules.EjectAfter || !p.mayEject(time.Now()) {
		return
	}
	t.ejection++
	t.failures = 0
	t.ejected = time.Now().Add(time.Duration(min(t.ejection, 10)) * p.rules.EjectFor)
}

// mayEject reports whether one more may be out; it needs mu.
func (p *pool) mayEject(now time.Time) bool {
	out := 1
	for _, t := range p.targets {
		if now.Before(t.ejected) {
			out++
		}
	}
	return float64(out) <= p.rules.MaxEjected*float64(len(p.targets))
}

// checked counts how a check went; it takes several that agree to change a
// target's state.
func (p *pool) checked(t *target, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok != t.down { // as it is known to be
		t.checks = 0
		return
	}
	needed := p.rules.Down
	if t.down {
		needed = p.rules.Up
	}
	if t.checks++; t.checks >= needed {
		t.down, t.checks = !t.down, 0
	}
}

// states counts the targets by state.
func (p *pool) states() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	n := map[string]int{"up": 0, "down": 0, "ejected": 0}
	for _, t := range p.targets {
		switch {
		case t.down:
			n["down"]++
		case time.Now().Before(t.ejected):
			n["ejected"]++
		default:
			n["up"]++
		}
	}
	return n
}
