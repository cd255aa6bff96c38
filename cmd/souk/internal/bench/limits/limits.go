// Package limits measures what the engines under a souk can do at best, one
// operation at a time and in the sizes that the flow of an order uses, and adds
// up what an order must cost at least: its bound.
//
// Each operation is repeated for a bounded time by a few workers that do
// nothing else. What it costs is the CPU of the engine and of its client here;
// the client's counts because a service would have to spend it too. Everything
// is done in a topic, in tables and under keys of its own, which are gone
// afterwards, also when the run was interrupted; what a killed run left behind
// is removed by the next.
package limits

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/empty"
	"souk.example/cmd/souk/internal/bench/figures"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/redisclient"
)

// The bounds of Config.Duration: the kernel counts CPU in steps of 10 ms, and
// the scratch tables grow for as long as it lasts.
const (
	minDuration = 100 * time.Millisecond
	maxDuration = 30 * time.Second
)

// cleanupWait bounds the removal of what was made for a measurement.
const cleanupWait = 15 * time.Second

// Config says how to measure. The zero value measures for 2 s each.
type Config struct {
	Duration time.Duration // of each operation
	Course   Course        // the way of the orders that the bound is for
	Progress func(string)  // told what is being measured; default nobody
}

func (c Config) withDefaults() Config {
	c.Duration = cmp.Or(c.Duration, 2*time.Second)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// Validate reports what cannot be run.
func (c Config) Validate() error {
	if d := c.withDefaults().Duration; d < minDuration || d > maxDuration {
		return fmt.Errorf("duration %v: want %v to %v for each operation", d, minDuration, maxDuration)
	}
	return nil
}

// Stack is where the engines are.
type Stack struct {
	Engines   string // what souk runs on, e.g. "embedded"
	Redis     redisclient.Config
	Kafka     kafka.Config
	Database  *database.DB // in which scratch tables may be made
	Processes []cputime.Process
	Empty     func(context.Context) (empty.Server, error) // starts one
}

// Limit is what one operation can do at best.
type Limit struct {
	Operation Operation `json:"operation"`
	PerS      float64   `json:"per_s"`
	CPUUS     float64   `json:"cpu_us"`    // of engine and client, for one operation
	PerOrder  float64   `json:"per_order"` // how many of them an order makes
}

// Report is what was measured.
type Report struct {
	Engines         string  `json:"engines"`
	DurationS       float64 `json:"duration_s"` // of each operation
	Limits          []Limit `json:"limits"`
	BoundUSPerOrder float64 `json:"bound_us_per_order"`
}

// Run measures every operation and adds up the bound. It blocks for about
// Duration for each of them.
func Run(ctx context.Context, cfg Config, s Stack) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	m := meter{cfg: cfg.withDefaults(), stack: s}
	r := Report{Engines: s.Engines, DurationS: m.cfg.Duration.Seconds()}
	counts := Counts(cfg.Course)
	for _, probe := range []func(context.Context) ([]Limit, error){m.http, m.redis, m.kafka, m.sql} {
		measured, err := probe(ctx)
		if err != nil {
			return Report{}, err
		}
		for _, l := range measured {
			l.PerOrder = counts[l.Operation]
			r.Limits = append(r.Limits, l)
		}
	}
	r.BoundUSPerOrder = bound(r.Limits)
	return r, nil
}

// bound is what an order's operations cost together.
func bound(all []Limit) (us float64) {
	for _, l := range all {
		us += l.PerOrder * l.CPUUS
	}
	return figures.Round(us, 1)
}

// meter measures one operation after the other.
type meter struct {
	cfg   Config
	stack Stack
}

// work does an operation for a while and says how often.
type work func(ctx context.Context) (done int, err error)

// measure does the work and reads the clocks before and after. Engines are the
// processes that do it, beside this one when it is their client.
func (m meter) measure(ctx context.Context, op Operation, engines []cputime.Process, w work) (Limit, error) {
	l, used, done, err := m.observe(ctx, op, engines, w)
	l.CPUUS = figures.MicrosecondsEach(used.Sum()+used.Self, done)
	return l, err
}

func (m meter) observe(ctx context.Context, op Operation, engines []cputime.Process, w work) (Limit, cputime.Reading, int, error) {
	m.cfg.Progress(fmt.Sprintf("measuring %s", op))
	before, err := cputime.Read(ctx, engines)
	if err != nil {
		return Limit{}, cputime.Reading{}, 0, err
	}
	done, err := w(ctx)
	if err == nil && done == 0 {
		err = fmt.Errorf("not one was done in %v", m.cfg.Duration)
	}
	if err != nil {
		return Limit{}, cputime.Reading{}, 0, fmt.Errorf("measure %s: %w", op, err)
	}
	after, err := cputime.Read(ctx, engines)
	used := after.Since(before)
	return Limit{Operation: op, PerS: figures.PerSecond(done, after.At.Sub(before.At))}, used, done, err
}

// engine are the processes that an engine is, on embedded engines the one that
// hosts everything.
func (m meter) engine(name string) ([]cputime.Process, error) {
	is := func(p cputime.Process) bool { return p.PID != 0 && (p.Name == name || p.Name == Host) }
	if i := slices.IndexFunc(m.stack.Processes, is); i >= 0 {
		return m.stack.Processes[i : i+1], nil
	}
	return nil, fmt.Errorf("the CPU of %s cannot be seen from here", name)
}

// Host is the name of a process that is several services and engines.
const Host = "souk"

// cleanup removes what was made, also when ctx has ended.
func cleanup(ctx context.Context, err *error, remove func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupWait)
	defer cancel()
	if failed := remove(ctx); failed != nil {
		*err = errors.Join(*err, fmt.Errorf("clean up: %w", failed))
	}
}
