package e2e

import (
	"encoding/json"
	"testing"
)

// benched is the part of `souk bench orders --json` that scripts rely on.
type benched struct {
	Void          bool     `json:"void"`
	Why           string   `json:"why"`
	CompletedPerS *float64 `json:"completed_per_s"`
	AcceptMS      *struct {
		P50, P95, P99 float64
	} `json:"accept_ms"`
	CompleteMS *struct {
		P50, P99 float64
	} `json:"complete_ms"`
	CPU *struct {
		Total     float64            `json:"total"`
		ByProcess map[string]float64 `json:"by_process"`
	} `json:"cpu_us_per_order"`
	Audit *struct {
		Clean bool `json:"clean"`
	} `json:"audit"`
}

func bench(t *testing.T, args ...string) (benched, result) {
	t.Helper()
	r := shared.run(append([]string{"bench", "orders", "--json", "--warmup", "1s", "--duration", "2s"}, args...)...)
	var b benched
	if err := json.Unmarshal([]byte(r.stdout), &b); err != nil {
		t.Fatalf("exit %d, %v in %q\n%s", r.code, err, r.stdout, r.stderr)
	}
	return b, r
}

// A busy machine may spoil a run, so one good run out of three will do; what a
// spoilt one says is checked as well.
func TestBenchOrders(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	for range 3 {
		b, r := bench(t, "--rate", "50", "--clients", "16")
		if !b.Void {
			checkFigures(t, b, r)
			return
		}
		checkVoid(t, b, r)
		t.Logf("void: %s", b.Why)
	}
	t.Error("three runs in a row were void")
}

func checkFigures(t *testing.T, b benched, r result) {
	t.Helper()
	if r.code != 0 || b.Why != "" || b.Audit == nil || !b.Audit.Clean {
		t.Errorf("exit %d, why %q, audit %+v", r.code, b.Why, b.Audit)
	}
	if rate := *b.CompletedPerS; rate < 40 || rate > 60 {
		t.Errorf("%g completed per second of 50 that arrived", rate)
	}
	if a := *b.AcceptMS; a.P50 <= 0 || a.P95 < a.P50 || a.P99 < a.P95 {
		t.Errorf("accept_ms %+v", a)
	}
	if c := *b.CompleteMS; c.P50 <= 0 || c.P99 < c.P50 {
		t.Errorf("complete_ms %+v", c)
	}
	if b.CPU.Total <= 0 || len(b.CPU.ByProcess) == 0 {
		t.Errorf("cpu_us_per_order %+v", *b.CPU)
	}
}

func checkVoid(t *testing.T, b benched, r result) {
	t.Helper()
	if r.code != 3 || b.Why == "" || b.CompletedPerS != nil || b.AcceptMS != nil || b.CompleteMS != nil || b.CPU != nil {
		t.Errorf("exit %d, %+v", r.code, b)
	}
}

// A rate that one connection cannot carry: void, without figures.
func TestBenchOrdersRefusesAVoidRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	b, r := bench(t, "--rate", "100000", "--clients", "1")
	if !b.Void {
		t.Fatalf("%+v", b)
	}
	checkVoid(t, b, r)
}
