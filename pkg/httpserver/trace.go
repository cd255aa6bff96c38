package httpserver

import (
	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/tracing"
)

// traced makes a server span for each request, a child of the caller's
// traceparent when there is one. Whether that may decide to be sampled is the
// tracer's to say: see telemetry.Config.Edge.
func traced(tracer trace.Tracer) gin.HandlerFunc {
	server := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	return func(c *gin.Context) {
		r := requestOf(c)
		ctx := tracing.Extract(r.Context, first(c.Request.Header["Traceparent"]))
		ctx, span := tracer.Start(ctx, "request", server...)
		defer span.End()
		if span.IsRecording() { // few are, and a name is made for each
			span.SetName(method(c) + " " + route(c))
		}
		r.Context = ctx
		c.Next()
		if span.IsRecording() {
			describe(span, c)
		}
	}
}

func describe(span trace.Span, c *gin.Context) {
	status := c.Writer.Status()
	span.SetAttributes(
		attribute.String("http.request.method", method(c)),
		attribute.String("http.route", route(c)),
		attribute.Int("http.response.status_code", status),
		attribute.String("souk.request_id", RequestIDFrom(c.Request.Context())),
	)
	if status >= 500 {
		span.SetStatus(codes.Error, "")
	}
}
