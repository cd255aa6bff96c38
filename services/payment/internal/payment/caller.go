package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/pkg/failpoint"
	"souk.example/pkg/tracing"
)

var (
	// ErrNotSent is Provider's answer when it was not asked at all.
	ErrNotSent = errors.New("the provider was not asked")
	// ErrRefused is Provider's answer when the provider was asked and will not
	// do it as it is asked: nothing but a change on either side helps.
	ErrRefused = errors.New("the provider refuses what it is asked")
)

// CallerConfig tunes a Caller; zero values take the defaults named in the tags.
type CallerConfig struct {
	Concurrency int           `env:"SOUK_PSP_CONCURRENCY" envDefault:"32" usage:"calls to the payment provider at a time, per replica"`
	Timeout     time.Duration `env:"SOUK_PSP_TIMEOUT" envDefault:"3s" usage:"longest wait for an answer of the payment provider"`
}

func (c CallerConfig) withDefaults() CallerConfig {
	if c.Concurrency == 0 {
		c.Concurrency = 32
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	return c
}

// Validate reports tunables that cannot work.
func (c CallerConfig) Validate() error {
	if c.Concurrency < 0 || c.Timeout < 0 {
		return errors.New("SOUK_PSP_CONCURRENCY and SOUK_PSP_TIMEOUT must not be negative")
	}
	return nil
}

// lease is how long a claim lasts: for the call, for one that it waits behind,
// and for writing the answer down. Who was killed is replaced after that long.
func (c CallerConfig) lease() time.Duration { return 4 * c.Timeout }

// inHandPerCall is how many claims are held per call under way, so that the
// next calls are at hand when one ends and claims come in batches.
const inHandPerCall = 2

// idlePoll is how often a Caller looks for calls that nobody rang for: put off,
// left by somebody who was killed, or added by another process.
const idlePoll = 250 * time.Millisecond

// Caller makes the calls that wait, a bounded number at a time, outside any
// transaction. Any number of processes may run one on the same database: a call
// that is made twice has its effect once, by its key. Run it once.
type Caller struct {
	calls    Calls
	provider Provider
	recorder *Recorder
	bell     Bell
	log      *slog.Logger
	cfg      CallerConfig

	name   string // of this process, unique
	claims int64
	inHand atomic.Int64
}

// NewCaller makes a Caller. Name tells this process from all others; bell is
// rung when calls are added.
func NewCaller(name string, calls Calls, provider Provider, recorder *Recorder, bell Bell, log *slog.Logger, cfg CallerConfig) *Caller {
	return &Caller{calls: calls, provider: provider, recorder: recorder, bell: bell, log: log, cfg: cfg.withDefaults(), name: name}
}

// Run makes calls until ctx ends. It then finishes those under way and puts
// back those not yet made. It returns nil.
func (c *Caller) Run(ctx context.Context) error {
	jobs := make(chan Call, inHandPerCall*c.cfg.Concurrency)
	var crew sync.WaitGroup
	for range c.cfg.Concurrency {
		crew.Go(func() {
			for call := range jobs {
				c.carryOut(ctx, call)
			}
		})
	}
	for ctx.Err() == nil {
		if !c.fetch(ctx, jobs) {
			c.rest(ctx)
		}
	}
	close(jobs)
	crew.Wait()
	return nil
}

// rest waits for a ring, or for the next look around.
func (c *Caller) rest(ctx context.Context) {
	timer := time.NewTimer(idlePoll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-c.bell:
	case <-timer.C:
	}
}

// fetch claims calls while half of the room is free, and reports whether there
// may be more to fetch at once.
func (c *Caller) fetch(ctx context.Context, jobs chan<- Call) (more bool) {
	inHand := int(c.inHand.Load())
	if inHand > c.cfg.Concurrency {
		return false // whoever finishes a call rings
	}
	limit := min(inHandPerCall*c.cfg.Concurrency, c.provider.Room()) - inHand
	if limit <= 0 {
		return false
	}
	c.claims++
	calls, orphans, err := c.calls.Claim(ctx, ClaimID(fmt.Sprintf("%s/%d", c.name, c.claims)), limit, c.cfg.lease())
	if err != nil {
		if ctx.Err() == nil {
			c.log.WarnContext(ctx, "calls to the payment provider wait for the database", "error", err)
		}
		return false
	}
	for _, call := range orphans {
		c.recorder.alarms.Orphaned(ctx, call.unsure())
	}
	for _, call := range calls {
		failpoint.Hit(string(call.Kind) + "-after-claim-commit")
		c.inHand.Add(1)
		jobs <- call // has room: limit was what is free
	}
	return len(calls)+len(orphans) == limit
}

// carryOut makes one call and has the answer written down. If that fails the
// call is still Calling, and is made again when its lease is over.
func (c *Caller) carryOut(ctx context.Context, call Call) {
	defer c.handOver()
	ctx = tracing.Extract(ctx, call.TraceParent)
	word := c.ask(ctx, call)
	failpoint.Hit(string(call.Kind) + "-after-reply")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Timeout)
	defer cancel()
	err := c.recorder.Record(ctx, word)
	if err != nil && !isDispute(err) {
		c.log.WarnContext(ctx, "an answer of the payment provider is not written down", "call", word, "error", err)
	}
	failpoint.Hit(string(call.Kind) + "-after-result-commit")
}

// handOver makes room for calls, and says so when it is time to fetch some.
func (c *Caller) handOver() {
	if left := c.inHand.Add(-1); left == int64(c.cfg.Concurrency) || left == 0 {
		c.bell.Ring()
	}
}

// ask makes the call, unless there is too little time left for it.
func (c *Caller) ask(ctx context.Context, call Call) Word {
	if ctx.Err() != nil || time.Until(call.Until) < c.cfg.Timeout {
		return call.notSent()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Timeout)
	defer cancel()
	word, err := c.provider.Answer(ctx, call)
	switch {
	case err == nil:
		word.Claim, word.Attempts = call.Claim, call.Attempts
		return word
	case errors.Is(err, ErrNotSent):
		return call.notSent()
	}
	word = call.unsure()
	if word.Refused = errors.Is(err, ErrRefused); word.Refused {
		c.recorder.alarms.Refused(ctx, word, err)
	} else {
		c.log.WarnContext(ctx, "the payment provider gave no answer", "call", word, "attempts", call.Attempts, "error", err)
	}
	return word
}

// unsure is the word of a call without a definite answer.
func (c Call) unsure() Word {
	return Word{Kind: c.Kind, Order: c.Order, Refund: c.refund(), Said: Unsure, Amount: c.Amount, Claim: c.Claim, Attempts: c.Attempts}
}

// notSent is the word of a call that was not made. Only the first attempt can
// say that the provider knows nothing: who made one before may have been killed
// when it was made.
func (c Call) notSent() Word {
	word := c.unsure()
	if c.Attempts == 1 {
		word.Said = NotSent
	}
	return word
}

func (c Call) refund() RefundID {
	if c.Kind == Return {
		return RefundID(c.Key)
	}
	return ""
}
