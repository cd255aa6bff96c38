package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"souk.example/pkg/tracing"
)

// Trace contexts of two traces, each with two spans.
const (
	a1       = "00-0000000000000000000000000000000a-0000000000000001-01"
	a2       = "00-0000000000000000000000000000000a-0000000000000002-01"
	b1       = "00-0000000000000000000000000000000b-0000000000000001-01"
	quiet    = "00-0000000000000000000000000000000c-0000000000000001-00"
	quiet2   = "00-0000000000000000000000000000000d-0000000000000001-00"
	mangled  = "00-00000000000000000000000000000000-0000000000000001-01"
	traceIDa = "0000000000000000000000000000000a"
	traceIDb = "0000000000000000000000000000000b"
)

// recorder records every span.
func recorder() (*tracetest.SpanRecorder, trace.Tracer) {
	spans := tracetest.NewSpanRecorder()
	return spans, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
}

// unsampled is the tracer of most requests.
func unsampled() trace.Tracer {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("test")
}

func members(parents ...string) []tracing.Member {
	var list []tracing.Member
	for i, p := range parents {
		list = append(list, tracing.Member{Subject: fmt.Sprint("s", i), TraceParent: p, Event: "happened.v1"})
	}
	return list
}

// described is "name in trace < parent -> the traces linked to".
func described(s sdktrace.ReadOnlySpan) string {
	text := fmt.Sprintf("%s in %s < %s", s.Name(), short(s.SpanContext().TraceID().String()), short(s.Parent().SpanID().String()))
	for _, l := range s.Links() {
		text += fmt.Sprintf(" -> %s/%s", short(l.SpanContext.TraceID().String()), short(l.SpanContext.SpanID().String()))
	}
	return text
}

// short is an id without its zeros in front; the random ones are new.
func short(id string) string {
	text := strings.TrimLeft(id, "0")
	if len(text) > 8 {
		return "new"
	}
	return text
}

func TestABatchBelongsToTheTracesOfItsMembers(t *testing.T) {
	for name, test := range map[string]struct {
		parents []string
		spans   []string
		origins []string // of the subjects: their traces
	}{
		"nobody":                {},
		"one":                   {[]string{a1}, []string{"work in a < 1"}, []string{"a"}},
		"one, not sampled":      {[]string{quiet}, nil, []string{"c"}},
		"one, without a trace":  {[]string{""}, []string{"work in new < "}, []string{"new"}},
		"one trace":             {[]string{a1, a2, a1}, []string{"work in a < 1"}, []string{"a", "a", "a"}},
		"several":               {[]string{a1, b1}, []string{"work batch in new <  -> a/1 -> b/1", "work in a < 1 -> new/new", "work in b < 1 -> new/new"}, []string{"a", "b"}},
		"several, and repeated": {[]string{a1, b1, a2}, []string{"work batch in new <  -> a/1 -> b/1", "work in a < 1 -> a/2 -> new/new", "work in b < 1 -> new/new"}, []string{"a", "b", "a"}},
		"some are not sampled":  {[]string{quiet, a1, ""}, []string{"work batch in new <  -> a/1", "work in a < 1 -> new/new"}, []string{"c", "a", ""}},
		"none is sampled":       {[]string{quiet, quiet2, ""}, []string{"work batch in new <  -> d/1"}, []string{"c", "d", ""}},
		"one is malformed":      {[]string{mangled, a1}, []string{"work batch in new <  -> a/1", "work in a < 1 -> new/new"}, []string{"", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			spans, tracer := recorder()
			list := members(test.parents...)
			ctx, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(list))
			origins := tracing.OriginsFrom(ctx)
			for i, m := range list {
				got := short(tracing.TraceID(tracing.Extract(t.Context(), origins.TraceParent(m.Subject))))
				if got != test.origins[i] {
					t.Errorf("what is told of member %d is of trace %q, want %q", i, got, test.origins[i])
				}
			}
			work.End(nil)
			var got []string
			for _, s := range spans.Ended() {
				got = append(got, described(s))
			}
			slices.Sort(got)
			if slices.Sort(test.spans); !slices.Equal(got, test.spans) {
				t.Errorf("spans\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.spans, "\n"))
			}
		})
	}
}

func TestABatchThatFailsShowsInEveryTrace(t *testing.T) {
	spans, tracer := recorder()
	_, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(members(a1, b1)))
	work.End(errors.New("no"))
	for _, s := range spans.Ended() {
		if s.Status().Code != codes.Error {
			t.Errorf("%s has status %v", described(s), s.Status())
		}
	}
}

func TestSpansNameWhatTheyAreAbout(t *testing.T) {
	spans, tracer := recorder()
	_, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(members(a1, a2)))
	work.End(nil)
	got := fmt.Sprint(spans.Ended()[0].Attributes())
	if !strings.Contains(got, "souk.subject") || !strings.Contains(got, "s0") || !strings.Contains(got, "s1") || !strings.Contains(got, "happened.v1") {
		t.Errorf("attributes %s", got)
	}
}

// Of several traces one goes on where they meet: a sampled one, if there is any.
func TestASubjectOfSeveralTracesIsOfTheFirstSampled(t *testing.T) {
	for name, test := range map[string]struct {
		parents []string
		want    string
	}{
		"sampled":        {[]string{a1, b1}, "a"},
		"some unsampled": {[]string{quiet, b1, a1}, "b"},
		"unsampled last": {[]string{a1, quiet, b1}, "a"},
		"unsampled":      {[]string{quiet, quiet2}, "c"},
	} {
		t.Run(name, func(t *testing.T) {
			_, tracer := recorder()
			list := members(test.parents...)
			for i := range list {
				list[i].Subject = "s"
			}
			ctx, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(list))
			defer work.End(nil)
			if got := traceTold(ctx, "s"); got != test.want {
				t.Errorf("it is of trace %q, want %q", got, test.want)
			}
		})
	}
}

// Work for one within work for many is of the one's trace.
func TestABatchWithinABatchHasItsOwnTraces(t *testing.T) {
	_, tracer := recorder()
	ctx, outer := tracing.StartBatch(t.Context(), tracer, "outer", slices.Values(members(a1, a2, quiet)))
	defer outer.End(nil)
	ctx, inner := tracing.StartBatch(ctx, tracer, "inner", slices.Values(members(b1)))
	defer inner.End(nil)
	if got := traceTold(ctx, "s0"); got != "b" {
		t.Errorf("it is of trace %q, want b", got)
	}
}

func traceTold(ctx context.Context, subject string) string {
	told := tracing.Extract(context.Background(), tracing.OriginsFrom(ctx).TraceParent(subject))
	return short(tracing.TraceID(told))
}

// However many take part, a span names no more than what a backend keeps.
func TestLinksAreBounded(t *testing.T) {
	var traces, spans []string
	for i := range 200 {
		traces = append(traces, fmt.Sprintf("00-%032x-0000000000000001-01", i+1))
		spans = append(spans, fmt.Sprintf("00-0000000000000000000000000000000a-%016x-01", i+1))
	}
	recorded, tracer := recorder()
	_, work := tracing.StartBatch(t.Context(), tracer, "work", slices.Values(members(slices.Concat(traces, spans)...)))
	work.End(nil)
	if n := len(recorded.Ended()); n != 201 {
		t.Errorf("%d spans, want one of the batch and one of each trace", n)
	}
	most := 0
	for _, s := range recorded.Ended() {
		most = max(most, len(s.Links()))
	}
	if most != 64 {
		t.Errorf("a span has %d links, want at most 64, and those", most)
	}
}

// What nobody samples costs a batch an entry of a table each.
func TestABatchThatNobodySamplesMakesNothingPerMember(t *testing.T) {
	tracer := unsampled()
	cost := func(n int) float64 {
		all := slices.Values(unsampledMembers(n))
		return testing.AllocsPerRun(100, func() {
			_, work := tracing.StartBatch(t.Context(), tracer, "work", all)
			work.End(nil)
		})
	}
	if few, many := cost(2), cost(2000); many > few+100 { // others allocate too
		t.Errorf("%v allocations for 2000 members, %v for 2", many, few)
	}
}

func BenchmarkBatchThatNobodySamples(b *testing.B) {
	tracer := unsampled()
	list := unsampledMembers(500)
	b.ReportAllocs()
	for b.Loop() {
		_, work := tracing.StartBatch(b.Context(), tracer, "work", slices.Values(list))
		work.End(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/member")
}

func unsampledMembers(n int) []tracing.Member {
	list := make([]tracing.Member, n)
	for i := range list {
		list[i] = tracing.Member{Subject: fmt.Sprint(i), TraceParent: fmt.Sprintf("00-%032x-%016x-00", i+1, i+1)}
	}
	return list
}
