package telemetry_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
)

const unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00"

func among(parents []string) iter.Seq[tracing.Member] {
	return func(yield func(tracing.Member) bool) {
		for _, p := range parents {
			if !yield(tracing.Member{Subject: p, TraceParent: p}) {
				return
			}
		}
	}
}

// However rarely requests are sampled, the batch of one that is shows.
func TestABatchIsSampledWithAMember(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	for _, test := range []struct {
		ratio   float64
		parents []string
		want    bool
	}{
		{0, []string{unsampled, parent}, true}, {0, []string{unsampled, ""}, false}, {0, []string{"", ""}, false},
		{1, []string{unsampled, parent}, true}, {1, []string{unsampled, ""}, false}, {1, []string{"", ""}, true},
	} {
		tel := exporting(t, collector.URL, telemetry.Config{SampleRatio: test.ratio})
		ctx, work := tracing.StartBatch(t.Context(), tel.Tracer, "work", among(test.parents))
		if got := trace.SpanContextFromContext(ctx).IsSampled(); got != test.want {
			t.Errorf("%q at %v: sampled %v, want %v", test.parents, test.ratio, got, test.want)
		}
		work.End(nil)
	}
}

// exporting makes a Telemetry that has somewhere to export to.
func exporting(t *testing.T, collector string, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	cfg.OTLPEndpoint, cfg.LogWriter = collector, &bytes.Buffer{}
	tel := newTelemetry(t, cfg)
	t.Cleanup(func() {
		_ = tel.Shutdown(context.WithoutCancel(t.Context()))
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return tel
}

// Whatever batches an order is in on its way, and wherever it is alone, that it is
// not sampled stays so; every new trace would be.
func TestWhatIsNotSampledStaysSo(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	tel := exporting(t, collector.URL, telemetry.Config{SampleRatio: 1})
	orders := make([]string, 60)
	for i := range orders {
		orders[i] = fmt.Sprintf("00-%032x-%016x-00", i+1, i+1)
	}
	for _, size := range []int{20, 1, 7, 1, 60, 2, 1} {
		var next []string
		for batch := range slices.Chunk(orders, size) {
			ctx, work := tracing.StartBatch(t.Context(), tel.Tracer, "work", among(batch))
			if trace.SpanFromContext(ctx).IsRecording() {
				t.Errorf("a batch of %d has a span", size)
			}
			for _, subject := range batch {
				next = append(next, tracing.OriginsFrom(ctx).TraceParent(subject))
			}
			work.End(nil)
		}
		for i, word := range next {
			if word == "" || tracing.Sampled(word) || word[:35] != orders[i][:35] {
				t.Fatalf("after a batch of %d, %q goes on as %q", size, orders[i], word)
			}
		}
		orders = next
	}
}

// At the edge nobody's word, and no trace id that somebody chose, is a decision.
func TestAtTheEdgeTheRatioDecides(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	chosen := "00-00000000000000010000000000000000-00f067aa0ba902b7-01" // below any ratio but 0
	for _, test := range []struct {
		edge   bool
		ratio  float64
		parent string
		want   bool
	}{
		{false, 0, parent, true}, {false, 1, unsampled, false},
		{true, 0, parent, false}, {true, 0, unsampled, false}, {true, 0, "", false},
		{true, 1, parent, true}, {true, 1, unsampled, true}, {true, 1, "", true},
		{true, 1e-15, chosen, false}, // but for once in 1e15
	} {
		tel := exporting(t, collector.URL, telemetry.Config{SampleRatio: test.ratio, Edge: test.edge})
		ctx, span := tel.Tracer.Start(tracing.Extract(t.Context(), test.parent), "request")
		_, within := tel.Tracer.Start(ctx, "within")
		if got := span.SpanContext(); got.IsSampled() != test.want || test.parent != "" && got.TraceID().String() != test.parent[3:35] {
			t.Errorf("%+v: sampled %v in trace %s", test, got.IsSampled(), got.TraceID())
		}
		if within.SpanContext().IsSampled() != test.want {
			t.Errorf("%+v: what is within it is sampled otherwise", test)
		}
		within.End()
		span.End()
	}
}
