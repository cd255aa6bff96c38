package tracing

import (
	"context"
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
	ctx, call := StartCall(req.Context(), req.Method, req.URL.Host)
	if call.span == nil {
		return t.RoundTripper.RoundTrip(req)
	}
	req = req.Clone(ctx)
	req.Header.Set("Traceparent", Inject(ctx))
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		call.Lost()
		return resp, err
	}
	call.Answered(resp.StatusCode)
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach base.
func (t tracedTransport) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Call is the span of a request that is sent: what Traced makes, for clients
// that are no http.RoundTripper. The zero value is of one that is not recorded.
type Call struct{ span trace.Span }

// StartCall makes a client span of a request to address ("HOST:PORT") if ctx's
// span is recorded, and returns the context whose traceparent the server is to
// be told. Otherwise ctx comes back as it is, at no cost. Answered or Lost must
// follow.
func StartCall(ctx context.Context, method, address string) (context.Context, Call) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Call{}
	}
	tracer := parent.TracerProvider().Tracer(tracerName)
	// Not the path in the name: it holds ids.
	ctx, span := tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", method),
		attribute.String("server.address", address)))
	return ctx, Call{span}
}

// Answered ends the span of a request that was answered with an HTTP status.
func (c Call) Answered(status int) {
	if c.span == nil {
		return
	}
	c.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		c.span.SetStatus(codes.Error, "")
	}
	c.span.End()
}

// Lost ends the span of a request that got no reply.
func (c Call) Lost() {
	if c.span == nil {
		return
	}
	c.span.SetStatus(codes.Error, "no reply")
	c.span.End()
}
