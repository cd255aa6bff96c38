package outbox

import (
	"context"
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

// sweep forgets what is spent, until ctx ends.
func (r *relay) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.forgetAll(ctx)
		}
	}
}

// forgetAll deletes everything that is spent in one statement. When that fails
// each partition is tried alone, so that none spoils it for the others. What is
// left is tried again by the next sweep.
func (r *relay) forgetAll(ctx context.Context) {
	if len(r.table.spent.of()) == 0 {
		return
	}
	together, cancel := context.WithTimeout(ctx, togetherTimeout)
	defer cancel()
	if r.table.forget(together) != nil {
		for a := range r.o.partitions {
			r.forget(ctx, a)
		}
	}
	failpoint.Hit("outbox-after-mark")
}

// forget deletes what is spent of one partition. A failure is counted and no
// more: its loop reports it when there is too much left.
func (r *relay) forget(ctx context.Context, a address) {
	alone, cancel := context.WithTimeout(ctx, aloneTimeout)
	defer cancel()
	if err := r.table.forget(alone, a); err != nil && ctx.Err() == nil {
		r.o.metrics.failures.WithLabelValues(a.topic).Inc()
	}
}
