package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/eventbus"
	"souk.example/services/order/internal/order"
)

// said is what was committed so far, without what was said up to some point.
func (s shop) said(from int) []eventbus.Event {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	return slices.Clone(s.box.events[from:])
}

// places stores orders that were placed so long ago, and returns their ids.
func (s shop) places(t *testing.T, n int64, ago time.Duration) []order.ID {
	t.Helper()
	made := s.now(t).Add(-ago)
	ids, states := make([]order.ID, n), make([]*order.State, n)
	for i := range n {
		states[i] = placedAt(made, i, made.Add(24*time.Hour))
		ids[i] = states[i].ID
	}
	if err := insert(t, s.Store, states...); err != nil {
		t.Fatal(err)
	}
	return ids
}

// ways are the facts that bring an order everywhere it can stand.
func ways() map[string][]order.Fact {
	return map[string][]order.Fact{
		"PENDING":                    nil,
		"RESERVED":                   {order.StockReserved},
		"PAID":                       {order.StockReserved, order.Captured},
		"COMPLETED":                  {order.StockReserved, order.Captured, order.PointsAwarded},
		"REJECTED":                   {order.StockRefused},
		"CANCELLED from PENDING":     {order.PointsRefused},
		"CANCELLED from RESERVED":    {order.StockReserved, order.PaymentFailed},
		"CANCELLED, refund wanted":   {order.StockReserved, order.PaymentFailed, order.Captured},
		"CANCELLED, with its refund": {order.PaymentFailed, order.Captured, order.Refunded},
	}
}

// everywhere brings an order to each place, one fact after the other.
func (s shop) everywhere(t *testing.T, ago time.Duration) map[string]order.ID {
	t.Helper()
	ids, at := s.places(t, int64(len(ways())), ago), map[string]order.ID{}
	for place, facts := range ways() {
		at[place], ids = ids[0], ids[1:]
		for _, f := range facts {
			if err := learn(t, s.Store, order.Report{Order: at[place], Fact: f}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return at
}

// of are the events about an order, in order.
func of(events []eventbus.Event, id order.ID) (about []eventbus.Event) {
	for _, e := range events {
		if e.Subject == fmt.Sprint(id) {
			about = append(about, e)
		}
	}
	return about
}

// isAgain checks that an event is another one once more, under its own id.
func isAgain(t *testing.T, place string, again, first eventbus.Event, nudge bool) {
	t.Helper()
	if again.ID != first.ID || again.Type != first.Type || again.Subject != first.Subject || !bytes.Equal(again.Payload, first.Payload) || again.Nudge != nudge {
		t.Errorf("%s: sent\n%+v, want\n%+v again", place, again, first)
	}
}

// Who waits sends its latest event again, the same event to the byte but for
// the flag; nobody else sends anything, and nothing else changes.
func TestANudgeIsTheEventAgain(t *testing.T) {
	s := openShop(t)
	at := s.everywhere(t, 10*time.Minute)
	before := s.said(0)
	waiting := []string{"PENDING", "RESERVED", "PAID", "CANCELLED, refund wanted"}
	s.nudgeAfter(t, time.Nanosecond, quick(500))
	eventually(t, "all who wait have asked again", func() bool {
		asked := map[string]bool{}
		for _, e := range s.said(len(before)) {
			asked[e.Subject] = true
		}
		return len(asked) == len(waiting)
	})
	for place, id := range at {
		first, again := of(before, id), of(s.said(len(before)), id)
		if len(again) == 0 {
			continue // eventually has seen who asks
		}
		if !slices.Contains(waiting, place) {
			t.Errorf("%s asks %+v", place, again)
		}
		for _, e := range again {
			isAgain(t, place, e, first[len(first)-1], true)
		}
		if got, err := s.Get(t.Context(), 1, id); err != nil || got.Version != int64(len(first)) {
			t.Errorf("%s: %+v, %v", place, got, err)
		}
	}
}

// An order that has its answer leaves the list; one that waits stays, and is
// not asked about again before its time.
func TestNudgesHaveAPause(t *testing.T) {
	s := openShop(t)
	ids := s.places(t, 3, 10*time.Minute)
	if err := learn(t, s.Store, order.Report{Order: ids[1], Fact: order.StockRefused}); err != nil {
		t.Fatal(err)
	}
	before := s.said(0)
	s.nudgeAfter(t, 2*time.Minute, quick(1))
	pending := fmt.Sprintf("SELECT COUNT(*) FROM straggler WHERE why = 'nudge' AND due > %d", s.now(t).Add(9*time.Minute).UnixMicro())
	eventually(t, "both that wait have asked", func() bool { return s.number(t, pending) == 2 && len(s.said(len(before))) == 2 })
	if err := learn(t, s.Store, order.Report{Order: ids[2], Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	for range 5 { // a storm: the list's due end comes up at once, five times
		s.due(t)
		eventually(t, "it was looked at", func() bool {
			return s.number(t, pending) <= 1 && s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'nudge' AND due = 0") == 0
		})
	}
	if again := of(s.said(len(before)), ids[1]); len(again) != 0 {
		t.Errorf("a rejected order asks %+v", again)
	}
	var due []string
	for _, e := range of(s.said(len(before)), ids[2]) {
		due = append(due, fmt.Sprint(e.Type, e.Nudge))
	}
	// Asked for its stock, it got it, and has not waited for its payment yet.
	if want := []string{contracts.OrderPlaced.Name + "true", contracts.OrderPaymentDue.Name + "false"}; !slices.Equal(due, want) {
		t.Errorf("said %v, want %v", due, want)
	}
}

// due has everything on the list be due.
func (s shop) due(t *testing.T) {
	t.Helper()
	if _, err := s.db.Exec(t.Context(), "UPDATE straggler SET due = 0 WHERE why = 'nudge'"); err != nil {
		t.Fatal(err)
	}
}

// An order that was at rest and waits again, for its refund, is not forgotten:
// the walk has passed it and the list has struck it off.
func TestAnOrderThatBeginsToWaitAgain(t *testing.T) {
	s := openShop(t)
	id := s.places(t, 1, 10*time.Minute)[0]
	s.nudgeAfter(t, 20*time.Millisecond, quick(500))
	if err := learn(t, s.Store, order.Report{Order: id, Fact: order.PaymentFailed}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is off the list", func() bool {
		s.due(t)
		return s.number(t, "SELECT walked FROM watch") == int64(id) && s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'nudge'") == 0
	})
	before := len(s.said(0))
	if err := learn(t, s.Store, order.Report{Order: id, Fact: order.Captured}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it asks for its refund again", func() bool { return len(s.said(before)) > 1 })
	said := s.said(before)
	isAgain(t, "refund", said[1], said[0], true)
	if err := learn(t, s.Store, order.Report{Order: id, Fact: order.Refunded}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is off the list again", func() bool {
		s.due(t)
		return s.number(t, "SELECT COUNT(*) FROM straggler WHERE why = 'nudge'") == 0
	})
}

// Who nudges with a fact is told once more how the order was decided, in the
// event that decided it, unflagged; while it is open nobody is told anything.
func TestANudgedFactIsAnsweredWithTheDecision(t *testing.T) {
	s := openShop(t)
	at := s.everywhere(t, time.Minute)
	before := s.said(0)
	decided := map[string]int{ // which of its events decided it
		"PAID": 2, "COMPLETED": 2, "CANCELLED from PENDING": 1, "CANCELLED from RESERVED": 2,
		"CANCELLED, refund wanted": 2, "CANCELLED, with its refund": 1,
	}
	for place, id := range at {
		if place == "REJECTED" || place == "PENDING" {
			continue // inventory holds nothing, or its word would be news
		}
		mark := len(s.said(0))
		err := learn(t, s.Store,
			order.Report{Order: id, Fact: order.StockReserved, Nudged: true}, order.Report{Order: id, Fact: order.PointsFrozen, Nudged: true})
		if err != nil {
			t.Fatal(err)
		}
		answers := s.said(mark)
		which, closed := decided[place]
		switch {
		case !closed && len(answers) != 0, closed && len(answers) != 1:
			t.Errorf("%s: answered %+v", place, answers)
		case closed:
			isAgain(t, place, answers[0], of(before, id)[which], false)
		}
	}
	mark := len(s.said(0))
	if err := learn(t, s.Store, order.Report{Order: at["REJECTED"], Fact: order.PointsFrozen, Nudged: true}, order.Report{Order: at["PAID"], Fact: order.StockReserved}); err != nil {
		t.Fatal(err)
	}
	answers := s.said(mark)
	if len(answers) != 1 {
		t.Fatalf("answered %+v, want who nudged and nobody else", answers)
	}
	isAgain(t, "REJECTED", answers[0], of(before, at["REJECTED"])[1], false)
}
