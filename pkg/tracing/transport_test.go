package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/tracing"
)

// answering is a server that answers a status, or nothing at all.
type answering struct {
	status int
	heard  *http.Request
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.heard = r
	if a.status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: a.status, Body: http.NoBody}, nil
}

func send(t *testing.T, ctx context.Context, server *answering) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://shop:80/v1/orders/42", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tracing.Traced(server).RoundTrip(r)
	if err == nil {
		err = resp.Body.Close()
	}
	if (err != nil) != (server.status == 0) || r.Header.Get("Traceparent") != "" {
		t.Errorf("%v; the caller's request has headers %v", err, r.Header)
	}
}

func TestARequestWithinASpanHasOneToo(t *testing.T) {
	for status, want := range map[int]string{200: "Unset", 404: "Unset", 503: "Error", 0: "Error"} {
		spans, tracer := recorder()
		ctx, caller := tracer.Start(t.Context(), "caller")
		server := &answering{status: status}
		send(t, ctx, server)
		got := spans.Ended()
		if len(got) != 1 || got[0].Parent().SpanID() != caller.SpanContext().SpanID() || got[0].Status().Code.String() != want {
			t.Fatalf("%d: spans %v", status, got)
		}
		if text := fmt.Sprint(got[0].Name(), got[0].Attributes()); strings.Contains(text, "42") || !strings.Contains(text, "shop:80") {
			t.Errorf("it says %s", text)
		}
		heard := tracing.Extract(t.Context(), server.heard.Header.Get("Traceparent"))
		if tracing.Inject(heard) != tracing.Inject(trace.ContextWithSpanContext(t.Context(), got[0].SpanContext())) {
			t.Errorf("the server is told %q", server.heard.Header.Get("Traceparent"))
		}
	}
}

func TestARequestThatIsNotSampledGoesAsItIs(t *testing.T) {
	server := &answering{status: 200}
	send(t, tracing.Extract(t.Context(), quiet), server)
	if server.heard.Header.Get("Traceparent") != "" {
		t.Errorf("headers %v", server.heard.Header)
	}
}
