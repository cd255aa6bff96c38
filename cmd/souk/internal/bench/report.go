package bench

import (
	"fmt"
	"runtime"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/figures"
	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/internal/audit"
)

// Report is the outcome of a run. A void run has no figures: they are null, and
// Why says what was wrong.
type Report struct {
	Void            bool          `json:"void"`
	Why             string        `json:"why,omitzero"`
	Engines         string        `json:"engines"` // what the stack ran on
	CompletedPerS   *float64      `json:"completed_per_s"`
	AcceptMS        *AcceptMS     `json:"accept_ms"`
	CompleteMS      *CompleteMS   `json:"complete_ms"`
	CPUUSPerOrder   *CPUPerOrder  `json:"cpu_us_per_order"`
	BoundUSPerOrder *float64      `json:"bound_us_per_order"` // null: the bound of this machine has not been measured
	Audit           *audit.Report `json:"audit"`              // null when it failed
	Load            LoadReport    `json:"load"`
	Orders          Orders        `json:"orders"`
	Machine         Machine       `json:"machine"`
	Notes           []string      `json:"notes"` // what a reader of the figures has to know

	Limits         *limits.Report    `json:"limits"`      // null when they were not asked for
	BoundShare     *float64          `json:"bound_share"` // the bound over the CPU of an order
	AllocsPerOrder map[string]Allocs `json:"allocs_per_order"`
	Batches        *Batches          `json:"batches"`
	Behind         *Behind           `json:"behind"`
	PerSecond      []Second          `json:"per_second"` // of the window
}

// AcceptMS is the time from an order's intended arrival to its 201.
type AcceptMS struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// CompleteMS is the time from an order's created_at to its completed_at.
type CompleteMS struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// CPUPerOrder is microseconds of CPU used in the window for each order completed
// in it. The load generator's are not among them.
type CPUPerOrder struct {
	Total     float64            `json:"total"`
	ByProcess map[string]float64 `json:"by_process"`
}

// LoadReport is what was sent.
type LoadReport struct {
	Target    string  `json:"target"`
	Profile   Profile `json:"profile"`
	Rate      float64 `json:"rate"` // 0: a closed loop
	Clients   int     `json:"clients"`
	WarmupS   float64 `json:"warmup_s"`
	DurationS float64 `json:"duration_s"`
}

// Orders counts orders; errors and arrivals given up are of the warm-up too.
type Orders struct {
	Accepted  int            `json:"accepted"`  // in the window
	Completed int            `json:"completed"` // in the window
	Errors    map[string]int `json:"errors"`
	Unsent    int            `json:"unsent"`
	DrainMS   float64        `json:"drain_ms"` // from the end of the load to rest, to the half second
}

// Machine is who used how much of all cores in the window.
type Machine struct {
	Cores            int     `json:"cores"`
	BusyPercent      float64 `json:"busy_percent"`
	StackPercent     float64 `json:"stack_percent"`
	GeneratorPercent float64 `json:"generator_percent"`
	OthersPercent    float64 `json:"others_percent"`
}

// report judges the run. e brings the audit; the rest of it is filled in here.
func report(cfg Config, engines string, m measurement, b books, e evidence) Report {
	used, window := m.ended.Since(m.opened), m.ended.At.Sub(m.opened.At)
	accepted, late := m.inWindow()
	e.accepted, e.completed = len(accepted), len(b.completed)
	e.errors, e.unsent = m.load.Errors, m.load.Unsent
	e.lateShare = figures.Share(late, len(accepted))
	e.generatorShare = figures.Share(used.Self, used.Self+used.Sum())
	e.open, e.missing, e.otherwise = b.open, b.missing, b.otherwise
	r := Report{
		Why: e.why(), Engines: engines, Load: loadReport(cfg),
		Orders: Orders{
			Accepted: e.accepted, Completed: e.completed, Errors: e.errors, Unsent: e.unsent, DrainMS: figures.Milliseconds(b.drained),
		},
		Machine: machineReport(used, window),
	}
	if e.auditErr == nil {
		r.Audit = &e.audit
	}
	r.Notes = notes(r)
	if r.Void = r.Why != ""; !r.Void {
		r.fill(window, used, figures.Sorted(accepted), figures.Sorted(b.took), e.completed)
		r.detail(m, b)
	}
	return r
}

// fill adds the figures of a run that counts.
func (r *Report) fill(window time.Duration, used cputime.Reading, accept, complete []time.Duration, completed int) {
	perSecond := figures.PerSecond(completed, window)
	r.CompletedPerS = &perSecond
	r.AcceptMS = &AcceptMS{
		P50: figures.Milliseconds(figures.Percentile(accept, 50)), P95: figures.Milliseconds(figures.Percentile(accept, 95)), P99: figures.Milliseconds(figures.Percentile(accept, 99)),
	}
	r.CompleteMS = &CompleteMS{P50: figures.Milliseconds(figures.Percentile(complete, 50)), P99: figures.Milliseconds(figures.Percentile(complete, 99))}
	r.CPUUSPerOrder = &CPUPerOrder{Total: figures.MicrosecondsEach(used.Sum(), completed), ByProcess: make(map[string]float64)}
	for name, t := range used.Processes {
		r.CPUUSPerOrder.ByProcess[name] = figures.MicrosecondsEach(t, completed)
	}
}

// inWindow returns the latencies of the orders that arrived in the window, and
// how many of those were sent too late.
func (m measurement) inWindow() (took []time.Duration, late int) {
	for _, s := range m.load.Samples {
		if !within(s.At, m.opened.At, m.ended.At) {
			continue
		}
		took = append(took, s.Took)
		if s.Late > tooLate {
			late++
		}
	}
	return took, late
}

func loadReport(cfg Config) LoadReport {
	return LoadReport{
		Target: cfg.Target, Profile: cfg.Profile, Rate: cfg.Rate, Clients: cfg.Clients,
		WarmupS: cfg.Warmup.Seconds(), DurationS: cfg.Duration.Seconds(),
	}
}

func machineReport(used cputime.Reading, window time.Duration) Machine {
	cores := runtime.NumCPU()
	percent := func(d time.Duration) float64 {
		return figures.Round(100*figures.Share(d, time.Duration(cores)*window), 1)
	}
	return Machine{
		Cores: cores, BusyPercent: percent(used.Machine), StackPercent: percent(used.Sum()),
		GeneratorPercent: percent(used.Self), OthersPercent: percent(max(0, used.Machine-used.Sum()-used.Self)),
	}
}

func notes(r Report) []string {
	notes := []string{}
	if r.Engines == "embedded" {
		notes = append(notes, "embedded engines: these are not the platform's figures")
	}
	if r.Load.Rate == 0 && r.Machine.BusyPercent < 90 {
		notes = append(notes, "the machine was not saturated: CPU per order falls with load")
	}
	if r.Machine.OthersPercent > 5 {
		notes = append(notes, fmt.Sprintf("other processes used %.0f %% of the machine", r.Machine.OthersPercent))
	}
	return notes
}
