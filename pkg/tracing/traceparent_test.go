package tracing_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.uber.org/goleak"

	"souk.example/pkg/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is injected is what everybody else's propagator writes.
func TestInjectIsTheStandards(t *testing.T) {
	for _, parent := range []string{a1, quiet, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		ctx := tracing.Extract(t.Context(), parent)
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, carrier)
		if got := tracing.Inject(ctx); got != parent || got != carrier["traceparent"] {
			t.Errorf("%s became %s, and by the standard %s", parent, got, carrier["traceparent"])
		}
	}
}

func TestExtractIgnoresWhatIsMalformed(t *testing.T) {
	for _, bad := range []string{"", "x", "00-0-0-0", strings.Repeat("0", 1<<20), "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		if got := tracing.Inject(tracing.Extract(t.Context(), bad)); got != "" {
			t.Errorf("%.40q became %q", bad, got)
		}
	}
}

func TestUnsampledIsATraceOfItsOwn(t *testing.T) {
	one, other := tracing.Unsampled(), tracing.Unsampled()
	if tracing.Inject(tracing.Extract(t.Context(), one)) != one || tracing.Sampled(one) || one == other {
		t.Errorf("%q and %q", one, other)
	}
}

func ExampleInject() {
	ctx := tracing.Extract(context.Background(), a1)
	fmt.Println(tracing.Inject(ctx))
	// Output: 00-0000000000000000000000000000000a-0000000000000001-01
}
