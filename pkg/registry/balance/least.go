package balance

// LeastInFlight asks the endpoint with the fewest requests in flight for its
// weight. Among equals the first from a random place wins, so that idle
// endpoints share alike. The zero value is ready.
type LeastInFlight struct{}

// Pick implements Balancer.
func (LeastInFlight) Pick(endpoints []*Endpoint, _ string) *Endpoint {
	start := anywhere(len(endpoints))
	best := endpoints[start]
	for i := 1; i < len(endpoints); i++ {
		if e := endpoints[(start+i)%len(endpoints)]; lighter(e, best) {
			best = e
		}
	}
	return best
}

// lighter compares what each would carry with one more, by weight, without
// dividing.
func lighter(a, b *Endpoint) bool {
	return (a.InFlight()+1)*int64(b.Weight) < (b.InFlight()+1)*int64(a.Weight)
}
