package order_test

import (
	"pgregory.net/rapid"

	"souk.example/services/order/internal/order"
)

// giveBack is the owner's, who may try at any time.
func (s *saga) giveBack(t *rapid.T) {
	before := s.o.State()
	changes, err := s.o.Return(at)
	if (err == nil) != (before.Status == order.Completed) {
		t.Fatalf("returning in %s: %v", before.Status, err)
	}
	s.changed(t, before, changes)
}

// advance is what the engine of the return does when it is due: it asks for
// what is lacking, again if it has before.
func (s *saga) advance(t *rapid.T) {
	before := s.o.State()
	if before.Status != order.Returning {
		return
	}
	do := func() ([]order.Change, error) { return s.o.FinishReturn(at) }
	for _, part := range []order.Fact{order.PointsReversed, order.Restocked, order.Refunded} {
		if s.o.Lacks(part) {
			do = func() ([]order.Change, error) { return s.o.Ask(part, at) }
		}
	}
	changes, err := do()
	if err != nil {
		t.Fatalf("%v, after %v", err, s.events)
	}
	if len(changes) == 0 {
		s.repeat(t, s.events[len(s.events)-1], true)
	}
	s.changed(t, before, changes)
}
