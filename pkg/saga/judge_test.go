package saga_test

import (
	"fmt"

	"souk.example/pkg/saga"
)

// calm lets everything arrive until the saga has ended, or is stuck whatever
// the operator does.
func (w *world) calm() saga.Saga {
	for range 30 {
		w.retry()
		for range 5 {
			w.pass()
			w.round()
			w.deliverAll()
		}
		if s := w.show(); s.Status == saga.Completed || s.Status == saga.Compensated {
			return s
		}
	}
	return w.show()
}

// judge holds the effects against the saga's end. Only a step that is past the
// pivot and refuses for ever may leave it STUCK.
func (w *world) judge(end saga.Saga) {
	w.t.Logf("%+v, pivot %d: %s %s at %s after %v", w.plans, w.pivot, end.Status, end.LastError, end.Step, w.journal)
	w.judgeOrder()
	for i := range w.plans {
		done := w.count(saga.Action, i) - w.count(saga.Compensation, i)
		switch {
		case w.harmless(i):
		case end.Status == saga.Completed && done != 1:
			w.t.Fatalf("COMPLETED, but the effect of step %d stands %d times", i, done)
		case end.Status == saga.Compensated && done != 0:
			w.t.Fatalf("COMPENSATED, but the effect of step %d stands %d times", i, done)
		}
	}
	switch i := index(end.Step); {
	case end.Status == saga.Running:
		w.t.Fatalf("it does not end: %+v", end)
	case end.Status == saga.Stuck && (w.pivot < 0 || i <= w.pivot || !w.plans[i].refuses):
		w.t.Fatalf("STUCK at step %s for no reason: %s", end.Step, end.LastError)
	}
}

// judgeOrder: each effect at most once; actions forward, compensations after
// them and backward, and none when the pivot has taken place.
func (w *world) judgeOrder() {
	last, back := -1, false
	for _, entry := range w.journal {
		var verb string
		var i int
		_, _ = fmt.Sscan(entry, &verb, &i)
		switch {
		case verb == "do" && (i <= last || back),
			verb == "undo" && (back && i >= last || w.count(saga.Action, i) != 1),
			verb == "undo" && w.pivot >= 0 && w.count(saga.Action, w.pivot) > 0:
			w.t.Fatalf("%s must not be in %v", entry, w.journal)
		}
		last, back = i, verb == "undo"
	}
}

func (w *world) count(op saga.Op, step int) (n int) {
	for _, entry := range w.journal {
		if entry == fmt.Sprintf("%s %d", word(op), step) {
			n++
		}
	}
	return n
}
