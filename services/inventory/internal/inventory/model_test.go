package inventory_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"souk.example/services/inventory/internal/inventory"
)

// sequences is how many histories one check of the model draws; rapid makes 100
// checks by default.
const sequences = 100

// orders is how many of them compete.
const orders = 4

// shopping is some orders, each as order's contract says it behaves and no
// more, and the stock they compete for.
type shopping struct {
	wire[inventory.Request]
	*world
	asks   wire[inventory.Reservation] // replies repeated, on their way to order
	placed map[inventory.OrderID]inventory.Request
	ended  map[inventory.OrderID]inventory.Action // Commit or Release
	heard  map[inventory.OrderID]inventory.Status // inventory's reply
	freed  map[inventory.OrderID]bool             // inventory has read that it is closed
	read   int                                    // replies that order has read
	gone   map[inventory.OrderID]bool             // the order is to be returned
	back   map[inventory.OrderID]bool             // and has heard that its units are back
	readRe int                                    // replies to that that order has read
}

func newShopping(t *rapid.T) *shopping {
	s := &shopping{
		world: newWorld(shelf("A", 5, "B", 3)), placed: map[inventory.OrderID]inventory.Request{},
		ended: map[inventory.OrderID]inventory.Action{}, heard: map[inventory.OrderID]inventory.Status{},
		freed: map[inventory.OrderID]bool{}, gone: map[inventory.OrderID]bool{}, back: map[inventory.OrderID]bool{},
	}
	for id := inventory.OrderID(1); id <= orders; id++ {
		s.placed[id] = reserve(id, "A", rapid.IntRange(1, 3).Draw(t, "a"), "B", rapid.IntRange(1, 2).Draw(t, "b"))
		s.send(s.placed[id])
	}
	return s
}

// step lets one thing happen.
func (s *shopping) step(t *rapid.T) {
	id := inventory.OrderID(rapid.IntRange(1, orders).Draw(t, "order"))
	switch rapid.SampledFrom([]string{"wire", "wire", "wire", "listen", "answer", "pay", "cancel", "nudge", "give back"}).Draw(t, "what happens") {
	case "wire":
		s.deliver(t)
	case "listen":
		s.listen(t)
	case "answer":
		s.answer(t)
	case "pay":
		s.pay(id)
	case "cancel":
		s.cancel(id)
	case "nudge":
		s.nudge(id)
	case "give back":
		s.giveBack(id)
	}
}

// deliver applies a batch of whatever arrives.
func (s *shopping) deliver(t *rapid.T) {
	var batch []inventory.Request
	for range rapid.IntRange(1, 4).Draw(t, "batch") {
		if r, ok := s.receive(t); ok {
			batch = append(batch, r)
		}
	}
	if err := s.apply(batch...); err != nil {
		t.Fatalf("%v of %+v", err, batch)
	}
	for _, r := range batch {
		s.freed[r.Order] = s.freed[r.Order] || r.Action == inventory.Release
	}
	s.check(t)
	for id := range s.freed {
		if s.freed[id] && s.reservations[id].Status == inventory.Held {
			t.Fatalf("order %d holds stock after its release", id)
		}
	}
}

// listen reads or loses inventory's next reply of each kind.
func (s *shopping) listen(t *rapid.T) {
	if s.readRe < len(s.restocked) {
		id := s.restocked[s.readRe].Order
		s.readRe++
		s.back[id] = s.back[id] || s.safe || rapid.Bool().Draw(t, "restocked heard")
	}
	if s.read == len(s.replies) {
		return
	}
	r := s.replies[s.read]
	s.read++
	if !s.safe && rapid.Bool().Draw(t, "reply lost") {
		return
	}
	s.hear(t, r)
}

func (s *shopping) hear(t *rapid.T, r inventory.Reservation) {
	refused := r.Status == inventory.Refused
	if before, known := s.heard[r.Order]; known && (before == inventory.Refused) != refused {
		t.Fatalf("order %d heard %s, then %s", r.Order, before, r.Status)
	}
	s.heard[r.Order] = r.Status
	if refused {
		s.cancel(r.Order) // rejected, which asks the same of inventory
	}
}

// pay pays for an order that is reserved and not closed.
func (s *shopping) pay(id inventory.OrderID) {
	status, known := s.heard[id]
	if _, ended := s.ended[id]; known && status != inventory.Refused && !ended {
		s.ended[id] = inventory.Commit
		s.send(commit(id))
	}
}

// cancel closes an order that is not paid, also before inventory has answered.
func (s *shopping) cancel(id inventory.OrderID) {
	if _, ended := s.ended[id]; !ended {
		s.ended[id] = inventory.Release
		s.send(release(id))
	}
}

// giveBack returns a paid order, which inventory may not have heard of yet.
func (s *shopping) giveBack(id inventory.OrderID) {
	if s.ended[id] == inventory.Commit && !s.gone[id] {
		s.gone[id] = true
		s.send(restock(id))
	}
}

// answer has order read a reply that inventory repeats, and say again how the
// order ended, if it did.
func (s *shopping) answer(t *rapid.T) {
	r, ok := s.asks.receive(t)
	if !ok {
		return
	}
	s.hear(t, r)
	if end := s.ended[r.Order]; end != 0 {
		s.send(inventory.Request{Order: r.Order, Action: end})
	}
}

// nudge asks again where order waits, and where inventory waits with a hold.
func (s *shopping) nudge(id inventory.OrderID) {
	if _, known := s.heard[id]; !known && s.ended[id] == 0 {
		s.send(nudged(s.placed[id]))
	}
	if s.gone[id] && !s.back[id] {
		s.send(nudged(restock(id)))
	}
	if r := s.reservations[id]; waits(r) {
		s.asks.send(r)
	}
}

func waits(r inventory.Reservation) bool {
	_, waits := r.WaitsSince()
	return waits
}

// rest lets everything arrive, closes what is open, and nudges.
func (s *shopping) rest(t *rapid.T) {
	s.safe, s.asks.safe = true, true
	s.drain(t)
	for id := inventory.OrderID(1); id <= orders; id++ {
		if _, heard := s.heard[id]; !heard && s.ended[id] == 0 {
			t.Fatalf("order %d waits in vain", id)
		}
		s.cancel(id) // the deadline
	}
	s.drain(t)
}

func (s *shopping) drain(t *rapid.T) {
	for range 4 {
		for len(s.inFlight) > 0 || len(s.asks.inFlight) > 0 || s.read < len(s.replies) || s.readRe < len(s.restocked) {
			s.deliver(t)
			s.listen(t)
			s.answer(t)
		}
		for id := inventory.OrderID(1); id <= orders; id++ {
			s.nudge(id)
		}
	}
}

// settled: paid orders have their units, or have given them back, the others
// hold none.
func (s *shopping) settled(t *rapid.T) {
	for id, end := range s.ended {
		got, paid := s.reservations[id], inventory.Committed
		if s.gone[id] {
			paid = inventory.Returned
		}
		if s.gone[id] != s.back[id] || end == inventory.Commit && got.Status != paid ||
			end == inventory.Release && !slices.Contains([]inventory.Status{inventory.Released, inventory.Refused, ""}, got.Status) {
			t.Fatalf("order %d ended by action %d and is %+v", id, end, got)
		}
	}
}

// Whatever the order in which requests come, in whatever batches, however
// often, and however many are lost until somebody nudges: nothing that order
// may ask is impossible, no order hears two answers, the books balance after
// every batch, and at rest stock is where the orders say.
func TestModelOfReservations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range sequences {
			s := newShopping(t)
			for range rapid.IntRange(0, 40).Draw(t, "steps") {
				s.step(t)
			}
			s.rest(t)
			s.settled(t)
		}
	})
}
