// Package bench measures how many orders a running souk completes, how long
// they take and how much CPU each one costs, and says when it could not.
//
// A run is warm-up and window under one unbroken load; only the window counts.
// Accepting is timed by the load generator. Completion is read afterwards from
// the order database, because a generator that polls distorts what it measures.
// CPU is what the stack's processes used between the ends of the window, over
// the orders completed between them.
//
// A figure that does not mean what it says is worse than none: see [evidence]
// for what makes a run void.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/cmd/souk/internal/bench/loadgen"
	"souk.example/internal/audit"
	"souk.example/pkg/database"
)

// Profile says which products the orders are for.
type Profile string

// The profiles.
const (
	Uniform Profile = "uniform" // a thousand products, all alike
	Hot     Profile = "hot"     // one product for everybody
)

// Customers is how many users a run should have.
const Customers = 1_000

// drainWait bounds the wait for orders under way when the load has ended.
const drainWait = 30 * time.Second

// Config is one run. Target and Duration are required.
type Config struct {
	Target   string        // what the load is sent to, for the report
	Profile  Profile       // default Uniform
	Rate     float64       // arrivals per second; 0 is a closed loop
	Clients  int           // connections; default 64
	Warmup   time.Duration // default none
	Duration time.Duration // the window, at least a second
	Progress func(string)  // told what the run is doing; default nobody
}

func (c Config) withDefaults() Config {
	c.Profile = cmp.Or(c.Profile, Uniform)
	c.Clients = cmp.Or(c.Clients, 64)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// Validate reports what cannot be run.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Profile != Uniform && c.Profile != Hot:
		return fmt.Errorf("profile %q: want uniform or hot", c.Profile)
	case c.Rate < 0 || c.Rate > 1e6:
		return fmt.Errorf("rate %g: want arrivals per second, or 0 for a closed loop", c.Rate)
	case c.Clients < 1 || c.Clients > 10_000:
		return fmt.Errorf("%d clients: want 1 to 10,000", c.Clients)
	case c.Warmup < 0:
		return errors.New("the warm-up cannot be negative")
	case c.Duration < time.Second:
		return fmt.Errorf("duration %v: want at least a second", c.Duration)
	}
	return nil
}

// Stack is the running souk that is measured.
type Stack struct {
	Engines   string    // what it runs on, e.g. "embedded"
	Gateway   string    // base URL, for preparing products and wallets
	Targets   []string  // host:port of each server the load is sent to
	Processes []Process // everything whose CPU counts
	Customers []Customer
	Admin     string // access token
	Inventory *database.DB
	Order     *database.DB
	Payment   *database.DB
	Audit     func(context.Context) (audit.Report, error)
}

// Process is one process of the stack.
type Process struct {
	Name string // unique
	PID  int
}

// Customer is a user who buys.
type Customer struct {
	ID    int64
	Token string
}

// Run measures once. It blocks for the warm-up, the duration, up to half a
// minute of draining and an audit. A void run is no error; an error means that
// there is nothing to report.
func Run(ctx context.Context, cfg Config, s Stack) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	r := run{cfg: cfg.withDefaults(), stack: s, id: newID()}
	skus, err := r.supply(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("prepare the run: %w", err)
	}
	m, err := r.measure(ctx, skus)
	if err != nil {
		return Report{}, err
	}
	b, err := r.readBooks(ctx, m)
	if err != nil {
		return Report{}, fmt.Errorf("read the run's orders: %w", err)
	}
	verdict, err := r.audit(ctx)
	return report(r.cfg, s.Engines, m, b, evidence{audit: verdict, auditErr: err}), ctx.Err()
}

// run is one run under way.
type run struct {
	cfg   Config
	stack Stack
	id    string // begins the idempotency keys of its orders
}

func (r run) say(format string, args ...any) { r.cfg.Progress(fmt.Sprintf(format, args...)) }

func (r run) audit(ctx context.Context) (audit.Report, error) {
	r.say("auditing")
	return r.stack.Audit(ctx)
}

// measurement is what was seen from outside while the load ran.
type measurement struct {
	load          loadgen.Outcome // warm-up included
	opened, ended usage           // at the ends of the window
}

// measure sends the load and reads the clocks at both ends of the window.
func (r run) measure(ctx context.Context, skus []string) (measurement, error) {
	loadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan loadgen.Outcome, 1)
	go func() { done <- loadgen.Run(loadCtx, r.load(skus)) }()
	var m measurement
	err := r.watch(ctx, &m)
	if err != nil {
		cancel()
	}
	m.load = <-done
	return m, err
}

func (r run) load(skus []string) loadgen.Load {
	return loadgen.Load{
		Targets: r.stack.Targets, Clients: r.cfg.Clients, Rate: r.cfg.Rate, Length: r.cfg.Warmup + r.cfg.Duration,
		Compose: newComposer(r.stack.Targets[0], r.id, r.stack.Customers, skus).compose,
	}
}

// watch waits for the ends of the window and reads the clocks there.
func (r run) watch(ctx context.Context, m *measurement) (err error) {
	if r.cfg.Warmup > 0 {
		r.say("warming up for %v", r.cfg.Warmup)
	}
	if err := pause(ctx, r.cfg.Warmup); err != nil {
		return err
	}
	if m.opened, err = readUsage(ctx, r.stack.Processes); err != nil {
		return err
	}
	r.say("measuring for %v", r.cfg.Duration)
	if err := pause(ctx, r.cfg.Duration); err != nil {
		return err
	}
	m.ended, err = readUsage(ctx, r.stack.Processes)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
