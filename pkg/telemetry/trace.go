package telemetry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.34.0"
	"go.opentelemetry.io/otel/trace"
)

// newProvider makes spans. Without an endpoint nothing is recorded, yet every
// span has valid ids, so that logs, events and replies can be joined by trace.
func newProvider(ctx context.Context, cfg Config) (*sdktrace.TracerProvider, error) {
	if cfg.OTLPEndpoint == "" {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("make trace exporter: %w", err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), // bounded queue: a slow collector loses spans, it blocks nobody
		sdktrace.WithSampler(newSampler(cfg)),
		sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName(cfg.Service),
			semconv.ServiceVersion(cfg.Version),
			semconv.DeploymentEnvironmentName(cfg.Env),
		)),
	), nil
}

// newSampler decides of new traces by the ratio, and of the others what was
// decided at their beginning.
func newSampler(cfg Config) sdktrace.Sampler {
	root := linked{sdktrace.TraceIDRatioBased(cfg.SampleRatio)}
	if !cfg.Edge {
		return sdktrace.ParentBased(root)
	}
	clients := atRandom(cfg.SampleRatio)
	return sdktrace.ParentBased(root, sdktrace.WithRemoteParentSampled(clients), sdktrace.WithRemoteParentNotSampled(clients))
}

// linked decides of a trace that is linked to others what was decided of them: a
// batch is as interesting as the requests in it, and no more.
type linked struct{ sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s linked) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if len(p.Links) == 0 {
		return s.Sampler.ShouldSample(p)
	}
	sampled := slices.ContainsFunc(p.Links, func(l trace.Link) bool { return l.SpanContext.IsSampled() })
	return decided(p, sampled)
}

// atRandom samples that share of spans. It does not look at trace ids: who may
// choose one could choose to be sampled.
type atRandom float64

// ShouldSample implements sdktrace.Sampler.
func (share atRandom) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return decided(p, rand.Float64() < float64(share)) // below 1: a ratio of 1 is all, of 0 none
}

// Description implements sdktrace.Sampler.
func (share atRandom) Description() string { return fmt.Sprintf("AtRandom{%g}", float64(share)) }

func decided(p sdktrace.SamplingParameters, sampled bool) sdktrace.SamplingResult {
	result := sdktrace.SamplingResult{
		Decision:   sdktrace.Drop,
		Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState(),
	}
	if sampled {
		result.Decision = sdktrace.RecordAndSample
	}
	return result
}
