package httpserver

import (
	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/telemetry"
)

// traced makes a server span for each request, a child of the caller's
// traceparent when there is one.
func traced(tracer trace.Tracer) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := telemetry.Extract(c.Request.Context(), c.GetHeader("traceparent"))
		ctx, span := tracer.Start(ctx, method(c)+" "+route(c), trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		c.Request = c.Request.WithContext(ctx)
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
