package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"
)

// newLoggers makes the log and the access log, both on cfg.LogWriter, and the
// function that writes what of the latter waits.
func newLoggers(cfg Config) (all, access *slog.Logger, flush func(), err error) {
	level, err := parseLevel(cfg.LogLevel)
	if err != nil {
		return nil, nil, nil, err
	}
	all = newLogger(cfg, level, cfg.LogWriter)
	if cfg.AccessLogDelay == 0 {
		return all, all, func() {}, nil
	}
	g := &gatherer{out: cfg.LogWriter, delay: cfg.AccessLogDelay}
	return all, newLogger(cfg, level, g), g.Flush, nil
}

// newLogger logs one JSON object per line, or text when a person reads along.
// Both forms escape control characters, so a logged value cannot forge a line.
func newLogger(cfg Config, level slog.Level, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if cfg.LogFormat == "text" || cfg.LogFormat != "json" && isTerminal(cfg.LogWriter) { // whatever stands before it
		handler = slog.NewTextHandler(w, options)
	}
	logger := slog.New(traceHandler{handler})
	if cfg.Service != "" {
		logger = logger.With("service", cfg.Service)
	}
	return logger
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// traceHandler adds trace_id and span_id of the context's span to each record.
type traceHandler struct{ slog.Handler }

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(
			slog.String("trace_id", span.TraceID().String()),
			slog.String("span_id", span.SpanID().String()),
		)
	}
	return h.Handler.Handle(ctx, r)
}

func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs)}
}

func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name)}
}
