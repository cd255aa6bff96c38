package order_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"souk.example/contracts"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// sequences is how many histories one check of the model draws; rapid makes 100
// checks by default.
const sequences = 100

// The events of an order, as the services around it read them.
const (
	placed, due, paid, completed, rejected, cancelled, refundAsked = "placed", "due", "paid", "completed", "rejected", "cancelled", "refund asked"
	returning, restockAsked, reversalAsked, returned               = "returning", "restock asked", "reversal asked", "returned"
)

func eventOf(c order.Change) string {
	switch s := c.State; {
	case s.Status == order.Returning && !s.Return.ReversalRequestedAt.IsZero():
		return reversalAsked
	case s.Status == order.Returning && !s.Return.RestockRequestedAt.IsZero():
		return restockAsked
	case s.Status != order.Returned && !s.RefundRequestedAt.IsZero():
		return refundAsked
	}
	return map[order.Status]string{
		order.Pending: placed, order.Reserved: due, order.Paid: paid, order.Completed: completed,
		order.Rejected: rejected, order.Cancelled: cancelled, order.Returning: returning, order.Returned: returned,
	}[c.Status]
}

// letter is an event on its way to a service, or a fact on its way to order.
type letter struct {
	to     string
	event  string
	fact   order.Fact
	nudged bool
}

// saga is one order and the services around it, each as its contract says it
// behaves and no more.
type saga struct {
	wire[letter]
	o      *order.Order
	events []string
	stock  string // "", held, refused, committed, released, returned
	points string // "", frozen, refused, confirmed, cancelled
	money  string // "", calling, failed, captured, refunded, voided
	heeded bool   // payment has read what becomes of its capture

	regrets bool // the owner will return it, if it is completed

	captures, refunds, awards, reversals int
}

func newSaga(t *rapid.T) *saga {
	s := &saga{o: order.Restore(&order.State{
		ID: 7, Status: order.Pending, Version: 1, CreatedAt: at, PointsUsed: rapid.Int64Range(0, 1).Draw(t, "points"),
		Payable: money.Of(rapid.Int64Range(0, 1).Draw(t, "payable"), "CNY"),
	}, policy()), regrets: rapid.Bool().Draw(t, "regrets")}
	s.emit(placed)
	return s
}

func (s *saga) emit(event string) {
	s.events = append(s.events, event)
	s.tell(event, false)
}

func (s *saga) tell(event string, nudged bool) {
	for _, service := range []string{"inventory", "payment", "points"} {
		s.send(letter{to: service, event: event, nudged: nudged})
	}
}

func (s *saga) report(f order.Fact) { s.send(letter{to: "order", fact: f}) }

// step lets one thing happen.
func (s *saga) step(t *rapid.T) {
	switch rapid.SampledFrom([]string{"wire", "wire", "wire", "wire", "cancel", "provider", "nudge", "give back", "advance"}).Draw(t, "what happens") {
	case "wire":
		s.deliver(t)
	case "cancel":
		s.cancel(t, rapid.SampledFrom([]string{contracts.ReasonUserCancelled, contracts.ReasonDeadlinePassed}).Draw(t, "why"))
	case "provider":
		s.provider(t)
	case "nudge":
		s.nudge(t)
	case "give back":
		s.giveBack(t)
	case "advance":
		s.advance(t)
	}
}

func (s *saga) deliver(t *rapid.T) {
	l, ok := s.receive(t)
	if !ok {
		return
	}
	switch l.to {
	case "order":
		s.learn(t, l)
	case "inventory":
		s.inventory(t, l)
	case "payment":
		s.payment(t, l)
	case "points":
		s.pointsService(t, l)
	}
}

func (s *saga) learn(t *rapid.T, l letter) {
	before := *s.o.State()
	changes, err := s.o.Learn(l.fact, at)
	if err != nil {
		t.Fatalf("%v, after %v", err, s.events)
	}
	s.changed(t, &before, changes)
	if d, ok := s.o.State().Decided(); ok && l.nudged {
		s.repeat(t, eventOf(order.Change{Status: d.Status, State: d}), false)
	}
}

// repeat sends an event that was sent before, and no other.
func (s *saga) repeat(t *rapid.T, event string, nudged bool) {
	if !slices.Contains(s.events, event) {
		t.Fatalf("%s is made up, after %v", event, s.events)
	}
	s.tell(event, nudged)
}

func (s *saga) cancel(t *rapid.T, reason string) {
	before := *s.o.State()
	changes, err := s.o.Cancel(reason, at)
	if (err == nil) != (before.Status.Cancellable() || before.Reason == reason) {
		t.Fatalf("cancelling in %s: %v", before.Status, err)
	}
	s.changed(t, &before, changes)
}

// changed: every change is one event and one version, none comes twice, and
// from PAID an order only goes on.
func (s *saga) changed(t *rapid.T, before *order.State, changes []order.Change) {
	for _, c := range changes {
		if slices.Contains(s.events, eventOf(c)) {
			t.Fatalf("%s twice, after %v", eventOf(c), s.events)
		}
		s.emit(eventOf(c))
	}
	after := s.o.State()
	if after.Version != int64(len(s.events)) {
		t.Fatalf("version %d after %v", after.Version, s.events)
	}
	if before.Status == order.Paid && after.Status != order.Paid && after.Status != order.Completed || before.Status.Terminal() && after.Status != before.Status && after.Status != order.Returning {
		t.Fatalf("from %s to %s", before.Status, after.Status)
	}
}

// nudge has everybody ask again who waits: order with its latest event, and
// with their replies those who hold stock or points. Payment, here, repeats
// what it has taken until order says what becomes of it: without that, a
// capture that is lost after cancelling is never refunded.
func (s *saga) nudge(t *rapid.T) {
	if _, waits := s.o.State().WaitsSince(); waits {
		s.repeat(t, s.events[len(s.events)-1], true)
	}
	if s.stock == "held" {
		s.send(letter{to: "order", fact: order.StockReserved, nudged: true})
	}
	if s.points == "frozen" {
		s.send(letter{to: "order", fact: order.PointsFrozen, nudged: true})
	}
	if s.money == "captured" && !s.heeded {
		s.answer()
	}
}

// rest lets everything arrive that is on its way, and nudges until nobody
// waits; the provider speaks in the end, and the deadline passes.
func (s *saga) rest(t *rapid.T) {
	s.safe = true
	for range 8 {
		s.round(t)
		s.provider(t)
	}
	s.drain(t)
	if s.o.State().Status.Cancellable() {
		if s.money != "calling" {
			t.Fatalf("waits in vain in %s after %v: %+v", s.o.State().Status, s.events, *s)
		}
		s.cancel(t, contracts.ReasonDeadlinePassed)
	}
	if s.money == "calling" {
		s.money = "failed"
		s.answer()
	}
	for range 8 {
		s.round(t)
	}
	s.drain(t)
}

func (s *saga) round(t *rapid.T) {
	s.drain(t)
	s.nudge(t)
	s.advance(t)
	if s.regrets && s.o.State().Status == order.Completed {
		s.giveBack(t)
	}
}

func (s *saga) drain(t *rapid.T) {
	for len(s.inFlight) > 0 {
		s.deliver(t)
	}
}

// Whatever the order in which messages come, however often, and however many
// are lost until somebody nudges: no correct service says what is impossible,
// and at rest stock, points and money are where the order says.
func TestModelOfAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range sequences {
			s := newSaga(t)
			for range rapid.IntRange(0, 40).Draw(t, "steps") {
				s.step(t)
			}
			s.rest(t)
			s.check(t)
		}
	})
}

// Whichever message of the flow is lost, the order ends where it should all
// the same, and everything is done once.
func TestEachMessageIsLostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for n, lost := 1, true; lost; n++ {
			s := newSaga(t)
			s.safe, s.loses = true, n
			for range rapid.IntRange(0, 6).Draw(t, "messages") {
				s.deliver(t)
			}
			if s.o.State().Status.Cancellable() && rapid.IntRange(0, 3).Draw(t, "cancel") == 0 {
				s.cancel(t, contracts.ReasonUserCancelled)
			}
			s.rest(t)
			s.check(t)
			lost = s.received >= n
		}
	})
}

// Nudges that nobody needs change nothing, however many come.
func TestAStormOfNudges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range sequences {
			s := newSaga(t)
			for range rapid.IntRange(0, 40).Draw(t, "steps") {
				s.step(t)
			}
			s.safe = true
			for range 3 {
				s.nudge(t)
				s.drain(t)
			}
			before := s.standing()
			for range 5 {
				s.nudge(t)
			}
			s.drain(t)
			if after := s.standing(); after != before {
				t.Fatalf("from %s to %s", before, after)
			}
		}
	})
}

// standing is all that has become of an order, everywhere.
func (s *saga) standing() string {
	return fmt.Sprintf("%+v %v %s %s %s %d %d %d %d", s.o.State(), s.events, s.stock, s.points, s.money, s.captures, s.refunds, s.awards, s.reversals)
}
