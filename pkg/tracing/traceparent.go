// Package tracing follows requests from process to process and through work that
// is done for many at once: it carries trace contexts in headers and events,
// begins spans of batches and of requests that are sent, and puts trace ids
// beside observations. Spans are those of whatever tracer the caller has; what
// is not sampled costs next to nothing.
package tracing

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	traceparentKey = "traceparent"
	// traceparentLen is that of version 00, the one that Inject writes:
	// 00-<trace id>-<span id>-<flags>.
	traceparentLen = 55
)

// Inject returns the W3C traceparent of ctx's span, or "" when it has none.
func Inject(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return ""
	}
	return format(span.TraceID(), span.SpanID(), span.TraceFlags()&trace.FlagsSampled)
}

func format(id trace.TraceID, span trace.SpanID, flags trace.TraceFlags) string {
	text := []byte("00-00000000000000000000000000000000-0000000000000000-00")
	hex.Encode(text[3:], id[:])
	hex.Encode(text[36:], span[:])
	hex.Encode(text[53:], []byte{byte(flags)})
	return string(text)
}

// Extract returns ctx as a child of the remote span that traceparent names. A
// value that is empty or malformed changes nothing.
func Extract(ctx context.Context, value string) context.Context {
	if value == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, traceparent(value))
}

// spanContextOf is the span that a traceparent names, if it does.
func spanContextOf(value string) trace.SpanContext {
	return trace.SpanContextFromContext(Extract(context.Background(), value))
}

// Unsampled returns a W3C traceparent of a new trace that is not sampled: for
// what is in the middle of a trace that is not known, and must not begin one.
func Unsampled() string {
	var id trace.TraceID
	var span trace.SpanID
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(span[:])
	return format(id, span, 0)
}

// traceparent is a carrier that holds one header; tracestate is not kept.
type traceparent string

func (t traceparent) Get(key string) string {
	if key == traceparentKey {
		return string(t)
	}
	return ""
}

func (t traceparent) Set(string, string) {} // Extract only reads

func (t traceparent) Keys() []string { return []string{traceparentKey} }

// Sampled reports whether a traceparent says that its trace is sampled. It looks
// at the flag alone, to spare what is not sampled the rest.
func Sampled[T string | []byte](value T) bool {
	if len(value) != traceparentLen {
		return false
	}
	switch value[traceparentLen-1] {
	case '1', '3', '5', '7', '9', 'b', 'd', 'f':
		return true
	}
	return false
}

// traceIDOf is the trace id's part of a traceparent, "" where there is none.
func traceIDOf(value string) string {
	if len(value) < traceparentLen {
		return ""
	}
	return value[3:35]
}

// TraceID returns the id of ctx's trace in hex, or "".
func TraceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}
