package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"souk.example/internal/audit"
)

// The limits beyond which a run says nothing about the stack.
const (
	tooLate           = 100 * time.Millisecond // for an arrival to be sent
	maxLateShare      = 0.01                   // of the arrivals
	maxGeneratorShare = 1.0 / 3                // of the CPU that it and the stack used
	minCompletedShare = 0.90                   // of the orders accepted in the window, completed in it
)

// evidence is everything that can make a run void.
type evidence struct {
	accepted, completed int            // in the window
	errors              map[string]int // answers that were not 201
	unsent              int            // arrivals given up
	lateShare           float64        // of the arrivals in the window, sent later than tooLate
	generatorShare      float64        // of the CPU that it and the stack used
	open, missing       int            // orders not at rest after draining; acknowledged but not there
	otherwise           map[string]int // orders at rest but not completed
	audit               audit.Report
	auditErr            error
}

// why says what makes the run void, "" for a run that counts.
func (e evidence) why() string {
	var reasons []string
	add := func(is bool, format string, args ...any) {
		if is {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	add(e.accepted == 0, "no order was accepted in the window")
	add(len(e.errors) > 0, "errors: %s", Counts(e.errors))
	add(e.generatorShare > maxGeneratorShare, "the generator was saturated: it took %.0f %% of the CPU that it and the stack used", 100*e.generatorShare)
	add(e.lateShare > maxLateShare, "%.1f %% of the arrivals were sent more than %v late: the stack does not keep up with this rate, or the clients are too few", 100*e.lateShare, tooLate)
	add(e.unsent > 0, "%d arrivals could not be sent in time", e.unsent)
	add(e.backlogGrew(), "the backlog grew: %d orders accepted in the window, %d completed", e.accepted, e.completed)
	add(e.open > 0, "%d orders were not at rest %v after the load", e.open, drainWait)
	add(e.missing > 0, "%d acknowledged orders are not in the database", e.missing)
	add(len(e.otherwise) > 0, "orders that did not complete: %s", Counts(e.otherwise))
	add(e.auditErr != nil, "the audit failed: %v", e.auditErr)
	add(e.auditErr == nil && !e.audit.Clean, "the audit found %d violations", len(e.audit.Violations))
	return strings.Join(reasons, "; ")
}

// backlogGrew: orders that are accepted faster than they are completed say
// nothing about what the stack can sustain.
func (e evidence) backlogGrew() bool {
	return float64(e.completed) < minCompletedShare*float64(e.accepted)
}

// Counts renders {"503": 2, "429": 1} as "1 × 429, 2 × 503".
func Counts(by map[string]int) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d × %s", by[what], what))
	}
	return strings.Join(parts, ", ")
}
