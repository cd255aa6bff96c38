package plan_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"souk.example/cmd/souk/internal/plan"
)

// pipeline of loops that are all alike.
func pipeline(rate float64, orders, replicas int, b plan.Timing) plan.Pipeline {
	p := plan.Pipeline{Rate: rate, Orders: orders, Hop: 0.005, Seed: 7, Replicas: map[string]int{}, Timing: map[string]plan.Timing{}}
	for _, loop := range []string{"intake", "inventory", "order", "payment", "points"} {
		p.Replicas[loop], p.Timing[loop] = replicas, b
	}
	return p
}

// Alone, an order waits for nobody: seven transactions of 2.1 ms each and six
// hops of 5 ms.
func TestALoneOrder(t *testing.T) {
	l := plan.Simulate(pipeline(0.01, 50, 1, plan.Timing{Fixed: 0.002, Item: 0.0001, Max: 500}))
	if !near(l.AcceptP50, 2.1) || !near(l.AcceptP99, 2.1) || !near(l.CompleteP50, 44.7) || !near(l.CompleteP99, 44.7) {
		t.Errorf("%+v", l)
	}
	for loop, n := range l.Batches {
		if n != 1 {
			t.Errorf("%g orders in a batch of %s", n, loop)
		}
	}
}

// With a load the next batch is what came during the last: n = rate × (2 ms + n ×
// 100 µs), 13.3 at 4,000 a second.
func TestBatchesFormByThemselves(t *testing.T) {
	l := plan.Simulate(pipeline(4_000, 40_000, 4, plan.Timing{Fixed: 0.002, Item: 0.0001, Max: 500}))
	alone := plan.Simulate(pipeline(4_000, 40_000, 1, plan.Timing{Fixed: 0.002, Item: 0.0001, Max: 500}))
	if n := alone.Batches["intake"]; n < 12.6 || n > 14 {
		t.Errorf("%g orders in a batch, want about 13.3", n)
	}
	if l.Batches["intake"] >= alone.Batches["intake"] {
		t.Errorf("four replicas have batches of %g, one of %g", l.Batches["intake"], alone.Batches["intake"])
	}
}

// A loop that is asked for more than it can do falls behind for ever.
func TestOverload(t *testing.T) {
	b := plan.Timing{Fixed: 0.002, Item: 0.0001, Max: 10} // 10 in 3 ms: 3,333 a second
	short, long := plan.Simulate(pipeline(5_000, 5_000, 1, b)), plan.Simulate(pipeline(5_000, 20_000, 1, b))
	if long.AcceptP99 < 3*short.AcceptP99 {
		t.Errorf("p99 %g ms after a second, %g after four", short.AcceptP99, long.AcceptP99)
	}
	if n := long.Batches["intake"]; n < 9.9 || n > 10 {
		t.Errorf("%g orders in a batch, want full ones of 10", n)
	}
}

func TestASimulationCanBeRepeated(t *testing.T) {
	p := pipeline(3_000, 5_000, 2, plan.Timing{Fixed: 0.002, Item: 0.0001, Max: 500})
	first, again := plan.Simulate(p), plan.Simulate(p)
	if !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, then %+v", first, again)
	}
	p.Seed++
	if reflect.DeepEqual(first, plan.Simulate(p)) {
		t.Error("another seed has the same arrivals")
	}
}

// anyTiming has events that weigh something beside the transaction: without,
// latency hardly depends on load.
func anyTiming(t *rapid.T) plan.Timing {
	b := plan.Timing{Fixed: rapid.Float64Range(0.0005, 0.02).Draw(t, "fixed"), Max: rapid.IntRange(50, 1_000).Draw(t, "most")}
	b.Item = b.Fixed / float64(b.Max) * rapid.Float64Range(2, 10).Draw(t, "weight")
	return b
}

// atUtilisation is a pipeline whose busiest loop, order's funnel with three
// visits, is so busy.
func atUtilisation(u float64, b plan.Timing) plan.Pipeline {
	most := float64(b.Max) / (b.Fixed + float64(b.Max)*b.Item)
	return pipeline(u*most/3, 3_000, 1, b)
}

func TestLatencyGrowsWithUtilisation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyTiming(t)
		low, high := plan.Simulate(atUtilisation(0.1, b)), plan.Simulate(atUtilisation(0.9, b))
		if high.CompleteP50 <= low.CompleteP50 || high.CompleteP99 <= low.CompleteP99 {
			t.Errorf("at 10 %% %+v, at 90 %% %+v", low, high)
		}
	})
}

// No order is faster than it would be alone, and none completes before it is
// accepted.
func TestNoOrderIsFasterThanAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyTiming(t)
		p := atUtilisation(rapid.Float64Range(0.01, 1.5).Draw(t, "utilisation"), b)
		p.Orders = 500
		l := plan.Simulate(p)
		alone := 1e3 * (b.Fixed + b.Item)
		if l.AcceptP50 < alone-1e-9 || l.AcceptP99 < l.AcceptP50 || l.CompleteP99 < l.CompleteP50 ||
			l.CompleteP50 < 7*alone+30-1e-6 {
			t.Errorf("alone %g ms: %+v", alone, l)
		}
		for loop, n := range l.Batches {
			if n < 1 || n > float64(b.Max) {
				t.Errorf("%g orders in a batch of %s", n, loop)
			}
		}
	})
}
