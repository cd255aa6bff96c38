package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
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
	Bound      *float64 `json:"bound_us_per_order"`
	BoundShare *float64 `json:"bound_share"`
	Allocs     map[string]struct {
		Bytes, Objects float64
	} `json:"allocs_per_order"`
	Batches *struct {
		Intake float64
		Inbox  map[string]float64
		Packs  map[string]float64
	} `json:"batches"`
	PerSecond []struct {
		Completed int
	} `json:"per_second"`
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
	chart := filepath.Join(t.TempDir(), "orders.html")
	for range 3 {
		b, r := bench(t, "--rate", "50", "--clients", "16", "--limits", "--chart", chart)
		if !b.Void {
			checkFigures(t, b, r)
			checkDetail(t, b)
			checkChart(t, chart)
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

func checkDetail(t *testing.T, b benched) {
	t.Helper()
	if b.Bound == nil || b.BoundShare == nil || *b.Bound <= 0 || *b.BoundShare <= 0 {
		t.Errorf("bound_us_per_order %v, bound_share %v", b.Bound, b.BoundShare)
	}
	if b.Batches.Intake < 1 || b.Batches.Inbox["order"] < 1 || b.Batches.Packs["souk.order.v1"] < 1 {
		t.Errorf("batches %+v", *b.Batches)
	}
	if len(b.Allocs) == 0 || len(b.PerSecond) != 2 {
		t.Errorf("allocations of %d processes, %d seconds", len(b.Allocs), len(b.PerSecond))
	}
}

func checkChart(t *testing.T, path string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(page), "<polyline") {
		t.Errorf("chart of %d bytes, %v", len(page), err)
	}
}

func TestBenchLimits(t *testing.T) {
	r := shared.run("bench", "limits", "--json", "--duration", "100ms")
	var limits struct {
		Engines string
		Bound   float64 `json:"bound_us_per_order"`
		Limits  []struct {
			Operation string
			PerS      float64 `json:"per_s"`
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &limits); err != nil || r.code != 0 {
		t.Fatalf("exit %d, %v in %q\n%s", r.code, err, r.stdout, r.stderr)
	}
	if limits.Engines != infra() || limits.Bound <= 0 || len(limits.Limits) < 8 {
		t.Errorf("%+v", limits)
	}
}

// voidRetried runs a bench until its figures count, three times at most.
func voidRetried(t *testing.T, args ...string) result {
	t.Helper()
	for range 3 {
		r := shared.run(args...)
		if r.code == 0 {
			return r
		}
		t.Logf("exit %d: %s", r.code, r.stderr)
	}
	t.Fatal("three runs in a row were void")
	return result{}
}

func TestBenchBrowse(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	for _, args := range [][]string{{"--target", "gateway"}, {"--target", "inventory", "--conditional"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r := voidRetried(t, append([]string{"bench", "browse", "--json", "--warmup", "0", "--duration", "1s"}, args...)...)
			var b struct {
				Pages, Empty struct {
					PerS float64 `json:"per_s"`
				}
				CPURatio float64 `json:"cpu_ratio"`
			}
			if err := json.Unmarshal([]byte(r.stdout), &b); err != nil || b.Pages.PerS <= 0 || b.Empty.PerS <= 0 || b.CPURatio <= 0 {
				t.Errorf("%v in %s", err, r.stdout)
			}
		})
	}
}

func TestBenchProfile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	dir := t.TempDir()
	r := voidRetried(t, "bench", "profile", "--json", "--warmup", "1s", "--duration", "2s", "--rate", "50", "--clients", "16", "--out", dir)
	var p struct {
		Files     []struct{ CPU, Allocs string }
		Processes []struct{ Process string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil || len(p.Files) == 0 || len(p.Processes) != len(p.Files) {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	for _, f := range p.Files {
		for _, path := range []string{f.CPU, f.Allocs} {
			if _, err := os.Stat(path); err != nil || filepath.Dir(path) != dir {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestBenchOverload(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	r := voidRetried(t, "bench", "overload", "--json", "--warmup", "0", "--duration", "1s", "--knee-clients", "8", "--clients", "512", "--factors", "2")
	var b struct {
		Knee struct {
			PerS float64 `json:"accepted_per_s"`
		}
		Overloads []struct {
			Offered  float64 `json:"offered_per_s"`
			Accepted float64 `json:"accepted_per_s"`
		}
		Audit struct{ Clean bool }
	}
	if err := json.Unmarshal([]byte(r.stdout), &b); err != nil || b.Knee.PerS <= 0 || len(b.Overloads) != 1 || !b.Audit.Clean {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	if o := b.Overloads[0]; o.Offered < 1.9*b.Knee.PerS || o.Accepted <= 0 {
		t.Errorf("%+v beside %+v", o, b.Knee)
	}
}

func TestBenchesRefuseWhatTheyCannotDo(t *testing.T) {
	for _, args := range []string{
		"limits --duration 1ms", "limits --target inventory", "limits --profile cold", "limits 5",
		"browse --target order", "browse --clients 0", "browse --duration 0", "browse --duration 1h",
		"overload --factors 0.5", "overload --clients 0", "overload --target inventory", "profile --top 0", "profile --out= ", "profile --duration 1ms", "orders --target inventory", "orders --clients 0",
	} {
		t.Run(args, func(t *testing.T) {
			if r := shared.run(append([]string{"bench"}, strings.Fields(args)...)...); r.code != 2 || r.stdout != "" || r.stderr == "" {
				t.Errorf("exit %d, %q, %q", r.code, r.stdout, r.stderr)
			}
		})
	}
}
