package limits

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// workers are enough to keep an engine busy while one of them waits for it.
const workers = 4

// stepWait bounds a step, which is not interrupted: what an engine had received
// of it might take effect after the cleaning up.
const stepWait = 10 * time.Second

// step does one round of an operation as one of the workers and says how many
// operations that was.
type step func(ctx context.Context, worker int) (done int, err error)

// spin has every worker repeat a step until d has passed, but do it once in any
// case: a machine may stand still for longer than d.
func spin(d time.Duration, s step) work {
	return func(ctx context.Context) (int, error) {
		var done atomic.Int64
		deadline := time.Now().Add(d)
		g, ctx := errgroup.WithContext(ctx)
		for w := range workers {
			g.Go(func() error { return repeat(ctx, deadline, &done, func() (int, error) { return s.whole(ctx, w) }) })
		}
		err := g.Wait()
		return int(done.Load()), err
	}
}

func (s step) whole(ctx context.Context, worker int) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepWait)
	defer cancel()
	return s(ctx, worker)
}

func repeat(ctx context.Context, deadline time.Time, done *atomic.Int64, once func() (int, error)) error {
	for ctx.Err() == nil {
		n, err := once()
		if err != nil {
			return err
		}
		done.Add(int64(n))
		if time.Now().After(deadline) {
			return nil
		}
	}
	return ctx.Err()
}
