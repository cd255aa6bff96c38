package bench

import (
	"crypto/rand"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// newID makes the common beginning of a run's idempotency keys. It holds
// nothing that means something to LIKE.
func newID() string { return "bench-" + strings.ToLower(rand.Text()[:10]) + "-" }

// composer writes orders from parts that are prepared beforehand: one unit of
// one product, paid from the wallet.
type composer struct {
	runID string
	heads []string // one for each customer, up to the idempotency key
	tails []string // one for each product, from the key's end
}

func newComposer(host, runID string, customers []Customer, skus []string) composer {
	c := composer{runID: runID}
	for _, who := range customers {
		c.heads = append(c.heads, "POST /v1/orders HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: Bearer "+who.Token+
			"\r\nContent-Type: application/json\r\nIdempotency-Key: ")
	}
	for _, sku := range skus {
		body := `{"items":[{"sku":"` + sku + `","quantity":1}],"payment":{"method":"wallet"}}`
		c.tails = append(c.tails, fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	return c
}

// compose appends order number n. Customers take turns; products are drawn by
// a hash of n, so that a run can be repeated.
func (c composer) compose(dst []byte, n int64) []byte {
	dst = append(dst, c.heads[uint64(n)%uint64(len(c.heads))]...)
	dst = append(dst, c.runID...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, c.tails[pick(uint64(n), uint64(len(c.tails)))]...)
}

// pick maps n to a number below size, evenly: the mixing steps of splitmix64
// (Steele, Lea, Flood 2014), then Lemire's multiplication in place of a modulo.
func pick(n, size uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	below, _ := bits.Mul64(n^n>>31, size)
	return below
}
