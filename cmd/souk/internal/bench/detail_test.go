package bench

import (
	"encoding/json"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/cmd/souk/internal/bench/vitals"
	"souk.example/internal/audit"
)

func reported(m measurement, b books) Report {
	return report(Config{Rate: 10}.withDefaults(), "native", m, b, evidence{audit: audit.Report{Clean: true}})
}

func TestTheBoundIsComparedWithWhatAnOrderTook(t *testing.T) {
	m, b := aMinute() // 5084.7 µs an order
	m.limits = &limits.Report{BoundUSPerOrder: 1000}
	r := reported(m, b)
	if *r.BoundUSPerOrder != 1000 || *r.BoundShare != 0.197 || r.Limits != m.limits {
		t.Errorf("bound %g, share %g", *r.BoundUSPerOrder, *r.BoundShare)
	}
}

func TestWithoutLimitsThereIsNoBound(t *testing.T) {
	if r := reported(aMinute()); r.BoundUSPerOrder != nil || r.BoundShare != nil || r.Limits != nil {
		t.Errorf("%+v", r)
	}
}

func TestEverySecondOfTheWindow(t *testing.T) {
	r := reported(aMinute())
	if len(r.PerSecond) != 60 {
		t.Fatalf("%d seconds", len(r.PerSecond))
	}
	for n, want := range map[int]Second{
		0:  {Completed: 0, P50: 4, P99: 9}, // an order takes a second
		1:  {Completed: 10, P50: 14, P99: 19},
		59: {Completed: 10, P50: 594, P99: 599},
	} {
		if r.PerSecond[n] != want {
			t.Errorf("second %d: %+v, want %+v", n, r.PerSecond[n], want)
		}
	}
}

func TestIntakeIsOrdersByTransaction(t *testing.T) {
	m, b := aMinute()
	for i := range 5 * 600 { // five more with each of the 600 of the window
		created := m.opened.At.Add(time.Duration(i/5) * 100 * time.Millisecond)
		b.add(orderRow{status: "PENDING", created: created}, m.opened.At, m.ended.At)
	}
	b.open = 0
	if r := reported(m, b); r.Batches.Intake != 6 {
		t.Errorf("%g orders in a transaction", r.Batches.Intake)
	}
}

func TestAllocationsAreByOrder(t *testing.T) {
	m, b := aMinute()
	m.account = vitals.Account{Allocated: map[string]vitals.Allocated{"order-1": {Bytes: 590_000, Objects: 5_900}}}
	if got := reported(m, b).AllocsPerOrder["order-1"]; got != (Allocs{Bytes: 1000, Objects: 10}) {
		t.Errorf("%+v", got)
	}
}

// Scripts read these names.
func TestTheReportKeepsItsNames(t *testing.T) {
	text, err := json.Marshal(reported(aMinute()))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"void", "engines", "completed_per_s", "accept_ms", "complete_ms", "cpu_us_per_order", "bound_us_per_order", "audit", "load",
		"orders", "machine", "notes", "limits", "bound_share", "allocs_per_order", "batches", "behind", "per_second",
	} {
		if _, there := fields[name]; !there {
			t.Errorf("no %q in %s", name, text)
		}
	}
}
