package order

// Policy names what must hold before an order may be charged and before it is
// complete. Taking points out, or a fraud check in, is one entry here.
type Policy struct {
	BeforePayment    []Condition
	BeforeCompletion []Condition
}

// Condition is a fact that an order waits for; When says which orders do, nil
// that all do.
type Condition struct {
	Fact Fact
	When func(*State) bool
}

// UsesPoints reports whether the order is paid with points in part or whole.
func UsesPoints(s *State) bool { return s.PointsUsed > 0 }

func (c Condition) concerns(s *State) bool { return c.When == nil || c.When(s) }

// hold reports whether every condition that concerns s holds.
func hold(conditions []Condition, s *State) bool {
	for _, c := range conditions {
		if c.concerns(s) && !s.Facts.Has(c.Fact) {
			return false
		}
	}
	return true
}

// presume adds the facts that conditions ask of s.
func presume(conditions []Condition, s *State) Facts {
	facts := s.Facts
	for _, c := range conditions {
		if c.concerns(s) {
			facts = facts.With(c.Fact)
		}
	}
	return facts
}
