package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.34.0"
	"go.opentelemetry.io/otel/trace"
)

// newProvider makes spans. Without an endpoint nothing is recorded, yet every
// span has valid ids, so that logs, events and replies can be joined by trace.
func newProvider(ctx context.Context, cfg Config) (*sdktrace.TracerProvider, error) {
	if cfg.OTLPEndpoint == "" {
		return sdktrace.NewTracerProvider(
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())),
		), nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("make trace exporter: %w", err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), // bounded queue: a slow collector loses spans, it blocks nobody
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.SampleRatio))),
		sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName(cfg.Service),
			semconv.ServiceVersion(cfg.Version),
			semconv.DeploymentEnvironmentName(cfg.Env),
		)),
	), nil
}

const traceparentKey = "traceparent"

// traceparent is a carrier with room for one header; tracestate is not kept.
type traceparent struct{ value string }

func (t *traceparent) Get(key string) string {
	if key == traceparentKey {
		return t.value
	}
	return ""
}

func (t *traceparent) Set(key, value string) {
	if key == traceparentKey {
		t.value = value
	}
}

func (t *traceparent) Keys() []string { return []string{traceparentKey} }

// Inject returns the W3C traceparent of ctx's span, or "" when it has none.
func Inject(ctx context.Context) string {
	var carrier traceparent
	propagation.TraceContext{}.Inject(ctx, &carrier)
	return carrier.value
}

// Extract returns ctx as a child of the remote span that traceparent names. A
// value that is empty or malformed changes nothing.
func Extract(ctx context.Context, value string) context.Context {
	if value == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, &traceparent{value: value})
}

// TraceID returns the id of ctx's trace in hex, or "".
func TraceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}
