package balance

import "sync/atomic"

// RoundRobin asks endpoints in turn, whatever their weight. The zero value is
// ready.
type RoundRobin struct{ turn atomic.Uint64 }

// Pick implements Balancer.
func (b *RoundRobin) Pick(endpoints []*Endpoint, _ string) *Endpoint {
	return endpoints[b.turn.Add(1)%uint64(len(endpoints))]
}
