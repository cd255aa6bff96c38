package provider

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"souk.example/services/payment/internal/payment"
)

// Traced makes a span of each call. It implements payment.Provider.
type Traced struct {
	payment.Provider
	tracer trace.Tracer
}

// NewTraced makes spans of the calls to p.
func NewTraced(p payment.Provider, tracer trace.Tracer) *Traced {
	return &Traced{Provider: p, tracer: tracer}
}

// Answer implements payment.Provider.
func (t *Traced) Answer(ctx context.Context, c payment.Call) (payment.Word, error) {
	ctx, span := t.tracer.Start(ctx, "provider "+string(c.Kind))
	defer span.End()
	word, err := t.Provider.Answer(ctx, c)
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("souk.subject", c.Subject()),
			attribute.Int("souk.attempt", c.Attempts),
			attribute.String("souk.outcome", outcome(word, err)))
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
	}
	return word, err
}
