package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const tracerName = "souk.example/pkg/tracing"

// Traced makes a client span of each request that base sends within a recorded
// span, and tells the server of it. Other requests go on as they are, at no
// cost.
func Traced(base http.RoundTripper) http.RoundTripper { return tracedTransport{base} }

type tracedTransport struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper. The span ends with the reply's
// headers.
func (t tracedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	parent := trace.SpanFromContext(req.Context())
	if !parent.IsRecording() {
		return t.RoundTripper.RoundTrip(req)
	}
	tracer := parent.TracerProvider().Tracer(tracerName)
	// Not the path in the name: it holds ids.
	ctx, span := tracer.Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method),
		attribute.String("server.address", req.URL.Host)))
	defer span.End()
	req = req.Clone(ctx)
	req.Header.Set("Traceparent", Inject(ctx))
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		span.SetStatus(codes.Error, "no reply")
		return resp, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	if resp.StatusCode >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach base.
func (t tracedTransport) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
