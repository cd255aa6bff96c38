package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"souk.example/pkg/failpoint"
)

// retryPause is the pause before a batch is flushed again, doubled each time.
const retryPause = 20 * time.Millisecond

// commit flushes a batch and answers its requests. A batch that is refused as
// a whole is halved until the requests it cannot do with stand alone: the
// others must not suffer for them.
func (c *Committer[Q, R]) commit(ctx context.Context, batch []*request[Q, R]) {
	outcomes, err := c.flushPatiently(ctx, batch)
	failpoint.Hit("groupcommit-before-answer")
	switch {
	case err == nil:
		for i, r := range batch {
			r.answer(outcomes[i])
		}
	case len(batch) == 1 || errors.Is(err, ErrOutcomeUnknown):
		for _, r := range batch {
			r.answer(Outcome[R]{Err: err})
		}
	default:
		half := len(batch) / 2
		c.commit(ctx, batch[:half])
		c.commit(ctx, batch[half:])
	}
}

// flushPatiently flushes a batch again while that is worth it. When it gives
// up, nobody knows what the attempts have done: ErrOutcomeUnknown.
func (c *Committer[Q, R]) flushPatiently(ctx context.Context, batch []*request[Q, R]) ([]Outcome[R], error) {
	pause := retryPause
	for attempt := 1; ; attempt++ {
		outcomes, err := c.flushOnce(ctx, batch)
		if err == nil || !c.worthAnother(err) {
			return outcomes, err
		}
		if attempt == c.cfg.Attempts {
			return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
		time.Sleep(pause)
		pause *= 2
	}
}

// worthAnother reports whether the batch may succeed unchanged. An attempt that
// ran out of time was slowed by the database, not by one of its requests.
func (c *Committer[Q, R]) worthAnother(err error) bool {
	return c.cfg.Retry(err) || errors.Is(err, context.DeadlineExceeded)
}

// flushOnce turns a panic, and outcomes that do not match the batch, into an
// error that leaves the outcome open: either may come after the commit.
func (c *Committer[Q, R]) flushOnce(ctx context.Context, batch []*request[Q, R]) (outcomes []Outcome[R], err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	ctx, finish := c.trace(ctx, batch)
	defer func() { finish(err) }()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: flush panicked: %v\n%s", ErrOutcomeUnknown, v, debug.Stack())
		}
	}()
	qs := make([]Q, len(batch))
	for i, r := range batch {
		qs[i] = r.q
	}
	outcomes, err = c.flush(ctx, qs)
	if err == nil && len(outcomes) != len(batch) {
		err = fmt.Errorf("%w: flush returned %d outcomes for %d requests", ErrOutcomeUnknown, len(outcomes), len(batch))
	}
	return outcomes, err
}
