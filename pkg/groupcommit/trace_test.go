package groupcommit_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"souk.example/pkg/groupcommit"
	"souk.example/pkg/tracing"
)

// Requests of several traces share a flush, and what is told of each belongs
// to its caller's trace, sampled or not.
func TestAFlushBelongsToItsCallersTraces(t *testing.T) {
	sampled1, sampled2 := "00-00000000000000000000000000000001-0000000000000001-01", "00-00000000000000000000000000000002-0000000000000001-01"
	quiet := "00-00000000000000000000000000000003-0000000000000001-00"
	for name, test := range map[string]struct {
		callers []string
		told    []string
		spans   []string
	}{
		"one":              {[]string{sampled1}, []string{sampled1}, []string{"flush"}},
		"one, not sampled": {[]string{quiet}, []string{quiet}, nil},
		"several":          {[]string{sampled1, quiet, sampled2}, []string{sampled1, quiet, sampled2}, []string{"flush", "flush", "flush batch"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spans := tracetest.NewSpanRecorder()
				tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
				told := make([]string, len(test.callers))
				c := groupcommit.New(groupcommit.Config{}, func(ctx context.Context, batch []int) ([]outcome, error) {
					for _, q := range batch {
						told[q] = tracing.OriginsFrom(ctx).TraceParent(strconv.Itoa(q))
					}
					return double(ctx, batch)
				}, groupcommit.Traced(tracer, "flush", strconv.Itoa))
				doTraced(t, c, test.callers)
				for q, want := range test.told {
					if traceOf(told[q]) != traceOf(want) {
						t.Errorf("request %d is told of in %q, want the trace of %q", q, told[q], want)
					}
				}
				var names []string
				for _, s := range spans.Ended() {
					names = append(names, s.Name())
				}
				if slices.Sort(names); !slices.Equal(names, test.spans) {
					t.Errorf("spans %v, want %v", names, test.spans)
				}
			})
		})
	}
}

func traceOf(traceParent string) string { return traceParent[:min(len(traceParent), 35)] }

// doTraced has a request of each trace wait, and then runs c until all of them
// are answered.
func doTraced(t *testing.T, c *groupcommit.Committer[int, int], callers []string) {
	t.Helper()
	var waiting, loop sync.WaitGroup
	for q, parent := range callers {
		waiting.Go(func() {
			if _, err := c.Do(tracing.Extract(t.Context(), parent), q); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	loop.Go(func() { _ = c.Run(ctx) })
	waiting.Wait()
	cancel()
	loop.Wait()
}
