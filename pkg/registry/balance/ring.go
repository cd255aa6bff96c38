package balance

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"

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
	weight    int64 // of all
	points    []point
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
	total := int64(1) // this request
	for _, e := range endpoints {
		total += e.InFlight()
	}
	for i := range r.points {
		e := r.points[(start+i)%len(r.points)].endpoint
		if float64(e.InFlight()+1) <= b.capacity(e, total, r.weight) {
			return e
		}
	}
	return r.points[start%len(r.points)].endpoint
}

// capacity is what an endpoint may carry of total requests; at least one, and
// together more than all.
func (b *Ring) capacity(e *Endpoint, total, weight int64) float64 {
	share := b.excess * float64(total) * float64(e.Weight) / float64(weight)
	return max(float64(int64(share)+1), 1)
}

// of returns the ring of a list, which is built when the list has changed.
func (b *Ring) of(endpoints []*Endpoint) *ring {
	if r := b.built.Load(); r != nil && slices.Equal(r.endpoints, endpoints) {
		return r
	}
	r := build(endpoints)
	b.built.Store(r)
	return r
}

func build(endpoints []*Endpoint) *ring {
	r := &ring{endpoints: slices.Clone(endpoints)}
	for _, e := range endpoints {
		r.weight += int64(e.Weight)
	}
	for _, e := range endpoints {
		for i := range max(pointsEach*e.Weight*len(endpoints)/int(r.weight), 1) {
			r.points = append(r.points, point{xxhash.Sum64String(e.ID + "#" + strconv.Itoa(i)), e})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.endpoint.ID, b.endpoint.ID))
	})
	return r
}
