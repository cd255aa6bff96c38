package outbox

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/tracing"
)

// trace makes a span of what a published pack holds of each sampled trace: from
// the transaction that wrote it to the broker's acknowledgement. By its end the
// wait of those who read it is told from the wait of the pack.
func (o *Outbox) trace(p pack) {
	var seen []string
	for e := range eventbus.Sampled(p.value) {
		if slices.Contains(seen, e.TraceParent) {
			continue
		}
		seen = append(seen, e.TraceParent)
		_, span := o.tracer.Start(tracing.Extract(context.Background(), e.TraceParent), "publish "+p.topic,
			trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(time.UnixMicro(p.at)),
			trace.WithAttributes(
				attribute.String("souk.subject", e.Subject), attribute.String("souk.event", e.Type),
				attribute.Int("messaging.batch.message_count", p.n)))
		span.End()
	}
}
