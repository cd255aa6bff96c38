package tracing

import "context"

type originsKey struct{}

// Origins tells to which trace belongs what is told of a subject.
type Origins struct {
	all string
	of  map[string]string
}

// OriginsFrom returns those of the batch that ctx belongs to; where ctx is of
// no batch of several traces, everything is of ctx's own trace.
func OriginsFrom(ctx context.Context) Origins {
	if of, several := ctx.Value(originsKey{}).(map[string]string); several {
		return Origins{of: of}
	}
	return Origins{all: Inject(ctx)}
}

// withoutOrigins returns ctx as of no batch.
func withoutOrigins(ctx context.Context) context.Context {
	if ctx.Value(originsKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, originsKey{}, nil)
}

// TraceParent is the W3C trace context of a subject, sampled or not, or "" when
// it came without one.
func (o Origins) TraceParent(subject string) string {
	if o.of == nil {
		return o.all
	}
	return o.of[subject]
}
