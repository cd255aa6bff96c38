package store

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/tracing"
	"souk.example/services/order/internal/order"
)

// WithCompletionTimes has o observe, in seconds, how long each order took from
// its placement to COMPLETED, with its trace as the exemplar if that is sampled.
func WithCompletionTimes(o prometheus.Observer) Option { return func(s *Store) { s.completions = o } }

// timeCompleted observes the orders that are completed once the unit stands.
func (u unit) timeCompleted(ctx context.Context, updates []order.Update) {
	if u.completions == nil {
		return
	}
	var completed []*order.State
	for _, up := range updates {
		if up.Before.CompletedAt.IsZero() && !up.After.CompletedAt.IsZero() {
			completed = append(completed, up.After)
		}
	}
	if len(completed) == 0 {
		return
	}
	origins := tracing.OriginsFrom(ctx)
	u.tx.OnCommit(func() {
		for _, s := range completed {
			origins.Observe(strconv.FormatInt(int64(s.ID), 10), u.completions, s.CompletedAt.Sub(s.CreatedAt).Seconds())
		}
	})
}
