package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"souk.example/cmd/souk/internal/bench/figures"
	"souk.example/cmd/souk/internal/bench/loadgen"
	"souk.example/internal/audit"
)

// What a stack that is asked for more than it can do owes those it serves.
const (
	goodputOwed  = 0.8              // of what it did at the knee
	latencyOwed  = 2.0              // times the p99 at the knee, of what it accepted
	recoveryOwed = 10 * time.Second // until half the knee is served again as if nothing had been
)

// recoveryWatch is how long recovery is watched.
const recoveryWatch = recoveryOwed + 5*time.Second

// OverloadConfig is a run of several times the load that the stack can bear.
// Target is required.
type OverloadConfig struct {
	Target   string        // what the load is sent to, for the report
	Factors  []float64     // times the knee; default 3 and 10
	Knee     int           // clients of the closed loop that finds the knee; default 256
	Clients  int           // connections of the overload; default 2,000
	Warmup   time.Duration // at the knee, before it is measured; default none
	Duration time.Duration // of the knee and of each overload; default 15 s
	Progress func(string)  // told what the run is doing; default nobody
}

func (c OverloadConfig) withDefaults() OverloadConfig {
	c.Knee, c.Clients = cmp.Or(c.Knee, 256), cmp.Or(c.Clients, 2_000)
	c.Duration = cmp.Or(c.Duration, 15*time.Second)
	if len(c.Factors) == 0 {
		c.Factors = []float64{3, 10}
	}
	return c
}

// Validate reports what cannot be run.
func (c OverloadConfig) Validate() error {
	c = c.withDefaults()
	for _, f := range c.Factors {
		if !(f >= 1 && f <= 100) { // NaN is neither
			return fmt.Errorf("factor %g: want 1 to 100 times the knee", f)
		}
	}
	switch {
	case c.Knee < 1 || c.Knee > 10_000 || c.Clients < 1 || c.Clients > 10_000:
		return fmt.Errorf("%d clients at the knee, %d in the overload: want 1 to 10,000", c.Knee, c.Clients)
	case c.Warmup < 0 || c.Warmup > 5*time.Minute:
		return fmt.Errorf("warm-up %v: want 0 to 5m", c.Warmup)
	case c.Duration < time.Second || c.Duration > 5*time.Minute:
		return fmt.Errorf("duration %v: want 1s to 5m", c.Duration)
	}
	return nil
}

// OverloadReport is the outcome. Why says what makes a run void; its figures then
// help to find out, and prove nothing.
type OverloadReport struct {
	Void      bool          `json:"void"`
	Why       string        `json:"why,omitzero"`
	Engines   string        `json:"engines"`
	Target    string        `json:"target"`
	Knee      Knee          `json:"knee"`
	Overloads []Overload    `json:"overloads"`
	Audit     *audit.Report `json:"audit"` // null when it failed
}

// Knee is what the stack does when nobody asks for more than it can do.
type Knee struct {
	Clients int     `json:"clients"` // of a closed loop
	PerS    float64 `json:"accepted_per_s"`
	P99MS   float64 `json:"accept_p99_ms"`
}

// Overload is what it does when they do.
type Overload struct {
	Factor       float64        `json:"factor"`
	OfferedPerS  float64        `json:"offered_per_s"`
	SentPerS     float64        `json:"sent_per_s"` // all arrivals that were sent, the late ones too, over the duration
	AcceptedPerS float64        `json:"accepted_per_s"`
	Goodput      float64        `json:"goodput_ratio"` // accepted over the knee's
	P99MS        float64        `json:"accept_p99_ms"` // from when an order was due
	P99Ratio     float64        `json:"p99_ratio"`     // over the knee's
	Refused      map[string]int `json:"refused"`
	RecoveryS    float64        `json:"recovery_s"` // after the overload, at half the knee
	Held         bool           `json:"held"`       // what is owed
}

// RunOverload finds the knee, offers several times as many orders, and looks how
// long it takes until half the knee is served well again. It blocks for all of
// that, up to half a minute of draining and an audit. A void run is no error.
func RunOverload(ctx context.Context, cfg OverloadConfig, s Stack) (OverloadReport, error) {
	if err := cfg.Validate(); err != nil {
		return OverloadReport{}, err
	}
	cfg = cfg.withDefaults()
	f := flood{cfg: cfg, run: run{cfg: Config{Target: cfg.Target, Progress: cfg.Progress}.withDefaults(), stack: s, id: newID()}}
	r := OverloadReport{Engines: s.Engines, Target: cfg.Target}
	var err error
	if f.skus, err = f.supply(ctx); err != nil {
		return r, fmt.Errorf("prepare the run: %w", err)
	}
	r.Knee = f.knee(ctx)
	for _, factor := range cfg.Factors {
		r.Overloads = append(r.Overloads, f.overload(ctx, r.Knee, factor))
	}
	return f.conclude(ctx, r)
}

// flood is one run under way.
type flood struct {
	run
	cfg    OverloadConfig
	skus   []string
	sent   []loadgen.Sample // all that was accepted
	phases int
	wrong  []string // why the run is void
}

// send offers orders, and remembers those that were accepted.
func (f *flood) send(ctx context.Context, clients int, rate float64, length time.Duration) loadgen.Outcome {
	f.phases++
	id := fmt.Sprintf("%s%d-", f.id, f.phases)
	out := loadgen.Run(ctx, loadgen.Load{
		Targets: f.stack.Targets, Clients: clients, Rate: rate, Length: length,
		Compose: newComposer(f.stack.Targets[0], id, f.stack.Customers, f.skus).compose,
	})
	f.sent = append(f.sent, out.Samples...)
	return out
}

func (f *flood) knee(ctx context.Context) Knee {
	if f.cfg.Warmup > 0 {
		f.say("warming up for %v", f.cfg.Warmup)
		f.send(ctx, f.cfg.Knee, 0, f.cfg.Warmup)
	}
	f.say("finding the knee with %d clients", f.cfg.Knee)
	out := f.send(ctx, f.cfg.Knee, 0, f.cfg.Duration)
	if len(out.Samples) == 0 || len(out.Errors) > 0 {
		f.wrong = append(f.wrong, fmt.Sprintf("at the knee %d orders were accepted; errors: %s", len(out.Samples), Counts(out.Errors)))
	}
	return Knee{Clients: f.cfg.Knee, PerS: figures.PerSecond(len(out.Samples), f.cfg.Duration), P99MS: p99(out.Samples)}
}

func (f *flood) overload(ctx context.Context, knee Knee, factor float64) Overload {
	rate := factor * knee.PerS
	if rate == 0 {
		return Overload{Factor: factor}
	}
	f.say("offering %.0f orders a second, %g times as many", rate, factor)
	began := time.Now()
	out := f.send(ctx, f.cfg.Clients, rate, f.cfg.Duration)
	o := Overload{
		Factor: factor, OfferedPerS: figures.Round(rate, 1), SentPerS: figures.PerSecond(sent(out), f.cfg.Duration), Refused: out.Errors,
		AcceptedPerS: figures.PerSecond(answeredBy(out.Samples, began.Add(f.cfg.Duration)), f.cfg.Duration), P99MS: p99(out.Samples),
	}
	o.RecoveryS = f.recovery(ctx, knee)
	o.judge(knee)
	if !o.sentEnough() {
		f.wrong = append(f.wrong, fmt.Sprintf("of %.0f arrivals a second %.0f were sent: the generator is saturated, or the clients are too few", o.OfferedPerS, o.SentPerS))
	}
	return o
}

// judge compares what was seen with the knee.
func (o *Overload) judge(knee Knee) {
	o.Goodput, o.P99Ratio = figures.Round(figures.Share(o.AcceptedPerS, knee.PerS), 2), figures.Round(figures.Share(o.P99MS, knee.P99MS), 2)
	o.Held = o.sentEnough() && o.Goodput >= goodputOwed && o.P99Ratio <= latencyOwed && o.RecoveryS <= recoveryOwed.Seconds()
}

// sentEnough: a generator that could not offer what it was to offer says nothing
// about the stack.
func (o *Overload) sentEnough() bool { return o.SentPerS >= 0.9*o.OfferedPerS }

func sent(out loadgen.Outcome) int {
	n := len(out.Samples)
	for _, refused := range out.Errors {
		n += refused
	}
	return n
}

// recovery is when, after an overload, half the knee begins to be served well
// for good, in whole seconds.
func (f *flood) recovery(ctx context.Context, knee Knee) float64 {
	f.say("watching how it recovers")
	began := time.Now()
	out := f.send(ctx, f.cfg.Clients, knee.PerS/2, recoveryWatch)
	return recovered(out.Samples, began, knee)
}

// recovered is the number of whole seconds after began that were not as good as
// at the knee, the last of them and all before it. Samples are those accepted; a
// second in which fewer than nine in ten arrivals were accepted is none.
func recovered(samples []loadgen.Sample, began time.Time, knee Knee) float64 {
	seconds := make([][]loadgen.Sample, int(recoveryWatch/time.Second))
	for _, s := range samples {
		if n := int(s.At.Sub(began) / time.Second); n >= 0 && n < len(seconds) {
			seconds[n] = append(seconds[n], s)
		}
	}
	bad := 0
	for n, in := range seconds {
		if float64(len(in)) < 0.9*knee.PerS/2 || p99(in) > latencyOwed*knee.P99MS {
			bad = n + 1
		}
	}
	return float64(bad)
}

// conclude waits until all that was accepted is at rest, and audits.
func (f *flood) conclude(ctx context.Context, r OverloadReport) (OverloadReport, error) {
	books, err := f.readBooks(ctx, measurement{load: loadgen.Outcome{Samples: f.sent}})
	if err != nil {
		return r, fmt.Errorf("read the run's orders: %w", err)
	}
	verdict, err := f.audit(ctx)
	if err == nil {
		r.Audit = &verdict
	}
	// Who was refused has no place in what makes such a run void.
	e := evidence{accepted: len(f.sent), completed: len(f.sent), open: books.open, missing: books.missing, otherwise: books.otherwise, audit: verdict, auditErr: err}
	if why := e.why(); why != "" {
		f.wrong = append(f.wrong, why)
	}
	r.Why = strings.Join(f.wrong, "; ")
	r.Void = r.Why != ""
	return r, ctx.Err()
}

func answeredBy(samples []loadgen.Sample, end time.Time) (n int) {
	for _, s := range samples {
		if s.At.Add(s.Took).Before(end) {
			n++
		}
	}
	return n
}

// p99 is in milliseconds.
func p99(samples []loadgen.Sample) float64 {
	took := make([]time.Duration, len(samples))
	for i, s := range samples {
		took[i] = s.Took
	}
	slices.Sort(took)
	return figures.Milliseconds(figures.Percentile(took, 99))
}
