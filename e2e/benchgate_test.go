package e2e

import (
	"encoding/json"
	"os"
	"testing"
)

// leastShare is what the bound must at least be of what an order really took.
// Both are CPU time of the same minute on the same machine, so that neither a
// slow machine nor a shared one moves their ratio much. It says that nobody has
// made orders several times dearer, and nothing finer. docs/performance.md tells
// where it stands.
const leastShare = 0.05

// An order must not cost many times what its engines' operations cost alone.
func TestBenchGate(t *testing.T) {
	if !native() || os.Getenv("SOUK_BENCH_GATE") == "" {
		t.Skip("it takes a minute, and native engines: make bench-gate")
	}
	for range 3 {
		r := shared.run("bench", "orders", "--json", "--limits", "--warmup", "3s", "--duration", "12s")
		var b benched
		if err := json.Unmarshal([]byte(r.stdout), &b); err != nil {
			t.Fatalf("exit %d, %v in %q\n%s", r.code, err, r.stdout, r.stderr)
		}
		if b.Void {
			t.Logf("void: %s", b.Why)
			continue
		}
		t.Logf("%.0f orders/s; an order took %.0f µs of CPU, its bound is %.0f µs: %.2f of it, and %.2f is the least",
			*b.CompletedPerS, b.CPU.Total, *b.Bound, *b.BoundShare, leastShare)
		if *b.BoundShare < leastShare {
			t.Error("an order costs too many times its bound: see `souk bench profile`")
		}
		return
	}
	t.Error("three runs in a row were void")
}
