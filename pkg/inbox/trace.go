package inbox

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/telemetry"
)

// linksMax bounds a batch span's links; backends cut longer lists anyway.
const linksMax = 64

type tracer struct {
	trace.Tracer
	group string
}

// start begins a batch's span, linked to the traces of its events. When all of
// them are of one trace, as on an idle system, the span is part of it.
func (t *tracer) start(ctx context.Context, b *batch) (context.Context, trace.Span) {
	parents := traceParents(b)
	links := make([]trace.Link, len(parents))
	for n, p := range parents {
		links[n].SpanContext = trace.SpanContextFromContext(telemetry.Extract(context.Background(), p))
	}
	if len(parents) == 1 {
		ctx = telemetry.Extract(ctx, parents[0])
	}
	return t.Start(ctx, "inbox "+t.group,
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links...),
		trace.WithAttributes(
			attribute.String("messaging.consumer.group.name", t.group),
			attribute.Int("messaging.batch.message_count", len(b.entries))))
}

// traceParents returns the first distinct trace contexts of a batch.
func traceParents(b *batch) []string {
	seen := make(map[string]bool)
	var parents []string
	for _, e := range b.entries {
		p := e.event.TraceParent
		if p == "" || seen[p] {
			continue
		}
		seen[p] = true
		if parents = append(parents, p); len(parents) == linksMax {
			break
		}
	}
	return parents
}
