// Package browse measures how many product pages a souk serves and what one
// costs, beside an empty handler that is asked the same way in the same run: the
// difference is what souk's own work costs.
//
// The load is a closed loop of light clients on this machine, so pages per
// second are those of a machine that makes its own load, and the ratio to the
// empty handler says more than either figure.
package browse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/empty"
	"souk.example/cmd/souk/internal/bench/figures"
	"souk.example/cmd/souk/internal/bench/loadgen"
)

// Config is one run. Target is required.
type Config struct {
	Target      string        // what is asked, for the report
	Conditional bool          // send If-None-Match, so that pages are answered with 304
	Clients     int           // connections; default 64
	Warmup      time.Duration // of each of the two; default none
	Duration    time.Duration // of each of the two; default 10 s
	Progress    func(string)  // told what the run is doing; default nobody
}

func (c Config) withDefaults() Config {
	c.Clients, c.Duration = cmp.Or(c.Clients, 64), cmp.Or(c.Duration, 10*time.Second)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// maxDuration bounds the memory that latencies take.
const maxDuration = time.Minute

// Validate reports what cannot be run.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Clients < 1 || c.Clients > 10_000:
		return fmt.Errorf("%d clients: want 1 to 10,000", c.Clients)
	case c.Warmup < 0 || c.Warmup > maxDuration:
		return fmt.Errorf("warm-up %v: want 0 to %v", c.Warmup, maxDuration)
	case c.Duration < time.Second || c.Duration > maxDuration:
		return fmt.Errorf("duration %v: want 1s to %v", c.Duration, maxDuration)
	}
	return nil
}

// Stack is what is asked.
type Stack struct {
	Engines   string            // what it runs on, e.g. "embedded"
	Targets   []string          // host:port of each server
	SKUs      []string          // whose pages are asked for in turn
	Processes []cputime.Process // everything whose CPU counts
	Empty     func(context.Context) (empty.Server, error)
}

// Report is the outcome. A void run has no figures: they are null, and Why says
// what was wrong.
type Report struct {
	Void        bool     `json:"void"`
	Why         string   `json:"why,omitzero"`
	Engines     string   `json:"engines"`
	Target      string   `json:"target"`
	Conditional bool     `json:"conditional"`
	Clients     int      `json:"clients"`
	DurationS   float64  `json:"duration_s"`
	Pages       *Figures `json:"pages"`
	Empty       *Figures `json:"empty"`      // of the empty handler
	PerSRatio   *float64 `json:"rate_ratio"` // pages per second over the empty handler's requests
	CPURatio    *float64 `json:"cpu_ratio"`  // CPU of a page over that of an empty request
}

// Figures are one server's.
type Figures struct {
	PerS      float64            `json:"per_s"`
	MS        Percentiles        `json:"ms"`
	CPUUS     float64            `json:"cpu_us"` // of all its processes, for each request
	ByProcess map[string]float64 `json:"cpu_us_by_process"`
	ClientUS  float64            `json:"client_cpu_us"` // of the load generator, for each request
}

// Percentiles are of the time from sending to the end of the answer.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// Run asks for pages and asks the empty handler in turns of a second, so that a
// machine that is slower for a while is slower for both. It blocks for twice the
// warm-up and the duration. A void run is no error.
func Run(ctx context.Context, cfg Config, s Stack) (_ Report, err error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	cfg = cfg.withDefaults()
	r := Report{Engines: s.Engines, Target: cfg.Target, Conditional: cfg.Conditional, Clients: cfg.Clients, DurationS: cfg.Duration.Seconds()}
	pages, err := newRequests(ctx, cfg, s)
	if err != nil {
		return r, err
	}
	nothing, err := s.Empty(ctx)
	if err != nil {
		return r, fmt.Errorf("start an empty handler: %w", err)
	}
	defer func() { err = errors.Join(err, nothing.Stop()) }()
	ours := &side{targets: s.Targets, requests: pages, processes: s.Processes}
	least := &side{targets: []string{nothing.Address}, requests: pages, processes: []cputime.Process{nothing.Process}}
	least.requests.want = http.StatusOK // it has no pages to be unchanged
	if err := cfg.takeTurns(ctx, ours, least); err != nil {
		return r, err
	}
	r.fill(ours.outcome, least.outcome)
	return r, nil
}

// fill adds the figures of a run that counts.
func (r *Report) fill(ours, least outcome) {
	r.Why = strings.Join(append(ours.wrong("pages"), least.wrong("empty handler")...), "; ")
	if r.Void = r.Why != ""; r.Void {
		return
	}
	pages, nothing := ours.figures(), least.figures()
	rate, cpu := figures.Round(figures.Share(pages.PerS, nothing.PerS), 3), figures.Round(figures.Share(pages.CPUUS, nothing.CPUUS), 2)
	r.Pages, r.Empty, r.PerSRatio, r.CPURatio = &pages, &nothing, &rate, &cpu
}

// turn is about how long one of the two is asked before it is the other's turn.
const turn = time.Second

func (c Config) takeTurns(ctx context.Context, sides ...*side) error {
	c.Progress("warming up")
	for _, s := range sides {
		s.ask(ctx, c.Clients, c.Warmup)
	}
	turns := int(c.Duration / turn)
	c.Progress("asking for pages and an empty handler in turns")
	for range turns {
		for _, s := range sides {
			if err := s.measure(ctx, c.Clients, c.Duration/time.Duration(turns)); err != nil {
				return err
			}
		}
		slices.Reverse(sides) // so that neither always comes after the other
	}
	return nil
}

// side is one of the two that are asked.
type side struct {
	targets   []string
	requests  requests
	processes []cputime.Process
	outcome   // so far
}

// outcome is what came of a side's turns.
type outcome struct {
	samples []loadgen.Sample
	errors  map[string]int
	window  time.Duration
	used    map[string]time.Duration // CPU by process
	client  time.Duration            // CPU of the load generator
}

func (s *side) ask(ctx context.Context, clients int, d time.Duration) loadgen.Outcome {
	return loadgen.Run(ctx, loadgen.Load{
		Targets: s.targets, Clients: clients, Length: d, Compose: s.requests.compose(s.targets[0]), Accept: loadgen.Status(s.requests.want),
	})
}

func (s *side) measure(ctx context.Context, clients int, d time.Duration) error {
	before, err := cputime.Read(ctx, s.processes)
	if err != nil {
		return err
	}
	load := s.ask(ctx, clients, d)
	after, err := cputime.Read(ctx, s.processes)
	if err != nil {
		return err
	}
	s.add(load, after.Since(before), after.At.Sub(before.At))
	return ctx.Err()
}

func (o *outcome) add(load loadgen.Outcome, used cputime.Reading, window time.Duration) {
	if o.errors == nil {
		o.errors, o.used = make(map[string]int), make(map[string]time.Duration)
	}
	o.samples = append(o.samples, load.Samples...)
	o.window, o.client = o.window+window, o.client+used.Self
	for what, n := range load.Errors {
		o.errors[what] += n
	}
	for name, d := range used.Processes {
		o.used[name] += d
	}
}

// wrong says what makes an outcome void.
func (o outcome) wrong(who string) (reasons []string) {
	for what, n := range o.errors {
		reasons = append(reasons, fmt.Sprintf("%s: %d × %s", who, n, what))
	}
	if len(o.samples) == 0 {
		reasons = append(reasons, who+": no request was answered")
	}
	return reasons
}

func (o outcome) figures() Figures {
	took := make([]time.Duration, len(o.samples))
	for i, s := range o.samples {
		took[i] = s.Took
	}
	took = figures.Sorted(took)
	at := func(p float64) float64 { return figures.Milliseconds(figures.Percentile(took, p)) }
	f := Figures{
		PerS: figures.PerSecond(len(took), o.window), MS: Percentiles{P50: at(50), P95: at(95), P99: at(99)},
		ByProcess: make(map[string]float64), ClientUS: figures.MicrosecondsEach(o.client, len(took)),
	}
	var sum time.Duration
	for name, used := range o.used {
		f.ByProcess[name] = figures.MicrosecondsEach(used, len(took))
		sum += used
	}
	f.CPUUS = figures.MicrosecondsEach(sum, len(took))
	return f
}
