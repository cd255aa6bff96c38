// Package telemetry makes the logger, the metrics registry and the tracer of
// one service. Nothing is global: several services may share a process, each
// with its own Telemetry.
package telemetry

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const tracerName = "souk.example/pkg/telemetry"

// Telemetry is what one service tells the world about itself. Its parts are
// safe for concurrent use. A record logged with a context carries the trace_id
// and span_id of the context's span.
type Telemetry struct {
	Logger    *slog.Logger
	AccessLog *slog.Logger // for a line per request: written together, up to Config.AccessLogDelay late
	Registry  *prometheus.Registry
	Tracer    trace.Tracer

	shutdown func(context.Context) error
}

// New makes a Telemetry. It opens no connection; a collector that is away is
// no error. Shutdown must follow.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	logger, access, flush, err := newLoggers(cfg)
	if err != nil {
		return nil, err
	}
	provider, err := newProvider(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Telemetry{
		Logger:    logger,
		AccessLog: access,
		Registry:  newRegistry(cfg),
		Tracer:    provider.Tracer(tracerName),
		shutdown: func(ctx context.Context) error {
			flush()
			return provider.Shutdown(ctx)
		},
	}, nil
}

func newRegistry(cfg Config) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(buildInfo(cfg.Version))
	if cfg.RuntimeMetrics {
		registry.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	return registry
}

// Shutdown writes the lines of the access log that wait, and exports the spans
// still buffered, for as long as ctx allows. The Telemetry may be used
// afterwards; its spans are then dropped.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if t.shutdown == nil {
		return nil
	}
	return t.shutdown(ctx)
}

// Nop returns a Telemetry that discards everything, for tests and for use of
// the packages as libraries. Its registry is real and its own.
func Nop() *Telemetry {
	return &Telemetry{
		Logger:    slog.New(slog.DiscardHandler),
		AccessLog: slog.New(slog.DiscardHandler),
		Registry:  prometheus.NewRegistry(),
		Tracer:    noop.NewTracerProvider().Tracer(tracerName),
	}
}
