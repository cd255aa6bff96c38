package inbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/tracing"
)

// Trace contexts of three traces; the third is not sampled.
const (
	trace1 = "00-00000000000000000000000000000001-00f067aa0ba902b7-01"
	trace2 = "00-00000000000000000000000000000002-00f067aa0ba902b8-01"
	trace3 = "00-00000000000000000000000000000003-00f067aa0ba902b9-00"
)

func idOf(traceParent string) string { return traceParent[3:35] }

func traced(e eventbus.Event, parent string) eventbus.Event {
	e.TraceParent = parent
	return e
}

// record has the bench's spans recorded.
func (b *bench) record() *tracetest.SpanRecorder {
	spans := tracetest.NewSpanRecorder()
	b.tel.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	return spans
}

// told collects in which traces handlers tell of subjects.
type told struct {
	mu sync.Mutex
	of map[string]string
}

func (w *told) handle(ctx context.Context, _ *database.Tx, events []eventbus.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	origins := tracing.OriginsFrom(ctx)
	w.of = map[string]string{}
	for _, e := range events {
		if word := origins.TraceParent(e.Subject); word != "" {
			w.of[e.Subject] = idOf(word)
		}
	}
	return nil
}

func TestABatchOfSeveralTracesIsLinkedToEach(t *testing.T) {
	b := newBench(t, onMemory)
	spans, words := b.record(), &told{}
	foreign := event("4-1", "d")
	foreign.Type = "somebody.elses.v1"
	b.publish(b.pack(0, traced(event("1-1", "a"), trace1), traced(event("2-1", "b"), trace2), traced(event("3-1", "c"), trace3), traced(foreign, trace1), event("5-1", "e")))
	stop := b.run(words.handle)
	b.awaitEnd()
	stop()
	b.wantEqual("what is told", words.of, map[string]string{"a": idOf(trace1), "b": idOf(trace2), "c": idOf(trace3)})
	var names, linked []string
	for _, s := range spans.Ended() {
		names = append(names, s.Name())
		if !strings.HasSuffix(s.Name(), " batch") {
			continue
		}
		for _, l := range s.Links() {
			linked = append(linked, l.SpanContext.TraceID().String())
		}
	}
	one := "inbox " + b.cfg.Group
	slices.Sort(names)
	b.wantEqual("spans", names, []string{one, one, one + " batch"})
	b.wantEqual("links of the batch", linked, []string{idOf(trace1), idOf(trace2)})
}

func TestALoneTraceGoesOn(t *testing.T) {
	for _, parent := range []string{trace1, trace3} {
		b := newBench(t, onMemory)
		words := &told{}
		spans := b.record()
		b.publish(b.pack(0, traced(event("1-1", "a"), parent)))
		stop := b.run(words.handle)
		b.awaitEnd()
		stop()
		b.wantEqual("what is told", words.of, map[string]string{"a": idOf(parent)})
		for _, s := range spans.Ended() {
			b.wantEqual("trace of "+s.Name(), s.SpanContext().TraceID().String(), idOf(parent))
		}
	}
}

// What is of no interest to the group is no step of anybody's trace.
func TestIgnoredEventsHaveNoSpan(t *testing.T) {
	b := newBench(t, onMemory)
	spans := b.record()
	foreign := traced(event("1-1", "a"), trace1)
	foreign.Type = "somebody.elses.v1"
	b.publish(b.pack(0, foreign))
	stop := b.run(inbox.Each(count))
	b.awaitEnd()
	stop()
	b.wantEqual("spans", len(spans.Ended()), 0)
}

// Whatever batch it shared, a parked event's log lines are found by its trace:
// when it is parked, and when it is tried again.
func TestParkedEventsAreLoggedWithTheirTrace(t *testing.T) {
	b := newBench(t, onMemory)
	b.impatient(time.Millisecond)
	var log logBuffer
	tel, err := telemetry.New(t.Context(), telemetry.Config{LogWriter: &log})
	if err != nil {
		t.Fatal(err)
	}
	b.tel = tel
	b.publish(b.pack(0, traced(event("1-1", "a"), trace1), traced(poison("2-1", "b", "error"), trace2)))
	stop := b.run(inbox.Each(poisoned))
	b.awaitLetters(inbox.Dead, 1)
	b.eventually(func() error {
		return log.missing(idOf(trace2), "inbox parked an event", "inbox gives an event up: it waits for an operator")
	})
	stop()
}

// logBuffer keeps a log that others write.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// missing is an error for each message that no line of that trace has.
func (l *logBuffer) missing(traceID string, messages ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]bool{}
	for line := range strings.Lines(l.text.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			return err
		}
		if record["trace_id"] == traceID {
			found[fmt.Sprint(record["msg"])] = true
		}
	}
	var errs []error
	for _, m := range messages {
		if !found[m] {
			errs = append(errs, fmt.Errorf("no line %q of trace %s in\n%s", m, traceID, l.text.String()))
		}
	}
	return errors.Join(errs...)
}

func TestABatchsTimeHasItsTrace(t *testing.T) {
	b := newBench(t, onMemory)
	b.record()
	b.publish(b.pack(0, traced(event("1-1", "a"), trace1)))
	b.run(inbox.Each(count))
	b.eventually(func() error {
		families, err := b.tel.Registry.Gather()
		if err != nil {
			return err
		}
		for _, f := range families {
			if f.GetName() == "souk_inbox_batch_seconds" && strings.Contains(f.String(), idOf(trace1)) {
				return nil
			}
		}
		return errors.New("no exemplar")
	})
}
