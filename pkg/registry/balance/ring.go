package balance

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// pointsEach is how many places of the ring an endpoint of average weight has:
// with 160 the shares of equal endpoints differ by about 8 % (1/√160), as in
// libketama (R. Jones, 2007).
const pointsEach = 160

// Ring sends requests of one key to one endpoint while that has not more than
// its share: consistent hashing with bounded loads (V. Mirrokni, M. Thorup and
// M. Zadimoghaddam, 2016). When an endpoint comes or goes, about its share of
// the keys moves and no other. A request without a key goes to a random place.
type Ring struct {
	excess float64
	built  atomic.Pointer[ring]
}

// NewRing makes a Ring whose endpoints carry at most excess times the average
// of requests in flight for their weight, at least 1.01; 1.25 is usual. A hot
// key's overflow goes to the next endpoints of the ring.
func NewRing(excess float64) *Ring { return &Ring{excess: max(excess, 1.01)} }

// ring is the places of one list of endpoints.
type ring struct {
	endpoints []*Endpoint
	points    []point
	partly    atomic.Int64 // since when only parts of the list are asked, in ns; 0 if it is
}

type point struct {
	hash     uint64
	endpoint *Endpoint
}

// Pick implements Balancer.
func (b *Ring) Pick(endpoints []*Endpoint, key string) *Endpoint {
	r := b.of(endpoints)
	start := anywhere(len(r.points))
	if key != "" {
		hash := xxhash.Sum64String(key)
		start, _ = slices.BinarySearchFunc(r.points, hash, func(p point, h uint64) int { return cmp.Compare(p.hash, h) })
	}
	total, weight := int64(1), int64(0) // this request
	for _, e := range endpoints {
		total += e.InFlight()
		weight += int64(e.Weight)
	}
	var home *Endpoint
	for i := range r.points {
		e := r.points[(start+i)%len(r.points)].endpoint
		if len(endpoints) < len(r.endpoints) && !slices.Contains(endpoints, e) {
			continue
		}
		if float64(e.InFlight()+1) <= b.capacity(e, total, weight) {
			return e
		}
		home = cmp.Or(home, e)
	}
	return home
}

// capacity is what an endpoint may carry of total requests; at least one, and
// together more than all.
func (b *Ring) capacity(e *Endpoint, total, weight int64) float64 {
	share := b.excess * float64(total) * float64(e.Weight) / float64(weight)
	return max(float64(int64(share)+1), 1)
}

// of returns a ring of the list, which is built when the list has changed.
func (b *Ring) of(endpoints []*Endpoint) *ring {
	r := b.built.Load()
	if r == nil || !r.serves(endpoints) {
		r = build(endpoints)
		b.built.Store(r)
	}
	return r
}

// serves reports whether the ring is the list's, or does for it: a retry asks
// with a part of the list, between requests that have all of it.
func (r *ring) serves(endpoints []*Endpoint) bool {
	if slices.Equal(r.endpoints, endpoints) {
		if r.partly.Load() != 0 {
			r.partly.Store(0)
		}
		return true
	}
	now := time.Now().UnixNano()
	r.partly.CompareAndSwap(0, now)
	return now-r.partly.Load() < int64(away) && r.has(endpoints)
}

// has reports whether all of endpoints have places; both lists have one order.
func (r *ring) has(endpoints []*Endpoint) bool {
	rest := r.endpoints
	for _, e := range endpoints {
		at := slices.Index(rest, e)
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
	}
	return true
}

func build(endpoints []*Endpoint) *ring {
	r := &ring{endpoints: slices.Clone(endpoints)}
	weight := 0
	for _, e := range endpoints {
		weight += e.Weight
	}
	for _, e := range endpoints {
		for i := range max(pointsEach*e.Weight*len(endpoints)/weight, 1) {
			r.points = append(r.points, point{xxhash.Sum64String(e.ID + "#" + strconv.Itoa(i)), e})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.endpoint.ID, b.endpoint.ID))
	})
	return r
}
