package tracing

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Observe adds v to a histogram, with the trace as its exemplar when ctx's span
// is sampled: who sees a slow bucket can look at one that was slow.
func Observe(ctx context.Context, histogram prometheus.Observer, v float64) {
	observe(trace.SpanContextFromContext(ctx), histogram, v)
}

// Observe is the function Observe for what concerns one subject of the batch that o is of.
func (o Origins) Observe(subject string, histogram prometheus.Observer, v float64) {
	word := o.TraceParent(subject)
	if !Sampled(word) {
		histogram.Observe(v)
		return
	}
	observe(spanContextOf(word), histogram, v)
}

func observe(span trace.SpanContext, histogram prometheus.Observer, v float64) {
	exemplars, ok := histogram.(prometheus.ExemplarObserver)
	if !ok || !span.IsSampled() {
		histogram.Observe(v)
		return
	}
	exemplars.ObserveWithExemplar(v, prometheus.Labels{"trace_id": span.TraceID().String()})
}
