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

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/limits"
	"souk.example/cmd/souk/internal/bench/loadgen"
	"souk.example/cmd/souk/internal/bench/vitals"
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
	case !(c.Rate >= 0 && c.Rate <= 1e6): // NaN is neither
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
	Engines   string            // what it runs on, e.g. "embedded"
	Gateway   string            // base URL, for preparing products and wallets
	Targets   []string          // host:port of each server the load is sent to
	Processes []cputime.Process // everything whose CPU counts
	Customers []Customer
	Admin     string            // access token
	Listeners []vitals.Listener // of the services
	Inventory *database.DB
	Order     *database.DB
	Payment   *database.DB
	Audit     func(context.Context) (audit.Report, error)

	Limits func(context.Context) (limits.Report, error) // measured before the load; nil: they are not
	During func(context.Context, time.Duration) error   // done in the window, which has this length; nil: nothing
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
	bound, err := r.limits(ctx)
	if err != nil {
		return Report{}, err
	}
	m, err := r.measure(ctx, skus)
	if err != nil {
		return Report{}, err
	}
	m.limits = bound
	books, err := r.readBooks(ctx, m)
	if err != nil {
		return Report{}, fmt.Errorf("read the run's orders: %w", err)
	}
	verdict, err := r.audit(ctx)
	return report(r.cfg, s.Engines, m, books, evidence{audit: verdict, auditErr: err}), ctx.Err()
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

func (r run) limits(ctx context.Context) (*limits.Report, error) {
	if r.stack.Limits == nil {
		return nil, nil
	}
	measured, err := r.stack.Limits(ctx)
	return &measured, err
}

// measurement is what was seen from outside while the load ran.
type measurement struct {
	limits        *limits.Report  // before it; nil when they were not asked for
	load          loadgen.Outcome // warm-up included
	opened, ended cputime.Reading // at the ends of the window
	account       vitals.Account  // the services' own of the window
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
func (r run) watch(ctx context.Context, m *measurement) error {
	if r.cfg.Warmup > 0 {
		r.say("warming up for %v", r.cfg.Warmup)
	}
	if err := pause(ctx, r.cfg.Warmup); err != nil {
		return err
	}
	before, err := vitals.Read(ctx, r.stack.Listeners)
	if err != nil {
		return err
	}
	if err := r.window(ctx, m); err != nil {
		return err
	}
	after, err := vitals.Read(ctx, r.stack.Listeners)
	m.account = after.Since(before)
	return err
}

func (r run) window(ctx context.Context, m *measurement) (err error) {
	if m.opened, err = cputime.Read(ctx, r.stack.Processes); err != nil {
		return err
	}
	r.say("measuring for %v", r.cfg.Duration)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	finished := r.beside(ctx)
	if err := pause(ctx, r.cfg.Duration); err != nil {
		return errors.Join(err, <-finished)
	}
	m.ended, err = cputime.Read(ctx, r.stack.Processes)
	return errors.Join(err, <-finished)
}

// beside starts what is to be done in the window. That may end a little later.
func (r run) beside(ctx context.Context) <-chan error {
	finished := make(chan error, 1)
	if r.stack.During == nil {
		finished <- nil
		return finished
	}
	go func() { finished <- r.stack.During(ctx, r.cfg.Duration) }()
	return finished
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
