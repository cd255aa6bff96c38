package outbox

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/failpoint"
)

const (
	// sweepEvery is how long acknowledged pointers may stay. A quarter of a second
	// of packs is what a crash publishes twice.
	sweepEvery = 250 * time.Millisecond
	// spentMax is how many of one partition may stay before its loop sees to them.
	spentMax = 256
)

// sweep forgets what is spent, until ctx ends. What fails has its rest.
func (r *relay) sweep(ctx context.Context) {
	pace, failures := sweepEvery, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pace):
		}
		err := r.forgetAll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && failures > 0:
			r.o.log.Info("outbox deletes acknowledged pointers again", "failures", failures)
			pace, failures = sweepEvery, 0
		case err != nil:
			if failures++; failures == 1 { // the metric tells the rest
				r.o.log.Warn("outbox cannot delete acknowledged pointers; a restart publishes their packs again", "error", err)
			}
			pace = 4 * sweepEvery
		}
	}
}

// forgetAll deletes everything that is spent in one statement. When that fails
// each partition is tried alone, so that none spoils it for the others.
func (r *relay) forgetAll(ctx context.Context) (err error) {
	all := r.table.spent.addresses()
	if len(all) == 0 {
		return nil
	}
	if r.forget(ctx, all...) != nil {
		for _, a := range all {
			failure := r.forget(ctx, a)
			if err = errors.Join(err, failure); failure != nil && ctx.Err() == nil {
				r.o.metrics.failures.WithLabelValues(a.topic).Inc()
			}
		}
	}
	failpoint.Hit("outbox-after-mark")
	return err
}

// forget is the table's, given up sooner than a round: there are more who wait.
func (r *relay) forget(ctx context.Context, these ...address) error {
	ctx, cancel := context.WithTimeout(ctx, togetherTimeout)
	defer cancel()
	return r.table.forget(ctx, these...)
}
