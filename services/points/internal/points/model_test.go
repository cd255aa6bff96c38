package points_test

import (
	"testing"

	"pgregory.net/rapid"

	"souk.example/services/points/internal/points"
)

// sequences is how many histories one check of the model draws; rapid makes 100
// checks by default.
const sequences = 100

// orders is how many of them compete.
const orders = 4

// shopping is some orders of one user, each as order's contract says it
// behaves and no more, and the account they compete for.
type shopping struct {
	wire[points.Request]
	*world
	asks   wire[points.Freeze] // replies repeated, on their way to order
	placed map[points.OrderID]points.Request
	ended  map[points.OrderID]points.Request // paid or cancelled
	frozen map[points.OrderID]bool           // points' reply
	reward map[points.OrderID]int64
	freed  map[points.OrderID]bool // points has read that it is closed
	gone   map[points.OrderID]bool // the order is to be returned
	back   map[points.OrderID]bool // and has heard that its points are reversed
	read   [3]int                  // replies that order has read: of freezes, of awards, of reversals
}

func newShopping(t *rapid.T) *shopping {
	s := &shopping{
		world: newWorld(100), placed: map[points.OrderID]points.Request{}, ended: map[points.OrderID]points.Request{},
		frozen: map[points.OrderID]bool{}, reward: map[points.OrderID]int64{}, freed: map[points.OrderID]bool{},
		gone: map[points.OrderID]bool{}, back: map[points.OrderID]bool{},
	}
	s.entries = []points.Entry{{User: user, Amount: 100}}
	for id := points.OrderID(1); id <= orders; id++ {
		s.placed[id] = try(id, rapid.Int64Range(0, 60).Draw(t, "points"))
		if s.placed[id].Points > 0 {
			s.send(s.placed[id])
		} else {
			s.frozen[id] = true // nothing to wait for
		}
	}
	return s
}

// step lets one thing happen.
func (s *shopping) step(t *rapid.T) {
	id := points.OrderID(rapid.IntRange(1, orders).Draw(t, "order"))
	switch rapid.SampledFrom([]string{"wire", "wire", "wire", "listen", "answer", "pay", "cancel", "nudge", "give back"}).Draw(t, "what happens") {
	case "wire":
		s.deliver(t)
	case "listen":
		s.listen(t)
	case "answer":
		s.answer(t)
	case "pay":
		s.pay(id, rapid.Int64Range(0, 10_000).Draw(t, "payable"))
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
	var batch []points.Request
	for range rapid.IntRange(1, 4).Draw(t, "batch") {
		if r, ok := s.receive(t); ok {
			batch = append(batch, r)
		}
	}
	if err := s.apply(batch...); err != nil {
		t.Fatalf("%v of %+v", err, batch)
	}
	for _, r := range batch {
		s.freed[r.Order] = s.freed[r.Order] || r.Action == points.Cancel
	}
	s.check(t)
	for id := range s.freed {
		if s.freed[id] && s.book.Freezes[id].Status == points.Frozen {
			t.Fatalf("order %d has points frozen after it was closed", id)
		}
	}
}

// listen reads or loses the next reply of each kind.
func (s *shopping) listen(t *rapid.T) {
	if s.read[0] < len(s.freezes) {
		f := s.freezes[s.read[0]]
		s.read[0]++
		if s.safe || rapid.Bool().Draw(t, "freeze heard") {
			s.hearFreeze(t, f)
		}
	}
	if s.read[1] < len(s.awards) {
		a := s.awards[s.read[1]]
		s.read[1]++
		if before, known := s.reward[a.Order]; known && before != a.Points {
			t.Fatalf("order %d heard of %d points, then of %d", a.Order, before, a.Points)
		}
		if s.safe || rapid.Bool().Draw(t, "award heard") {
			s.reward[a.Order] = a.Points
		}
	}
	if s.read[2] < len(s.reversals) {
		r := s.reversals[s.read[2]]
		s.read[2]++
		if used := s.placed[r.Order].Points; r.Taken != s.reward[r.Order] || r.Given != used {
			t.Fatalf("%+v of an order that earned %d and used %d", r, s.reward[r.Order], used)
		}
		s.back[r.Order] = s.back[r.Order] || s.safe || rapid.Bool().Draw(t, "reversal heard")
	}
}

// giveBack returns an order that is completed.
func (s *shopping) giveBack(id points.OrderID) {
	if _, rewarded := s.reward[id]; rewarded && !s.gone[id] {
		s.gone[id] = true
		s.send(reverse(id))
	}
}

func (s *shopping) hearFreeze(t *rapid.T, f points.Freeze) {
	frozen := f.Status != points.Refused
	if before, known := s.frozen[f.Order]; known && before != frozen {
		t.Fatalf("order %d heard frozen %t, then %t", f.Order, before, frozen)
	}
	s.frozen[f.Order] = frozen
	if !frozen {
		s.cancel(f.Order)
	}
}

// pay pays for an order that has its points and is not closed.
func (s *shopping) pay(id points.OrderID, payable int64) {
	if _, ended := s.ended[id]; s.frozen[id] && !ended {
		s.end(paid(id, s.placed[id].Points, payable))
	}
}

// cancel closes an order that is not paid, also before points has answered.
func (s *shopping) cancel(id points.OrderID) {
	if _, ended := s.ended[id]; !ended {
		s.end(cancel(id))
	}
}

func (s *shopping) end(r points.Request) {
	s.ended[r.Order] = r
	s.send(r)
}

// answer has order read a reply that points repeats, and say again how the
// order ended, if it did.
func (s *shopping) answer(t *rapid.T) {
	f, ok := s.asks.receive(t)
	if !ok {
		return
	}
	s.hearFreeze(t, f)
	if end, ended := s.ended[f.Order]; ended {
		s.send(end)
	}
}

// nudge asks again where order waits, and where points waits with a freeze.
func (s *shopping) nudge(id points.OrderID) {
	end, ended := s.ended[id]
	_, rewarded := s.reward[id]
	if _, heard := s.frozen[id]; !heard && !ended {
		s.send(nudged(s.placed[id]))
	}
	if ended && end.Action == points.Confirm && !rewarded {
		s.send(nudged(end))
	}
	if s.gone[id] && !s.back[id] {
		s.send(nudged(reverse(id)))
	}
	if f := s.book.Freezes[id]; waits(f) {
		s.asks.send(f)
	}
}

func waits(f points.Freeze) bool {
	_, waits := f.WaitsSince()
	return waits
}

// rest lets everything arrive, closes what is open, and nudges.
func (s *shopping) rest(t *rapid.T) {
	s.safe, s.asks.safe = true, true
	s.drain(t)
	for id := points.OrderID(1); id <= orders; id++ {
		_, heard := s.frozen[id]
		if _, ended := s.ended[id]; !heard && !ended {
			t.Fatalf("order %d waits in vain", id)
		}
		s.cancel(id) // the deadline
	}
	s.drain(t)
}

func (s *shopping) drain(t *rapid.T) {
	for range 3 {
		for len(s.inFlight) > 0 || len(s.asks.inFlight) > 0 || s.read[0] < len(s.freezes) || s.read[1] < len(s.awards) || s.read[2] < len(s.reversals) {
			s.deliver(t)
			s.listen(t)
			s.answer(t)
		}
		for id := points.OrderID(1); id <= orders; id++ {
			s.nudge(id)
		}
	}
	for len(s.inFlight) > 0 {
		s.deliver(t)
	}
}

// check: the balance is the fold of the entries, frozen that of live freezes,
// nothing is promised that is not there, and a rule gives once per order.
func (s *shopping) check(t *rapid.T) {
	var fold, live, lent int64
	once := map[points.EntryID]bool{}
	for _, e := range s.entries {
		if once[e.EntryID] {
			t.Fatalf("%+v twice", e)
		}
		once[e.EntryID] = true
		fold += e.Amount
		if e.Rule == points.RuleDebt {
			lent += e.Amount
		}
	}
	for _, f := range s.book.Freezes {
		if f.Status == points.Frozen {
			live += f.Amount
		}
	}
	if a := s.book.Accounts[user]; a.Balance != fold || a.Frozen != live || live > fold || live < 0 || a.Debt != lent || lent < 0 {
		t.Fatalf("account %+v, entries of %d, %d of it lent, freezes of %d", a, fold, lent, live)
	}
}

// settled: paid orders have used their points and earned once, the others
// hold none, and what was returned is as if it had not been.
func (s *shopping) settled(t *rapid.T) {
	for id, end := range s.ended {
		status := s.book.Freezes[id].Status
		_, rewarded := s.book.Awards[id]
		used := s.placed[id].Points > 0
		if isPaid := end.Action == points.Confirm; rewarded != isPaid || isPaid && used && status != points.Confirmed || !isPaid && (status == points.Frozen || status == points.Confirmed) {
			t.Fatalf("order %d ended as %+v, its freeze is %q, rewarded %t", id, end, status, rewarded)
		}
		kept := int64(0)
		for _, e := range s.book.Entries[id] {
			if e.Rule != points.RuleDebt {
				kept += e.Amount
			}
		}
		if s.gone[id] != s.back[id] || s.gone[id] && kept != 0 {
			t.Fatalf("order %d is returned %t, heard of it %t, and keeps %d", id, s.gone[id], s.back[id], kept)
		}
	}
}

// Whatever the order in which requests come, in whatever batches, however
// often, and however many are lost until somebody nudges: nothing that order
// may ask is impossible, no order hears two answers, the account balances after
// every batch, and at rest points are where the orders say.
func TestModelOfFreezes(t *testing.T) {
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
