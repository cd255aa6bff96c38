package tracing

import (
	"context"
	"iter"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Member is one of those that a batch is worked on for.
type Member struct {
	Subject     string // what it is about, such as the id of an order
	TraceParent string // the W3C trace context that it came with, or ""
	Event       string // the type of the event that it is, if it is one
}

// Batch is the span of work that is done for many at once, and of each trace
// among them. The zero value is work for nobody, which has none.
type Batch struct {
	own trace.Span
	of  []trace.Span
}

// StartBatch begins work for members and returns the context to do it under;
// Batch.End must follow. What is told of a member under that context, as
// Origins knows it, belongs to the member's trace.
//
// Members of one trace, as on an idle system, make the work a span of that
// trace. Where there are several traces the work is a trace of its own, linked
// to those that are sampled; each of those gets a span too, linked to the work's.
// Traces that are not sampled get none, and what is told of their members goes
// on in them, so that nobody after decides anew; the work is linked to one of
// them if there are no others, for a sampler to see.
//
// A subject that members of several traces concern belongs to the first that is
// sampled, or to the first; the others lead to it by the work's span.
func StartBatch(ctx context.Context, tracer trace.Tracer, name string, members iter.Seq[Member], opts ...trace.SpanStartOption) (context.Context, Batch) {
	first, n, alone := onlyTrace(members)
	if n == 0 {
		return ctx, Batch{}
	}
	if alone {
		ctx, span := tracer.Start(Extract(withoutOrigins(ctx), first), name, opts...)
		describe(span, members)
		return ctx, Batch{own: span}
	}
	by := sortByTrace(members, n)
	opts = slices.Clip(opts)
	ctx, own := tracer.Start(ctx, name+" batch", append(opts, trace.WithNewRoot(), trace.WithLinks(by.links()...))...)
	b := Batch{own: own}
	for _, t := range by.sampled {
		span := t.start(tracer, name, own, opts, by.origins)
		b.of = append(b.of, span)
	}
	return context.WithValue(ctx, originsKey{}, by.origins), b
}

// start begins what a batch does for one trace, from which its members' word
// then comes.
func (t *sampledTrace) start(tracer trace.Tracer, name string, batch trace.Span, opts []trace.SpanStartOption, origins map[string]string) trace.Span {
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), t.parents[0])
	links := append(linksOf(t.parents[1:]), trace.Link{SpanContext: batch.SpanContext()})
	ctx, span := tracer.Start(ctx, name, append(opts, trace.WithLinks(links...))...)
	describe(span, slices.Values(t.members))
	word := Inject(ctx)
	for _, m := range t.members {
		if !Sampled(origins[m.Subject]) {
			origins[m.Subject] = word
		}
	}
	return span
}

// End ends the work, which has failed if err is not nil.
func (b Batch) End(err error) {
	if b.own == nil {
		return
	}
	for _, span := range append(b.of, b.own) {
		if err != nil {
			span.SetStatus(codes.Error, "") // errors quote what they are about: that is for the log
		}
		span.End()
	}
}

// onlyTrace counts members, and returns the first's trace context and whether
// the others are of the same trace.
func onlyTrace(members iter.Seq[Member]) (first string, n int, alone bool) {
	alone = true
	for m := range members {
		if n++; n == 1 {
			first = m.TraceParent
		} else if alone {
			alone = first != "" && traceIDOf(m.TraceParent) == traceIDOf(first)
		}
	}
	return first, n, alone
}

// linksMax bounds a span's links; backends cut longer lists anyway, and who is
// left out leads to the batch by a link of its own.
const linksMax = 64

// sampledTrace is one trace and what a batch holds of it.
type sampledTrace struct {
	parents []trace.SpanContext // distinct, no more than can be linked to
	members []Member
}

// byTrace is what a batch holds of each trace.
type byTrace struct {
	sampled   []*sampledTrace // in order of appearance
	unsampled string          // the trace context of one of the others, "" without any
	origins   map[string]string
}

// sortByTrace sorts n members. What is not sampled comes into origins as it is:
// it has no spans that could be between.
func sortByTrace(members iter.Seq[Member], n int) byTrace {
	by := byTrace{origins: make(map[string]string, n)}
	known := make(map[trace.TraceID]*sampledTrace)
	for m := range members {
		if Sampled(m.TraceParent) {
			by.add(m, known)
		} else if len(m.TraceParent) == traceparentLen {
			by.pass(m)
		}
	}
	return by
}

func (by *byTrace) add(m Member, known map[trace.TraceID]*sampledTrace) {
	parent := spanContextOf(m.TraceParent)
	if !parent.IsSampled() {
		return // malformed
	}
	t := known[parent.TraceID()]
	if t == nil {
		t = &sampledTrace{}
		known[parent.TraceID()], by.sampled = t, append(by.sampled, t)
	}
	if len(t.parents) < linksMax && !slices.ContainsFunc(t.parents, parent.Equal) {
		t.parents = append(t.parents, parent)
	}
	t.members = append(t.members, m)
}

func (by *byTrace) pass(m Member) {
	by.unsampled = m.TraceParent
	if _, known := by.origins[m.Subject]; !known {
		by.origins[m.Subject] = m.TraceParent
	}
}

// links are the batch's.
func (by *byTrace) links() (links []trace.Link) {
	for _, t := range by.sampled[:min(len(by.sampled), linksMax)] {
		links = append(links, linksOf(t.parents[:1])...)
	}
	if len(links) > 0 || by.unsampled == "" {
		return links
	}
	return linksOf([]trace.SpanContext{spanContextOf(by.unsampled)})
}

func linksOf(parents []trace.SpanContext) (links []trace.Link) {
	for _, p := range parents {
		links = append(links, trace.Link{SpanContext: p})
	}
	return links
}

// describedMax bounds the subjects and the events that a span names.
const describedMax = 16

// describe says on a recorded span what its members are.
func describe(span trace.Span, members iter.Seq[Member]) {
	if !span.IsRecording() {
		return
	}
	var subjects, events []string
	for m := range members {
		subjects, events = note(subjects, m.Subject), note(events, m.Event)
	}
	for key, values := range map[string][]string{"souk.subject": subjects, "souk.event": events} {
		switch len(values) {
		case 0:
		case 1: // a plain text is what people search for
			span.SetAttributes(attribute.String(key, values[0]))
		default:
			span.SetAttributes(attribute.StringSlice(key, values))
		}
	}
}

func note(values []string, v string) []string {
	if v == "" || len(values) == describedMax || slices.Contains(values, v) {
		return values
	}
	return append(values, v)
}
