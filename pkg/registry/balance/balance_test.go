package balance_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"souk.example/pkg/registry/balance"
)

// endpoints makes one endpoint for each weight, named a, b, c, …
func endpoints(weights ...int) (all []*balance.Endpoint) {
	for i, w := range weights {
		all = append(all, &balance.Endpoint{ID: string(rune('a' + i)), Weight: w})
	}
	return all
}

func picks(b balance.Balancer, from []*balance.Endpoint, n int, key func(i int) string) map[string]int {
	got := map[string]int{}
	for i := range n {
		got[b.Pick(from, key(i)).ID]++
	}
	return got
}

func none(int) string { return "" }

func client(i int) string { return fmt.Sprintf("10.%d.%d.7", i/256%256, i%256) }

func TestRoundRobinTakesTurns(t *testing.T) {
	got := picks(new(balance.RoundRobin), endpoints(1, 5, 1), 300, none)
	if got["a"] != 100 || got["b"] != 100 || got["c"] != 100 {
		t.Error(got)
	}
}

func TestSmoothWeightedSpreadsEvenly(t *testing.T) {
	var b balance.SmoothWeighted
	from := endpoints(5, 1, 1)
	var order strings.Builder
	for range 14 {
		order.WriteString(b.Pick(from, "").ID)
	}
	if got := order.String(); got != "aabacaaaabacaa" {
		t.Errorf("the order is %s", got)
	}
	// One that was away comes back as if new, and nobody owes it anything.
	b.Pick(from[:2], "")
	if got := picks(&b, from, 700, none); got["a"] < 495 || got["a"] > 505 || got["b"] < 95 || got["c"] < 95 {
		t.Error(got)
	}
}

func TestLeastInFlight(t *testing.T) {
	from := endpoints(1, 1, 2)
	from[0].Begin()
	end := from[1].Begin()
	from[2].Begin()
	if got := (balance.LeastInFlight{}).Pick(from, "").ID; got != "c" {
		t.Errorf("with one in flight each, %s is picked; c has twice the weight", got)
	}
	end()
	from[2].Begin()
	if got := (balance.LeastInFlight{}).Pick(from, "").ID; got != "b" {
		t.Errorf("the idle one is b, %s is picked", got)
	}
	idle := picks(balance.LeastInFlight{}, endpoints(1, 1, 1), 3000, none)
	for id, n := range idle {
		if n < 800 || n > 1200 {
			t.Errorf("idle ones do not share alike: %s got %d of 3000", id, n)
		}
	}
}

// Where keys go stays, and a change of the list moves no more than it must.
func TestKeysStayWhereTheyAre(t *testing.T) {
	for name, b := range map[string]balance.Balancer{"ip hash": balance.IPHash{}, "ring": balance.NewRing(1.25)} {
		t.Run(name, func(t *testing.T) {
			const keys = 10_000
			all := endpoints(1, 1, 1, 1, 1)
			before := map[string]string{}
			for i := range keys {
				before[client(i)] = b.Pick(all, client(i)).ID
			}
			for id, n := range picks(b, all, keys, client) {
				if math.Abs(float64(n)/keys-0.2) > 0.06 {
					t.Errorf("%s has %d of %d keys", id, n, keys)
				}
			}
			without := append(endpoints()[:0], all[0], all[1], all[3], all[4])
			for key, was := range before {
				if now := b.Pick(without, key).ID; was != "c" && now != was {
					t.Fatalf("%s went from %s to %s when c left", key, was, now)
				}
			}
			for key, was := range before {
				if now := b.Pick(all, key).ID; now != was {
					t.Fatalf("%s went from %s to %s when c was back", key, was, now)
				}
			}
		})
	}
}

func TestIPHashKeepsANetworkTogether(t *testing.T) {
	var b balance.IPHash
	all := endpoints(1, 1, 1, 1, 1, 1, 1)
	for network := range 50 {
		first := b.Pick(all, fmt.Sprintf("192.0.%d.1", network))
		for host := 2; host < 255; host += 50 {
			if b.Pick(all, fmt.Sprintf("192.0.%d.%d", network, host)) != first || b.Pick(all, fmt.Sprintf("::ffff:192.0.%d.%d", network, host)) != first {
				t.Fatalf("192.0.%d.0/24 is split", network)
			}
		}
		six := b.Pick(all, fmt.Sprintf("2001:db8:0:%d00::1", network))
		if b.Pick(all, fmt.Sprintf("2001:db8:0:%dff:1::9", network)) != six {
			t.Fatalf("2001:db8:0:%d00::/56 is split", network)
		}
	}
	if got := picks(b, all, 700, none); len(got) != 7 {
		t.Errorf("without an address: %v", got)
	}
}

// A key that everybody wants fills its endpoint only up to the bound.
func TestRingBoundsTheLoad(t *testing.T) {
	b := balance.NewRing(1.25)
	all := endpoints(1, 1, 1, 1, 4)
	home := b.Pick(all, "hot").ID
	var ends []func()
	for range 800 {
		ends = append(ends, b.Pick(all, "hot").Begin())
	}
	for _, e := range all {
		bound := 1.25*800*float64(e.Weight)/8 + 1
		if float64(e.InFlight()) > bound {
			t.Errorf("%s carries %d, bound %.0f", e.ID, e.InFlight(), bound)
		}
	}
	for _, end := range ends {
		end()
	}
	if now := b.Pick(all, "hot").ID; now != home {
		t.Errorf("the key went from %s to %s for good", home, now)
	}
}

func TestRingGivesEndpointsTheirWeight(t *testing.T) {
	got := picks(balance.NewRing(1.25), endpoints(1, 3), 10_000, client)
	if share := float64(got["b"]) / 10_000; share < 0.68 || share > 0.82 {
		t.Errorf("b has %.2f of the keys for 3 of 4 of the weight", share)
	}
}

func TestBalancersAreSafeTogether(t *testing.T) {
	for name, b := range map[string]balance.Balancer{
		"round robin": new(balance.RoundRobin), "weighted": new(balance.SmoothWeighted), "least": balance.LeastInFlight{},
		"ip hash": balance.IPHash{}, "ring": balance.NewRing(0),
	} {
		t.Run(name, func(t *testing.T) {
			all := endpoints(1, 2, 3)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for i := range 500 {
						b.Pick(all[:1+i%3], client(i)).Begin()()
					}
				})
			}
			wg.Wait()
			for _, e := range all {
				if e.InFlight() != 0 {
					t.Errorf("%s has %d in flight", e.ID, e.InFlight())
				}
			}
		})
	}
}

func BenchmarkPick(b *testing.B) {
	for name, balancer := range map[string]balance.Balancer{
		"round robin": new(balance.RoundRobin), "weighted": new(balance.SmoothWeighted), "least": balance.LeastInFlight{},
		"ip hash": balance.IPHash{}, "ring": balance.NewRing(1.25),
	} {
		b.Run(name, func(b *testing.B) {
			all := endpoints(1, 2, 3, 1, 2, 3, 1, 2)
			for b.Loop() {
				balancer.Pick(all, "10.1.2.3").Begin()()
			}
		})
	}
}
