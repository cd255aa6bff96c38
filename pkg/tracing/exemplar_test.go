package tracing_test

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/tracing"
)

// exemplar is the trace id beside the one observation of a histogram.
func exemplar(t *testing.T, observe func(prometheus.Observer)) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Buckets: []float64{1}})
	registry.MustRegister(histogram)
	observe(histogram)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 1 || h.GetBucket()[0].GetCumulativeCount() != 1 {
		t.Errorf("observed as %v", h)
	}
	for _, label := range h.GetBucket()[0].GetExemplar().GetLabel() {
		return label.GetName() + "=" + label.GetValue()
	}
	return ""
}

func TestASampledTraceIsAnExemplar(t *testing.T) {
	for parent, want := range map[string]string{a1: "trace_id=" + traceIDa, quiet: "", "": ""} {
		got := exemplar(t, func(h prometheus.Observer) { tracing.Observe(tracing.Extract(t.Context(), parent), h, .5) })
		if got != want {
			t.Errorf("%q: exemplar %q, want %q", parent, got, want)
		}
	}
}

func TestASubjectsTraceIsItsExemplar(t *testing.T) {
	_, tracer := recorder()
	ctx, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(members(a1, b1, quiet)))
	defer work.End(nil)
	for subject, want := range map[string]string{"s0": "trace_id=" + traceIDa, "s1": "trace_id=" + traceIDb, "s2": "", "unknown": ""} {
		got := exemplar(t, func(h prometheus.Observer) { tracing.OriginsFrom(ctx).Observe(subject, h, .5) })
		if got != want {
			t.Errorf("%s: exemplar %q, want %q", subject, got, want)
		}
	}
}
