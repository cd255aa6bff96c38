package eventbus_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"souk.example/pkg/eventbus"
)

func TestSampledEventsOfAPack(t *testing.T) {
	sampled, rest := events()[0], events()[1]
	rest.TraceParent = strings.TrimSuffix(sampled.TraceParent, "1") + "0"
	value, err := eventbus.Encode("order", at(), []eventbus.Event{rest, sampled, {ID: "i", Type: "t", Subject: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []eventbus.Event{{Type: sampled.Type, Subject: sampled.Subject, TraceParent: sampled.TraceParent}}
	if got := slices.Collect(eventbus.Sampled(value)); !reflect.DeepEqual(got, want) {
		t.Errorf("Sampled() yields %+v, want %+v", got, want)
	}
	for cut := range value { // it reads what may be anything
		for e := range eventbus.Sampled(value[:cut]) {
			if e.TraceParent != sampled.TraceParent {
				t.Errorf("of %d bytes it makes %+v", cut, e)
			}
		}
	}
}

func TestAPackThatIsNotSampledCostsNoMemory(t *testing.T) {
	value := unsampledPack(t)
	if allocs := testing.AllocsPerRun(100, func() {
		for e := range eventbus.Sampled(value) {
			t.Errorf("yields %+v", e)
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkSampled(b *testing.B) {
	value := unsampledPack(b)
	for b.Loop() {
		for range eventbus.Sampled(value) {
			b.Fatal("sampled")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/event")
}

func unsampledPack(tb testing.TB) []byte {
	many := make([]eventbus.Event, 500)
	for i := range many {
		many[i] = events()[0]
		many[i].ID, many[i].TraceParent = fmt.Sprint(i), fmt.Sprintf("00-%032x-%016x-00", i+1, i+1)
	}
	value, err := eventbus.Encode("order", at(), many)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}
