package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/loadgen"
	"souk.example/internal/audit"
)

func good() evidence {
	return evidence{accepted: 1000, completed: 950, audit: audit.Report{Clean: true}}
}

func TestAGoodRunCounts(t *testing.T) {
	if why := good().why(); why != "" {
		t.Error(why)
	}
}

func TestWhatMakesARunVoid(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*evidence)
		says  string
	}{
		"nothing accepted":    {func(e *evidence) { e.accepted, e.completed = 0, 0 }, "no order was accepted"},
		"one error":           {func(e *evidence) { e.errors = map[string]int{"503 queue_full": 1} }, "errors: 1 × 503 queue_full"},
		"generator took half": {func(e *evidence) { e.generatorShare = 0.5 }, "generator was saturated: it took 50 %"},
		"late arrivals":       {func(e *evidence) { e.lateShare = 0.02 }, "2.0 % of the arrivals"},
		"unsent arrivals":     {func(e *evidence) { e.unsent = 7 }, "7 arrivals could not be sent"},
		"growing backlog":     {func(e *evidence) { e.completed = 899 }, "backlog grew: 1000 orders accepted in the window, 899 completed"},
		"not at rest":         {func(e *evidence) { e.open = 3 }, "3 orders were not at rest"},
		"lost orders":         {func(e *evidence) { e.missing = 2 }, "2 acknowledged orders are not in the database"},
		"refused orders":      {func(e *evidence) { e.otherwise = map[string]int{"REJECTED out_of_stock": 4} }, "4 × REJECTED out_of_stock"},
		"audit failed":        {func(e *evidence) { e.auditErr = errors.New("no broker") }, "the audit failed: no broker"},
		"audit not clean":     {func(e *evidence) { e.audit = audit.Report{Violations: make([]audit.Violation, 5)} }, "the audit found 5 violations"},
	} {
		t.Run(name, func(t *testing.T) {
			e := good()
			c.spoil(&e)
			if why := e.why(); !strings.Contains(why, c.says) {
				t.Errorf("why is %q, want it to say %q", why, c.says)
			}
		})
	}
}

// aMinute is a run of ten orders a second in a window of one minute.
func aMinute() (measurement, books) {
	start := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(cpu, self, machine time.Duration, seconds int) cputime.Reading {
		return cputime.Reading{At: start.Add(time.Duration(seconds) * time.Second), Processes: map[string]time.Duration{"order-0": cpu, "redis": cpu / 2}, Self: self, Machine: machine}
	}
	m := measurement{opened: at(time.Second, time.Second, 10*time.Second, 0), ended: at(3*time.Second, 2*time.Second, 20*time.Second, 60)}
	b := newBooks()
	for i := range 620 { // the last twenty belong to no window
		created := start.Add(time.Duration(i) * 100 * time.Millisecond)
		m.load.Samples = append(m.load.Samples, loadgen.Sample{At: created, Took: time.Duration(i) * time.Millisecond, ID: int64(i)})
		b.add(orderRow{status: "COMPLETED", created: created, completed: created.Add(time.Second)}, m.opened.At, m.ended.At)
	}
	return m, b
}

func TestFiguresAreOfTheWindowOnly(t *testing.T) {
	m, b := aMinute()
	r := report(Config{Rate: 10}.withDefaults(), "native", m, b, evidence{audit: audit.Report{Clean: true}})
	if r.Void {
		t.Fatal(r.Why)
	}
	if *r.CompletedPerS != 9.8 { // 590: the last second's orders completed after the window
		t.Errorf("completed %g/s", *r.CompletedPerS)
	}
	if *r.AcceptMS != (AcceptMS{P50: 299, P95: 569, P99: 593}) {
		t.Errorf("accept %+v", *r.AcceptMS)
	}
	if *r.CompleteMS != (CompleteMS{P50: 1000, P99: 1000}) {
		t.Errorf("complete %+v", *r.CompleteMS)
	}
	cpu := r.CPUUSPerOrder // 3 s and 590 orders
	if cpu.Total != 5084.7 || cpu.ByProcess["order-0"] != 3389.8 || cpu.ByProcess["redis"] != 1694.9 {
		t.Errorf("CPU %+v", *cpu)
	}
}

func TestAVoidRunHasNoFigures(t *testing.T) {
	m, b := aMinute()
	b.missing = 1
	r := report(Config{}.withDefaults(), "native", m, b, evidence{audit: audit.Report{Clean: true}})
	if !r.Void || r.CompletedPerS != nil || r.AcceptMS != nil || r.CompleteMS != nil || r.CPUUSPerOrder != nil {
		t.Errorf("%+v", r)
	}
}

func TestLateArrivalsAreCounted(t *testing.T) {
	m, b := aMinute()
	for i := range 12 { // 2 %
		m.load.Samples[i].Late = tooLate + 1
	}
	r := report(Config{Rate: 10}.withDefaults(), "native", m, b, evidence{audit: audit.Report{Clean: true}})
	if !r.Void || !strings.Contains(r.Why, "2.0 % of the arrivals") {
		t.Errorf("void %t: %s", r.Void, r.Why)
	}
}

func TestComposedOrdersAreWholeRequests(t *testing.T) {
	customers := []Customer{{1, "anna"}, {2, "ben"}}
	c := newComposer("127.0.0.1:8080", "bench-x-", customers, []string{"A", "BB"})
	keys := map[string]bool{}
	for n := range int64(1000) {
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.compose(nil, n))))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || int64(len(body)) != req.ContentLength || !bytes.HasSuffix(body, []byte(`"wallet"}}`)) {
			t.Fatalf("body %q of %d bytes, %v", body, req.ContentLength, err)
		}
		if want := "Bearer " + customers[n%2].Token; req.Header.Get("Authorization") != want {
			t.Fatalf("authorization %q, want %q", req.Header.Get("Authorization"), want)
		}
		keys[req.Header.Get("Idempotency-Key")] = true
	}
	if len(keys) != 1000 {
		t.Errorf("%d different keys for 1000 orders", len(keys))
	}
}

func TestPickIsEven(t *testing.T) {
	const size, draws = 10, 100_000
	var hits [size]int
	for n := range uint64(draws) {
		hits[pick(n, size)]++
	}
	for i, n := range hits {
		if n < draws/size*95/100 || n > draws/size*105/100 {
			t.Errorf("%d was picked %d times of %d", i, n, draws)
		}
	}
}
