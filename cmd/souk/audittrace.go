package main

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/internal/audit"
)

// tracesMax is how many orders an audit traces: whoever looks for a cause
// begins with one, and `souk order trace` shows any other.
const tracesMax = 3

// orderTraces is what the services hold about an order, by its id.
type orderTraces map[string][]ordertrace.Entry

// traceViolations collects the traces of the first orders that violations name.
// What cannot be collected is noted, and left out.
func (a *app) traceViolations(ctx context.Context, violations []audit.Violation) orderTraces {
	orders := slices.Sorted(maps.Keys(concerned(violations)))
	traces := orderTraces{}
	for _, id := range orders[:min(tracesMax, len(orders))] {
		entries, err := a.collectTrace(ctx, id)
		if err != nil {
			a.progress.Note("without a trace of order %d: %v", id, err)
			continue
		}
		traces[strconv.FormatInt(id, 10)] = entries
	}
	if more := len(orders) - tracesMax; more > 0 {
		a.progress.Note("%d more orders are concerned: souk order trace ID", more)
	}
	return traces
}

func (a *app) printTraces(traces orderTraces) {
	for _, id := range slices.Sorted(maps.Keys(traces)) {
		a.printf("\norder %s\n", id)
		a.printTrace(traces[id])
	}
	if len(traces) > 0 {
		a.printf("\n")
	}
}
