package inbox

import (
	"context"
	"iter"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/tracing"
)

// start begins the span of applying n events, and one in each of their traces:
// see tracing.StartBatch.
func (i *Inbox) start(ctx context.Context, events iter.Seq[eventbus.Event], n int) (context.Context, tracing.Batch) {
	return tracing.StartBatch(ctx, i.tracer, "inbox "+i.cfg.Group, i.members(events, n),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("messaging.consumer.group.name", i.cfg.Group),
			attribute.Int("messaging.batch.message_count", n)))
}

// members are the events that are work for the group. Which of them are is
// asked only where a trace may depend on it.
func (i *Inbox) members(events iter.Seq[eventbus.Event], n int) iter.Seq[tracing.Member] {
	return func(yield func(tracing.Member) bool) {
		for e := range events {
			if (n == 1 || tracing.Sampled(e.TraceParent)) && i.ignores(e.Type) {
				continue
			}
			if !yield(tracing.Member{Subject: e.Subject, TraceParent: e.TraceParent, Event: e.Type}) {
				return
			}
		}
	}
}

// all are the batch's events.
func (b *batch) all() iter.Seq[eventbus.Event] {
	return func(yield func(eventbus.Event) bool) {
		for _, e := range b.entries {
			if !yield(*e.event) {
				return
			}
		}
	}
}
