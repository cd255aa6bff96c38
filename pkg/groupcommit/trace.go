package groupcommit

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/tracing"
)

// Option changes how a Committer is made.
type Option[Q any] func(*following[Q])

// Traced makes each flush a span of that name, which joins the requests in the
// batch as tracing.StartBatch does; subject is what a request is about.
func Traced[Q any](tracer trace.Tracer, name string, subject func(Q) string) Option[Q] {
	return func(f *following[Q]) { *f = following[Q]{tracer, name, subject} }
}

// following is how traces are followed through batches; the zero value follows
// none.
type following[Q any] struct {
	tracer  trace.Tracer
	name    string
	subject func(Q) string
}

// trace begins the span of a flush; finish ends it.
func (c *Committer[Q, R]) trace(ctx context.Context, batch []*request[Q, R]) (traced context.Context, finish func(error)) {
	if c.following.tracer == nil {
		return ctx, func(error) {}
	}
	ctx, work := tracing.StartBatch(ctx, c.following.tracer, c.following.name, slices.Values(c.members(batch)))
	return ctx, work.End
}

// members names requests by their callers' traces.
func (c *Committer[Q, R]) members(batch []*request[Q, R]) []tracing.Member {
	members := make([]tracing.Member, len(batch))
	for i, r := range batch {
		members[i] = tracing.Member{Subject: c.following.subject(r.q), TraceParent: tracing.Inject(r.ctx)}
	}
	return members
}
