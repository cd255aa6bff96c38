package balance

import (
	"net/netip"

	"github.com/cespare/xxhash/v2"
)

// IPHash sends the clients of one network to one endpoint: the key is an
// address, of which the first 24 bits of IPv4 and 56 of IPv6 count, as
// addresses of one client change within these. Weights do not matter. When an
// endpoint comes or goes only the networks that it gains or loses move
// (rendezvous hashing; D. Thaler and C. Ravishankar, 1998). Without an address
// it chooses at random. The zero value is ready.
type IPHash struct{}

// Pick implements Balancer.
func (IPHash) Pick(endpoints []*Endpoint, key string) *Endpoint {
	network, ok := networkOf(key)
	if !ok {
		return endpoints[anywhere(len(endpoints))]
	}
	var best *Endpoint
	var highest uint64
	for _, e := range endpoints {
		if score := xxhash.Sum64String(e.ID + "|" + network); best == nil || score > highest {
			best, highest = e, score
		}
	}
	return best
}

func networkOf(address string) (string, bool) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return "", false
	}
	bits := 56
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	return prefix.String(), err == nil
}
