package outbox_test

import (
	"context"
	"slices"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"souk.example/pkg/database"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
)

// Events of a batch go on in the traces that they came with, and each trace that
// is sampled shows how long its event was on its way to the broker.
func TestEventsGoOnInTheirTraces(t *testing.T) {
	s, spans := newShop(t), tracetest.NewSpanRecorder()
	tel := telemetry.Nop()
	tel.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	box := outbox.New(s.db, s.ids, s.broker, s.config(), tel)
	parents := map[string]string{ // by subject, all of one partition
		"0": "00-0000000000000000000000000000000a-0000000000000001-01",
		"4": "00-0000000000000000000000000000000b-0000000000000001-00",
		"8": "00-0000000000000000000000000000000c-0000000000000001-01",
	}
	members := []tracing.Member{{Subject: "0", TraceParent: parents["0"]}, {Subject: "4", TraceParent: parents["4"]}, {Subject: "8", TraceParent: parents["8"]}}
	ctx, work := tracing.StartBatch(t.Context(), tel.Tracer, "work", slices.Values(members))
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return box.Append(ctx, tx, topic, slices.Concat(events(0, "a", "b"), events(4, "c"), events(8, "d"))...)
	})
	work.End(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.relay(t, box)
	for _, e := range s.broker.got[0] {
		if want := parents[e.Subject]; traceOf(e.TraceParent) != traceOf(want) || tracing.Sampled(e.TraceParent) != tracing.Sampled(want) {
			t.Errorf("%s has trace parent %q, want the trace of %q", e.ID, e.TraceParent, want)
		}
	}
	var published []string
	for _, span := range spans.Ended() {
		if span.Name() == "publish "+topic {
			published = append(published, span.SpanContext().TraceID().String())
		}
	}
	slices.Sort(published)
	published = slices.Compact(published) // one of each pack
	if !slices.Equal(published, []string{parents["0"][3:35], parents["8"][3:35]}) {
		t.Errorf("publish spans in %v", published)
	}
}

func traceOf(traceParent string) string { return traceParent[:min(len(traceParent), 35)] }

// relay runs box until the outbox is empty.
func (s *shop) relay(t *testing.T, box *outbox.Outbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	s.untilDrained()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
