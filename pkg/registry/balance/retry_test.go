package balance_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/registry/balance"
)

func fleet(n int) (all []*balance.Endpoint) {
	for i := range n {
		all = append(all, &balance.Endpoint{ID: fmt.Sprintf("e%02d", i), Weight: 1})
	}
	return all
}

// A retry asks with the list less those that were asked: that changes nothing
// for the requests around it, and what it gets is what that list alone gives.
func TestRingServesRetries(t *testing.T) {
	b, all := balance.NewRing(1.25), fleet(50)
	rest := make([]*balance.Endpoint, 0, len(all))
	for i := range 200 {
		home := b.Pick(all, client(i))
		rest = append(rest[:0], all...)
		for range 2 {
			rest = slices.DeleteFunc(rest, func(e *balance.Endpoint) bool { return e == home })
			home = b.Pick(rest, client(i))
			if !slices.Contains(rest, home) {
				t.Fatalf("a retry of %s goes to %s, which is not asked", client(i), home.ID)
			}
		}
	}
	alone := balance.NewRing(1.25)
	for i := range 200 {
		b.Pick(all, client(i))
		if now, want := b.Pick(all[1:], client(i)), alone.Pick(all[1:], client(i)); now != want {
			t.Fatalf("a retry of %s goes to %s, not %s", client(i), now.ID, want.ID)
		}
	}
	built := testing.AllocsPerRun(10, func() {
		b.Pick(all, "key")
		b.Pick(all[1:], "key")
	})
	if built != 0 {
		t.Errorf("a request and its retry make %v allocations", built)
	}
}

// An endpoint that is gone for good leaves no trace: processes that have seen
// it and those that have not send a key to the same place.
func TestRingForgetsWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, all := balance.NewRing(1.25), endpoints(9, 2, 1, 1, 1)
		b.Pick(all, "key")
		b.Pick(all[1:], "key")
		time.Sleep(time.Second)
		fresh := balance.NewRing(1.25)
		for i := range 1000 {
			if was, now := b.Pick(all[1:], client(i)), fresh.Pick(all[1:], client(i)); was != now {
				t.Fatalf("%s goes to %s, and to %s from a new process", client(i), was.ID, now.ID)
			}
		}
	})
}

// An endpoint that retries pass over still owes for what it was asked.
func TestSmoothWeightedStaysSmoothAcrossRetries(t *testing.T) {
	var b balance.SmoothWeighted
	from, order := endpoints(2, 1), ""
	for range 9 {
		picked := b.Pick(from, "")
		order += picked.ID
		if picked == from[0] {
			b.Pick(from[1:], "")
		}
	}
	if order != "abaabaaba" {
		t.Errorf("the order is %s", order)
	}
}

func TestSmoothWeightedForgetsWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b balance.SmoothWeighted
		from := endpoints(5, 1, 1)
		b.Pick(from, "") // a owes for it
		time.Sleep(time.Second)
		b.Pick(from[1:], "")
		if got := b.Pick(from, "").ID; got != "a" {
			t.Errorf("as if new, a would be picked, not %s", got)
		}
	})
}

func BenchmarkRetry(b *testing.B) {
	for name, balancer := range map[string]balance.Balancer{
		"weighted": new(balance.SmoothWeighted), "ring": balance.NewRing(1.25),
	} {
		b.Run(name, func(b *testing.B) {
			all := fleet(50)
			for b.Loop() {
				balancer.Pick(all, "10.1.2.3")
				balancer.Pick(all[1:], "10.1.2.3")
			}
		})
	}
}
