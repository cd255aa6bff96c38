package order_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"souk.example/contracts"
	"souk.example/services/order/internal/order"
)

var at = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

func policy() order.Policy {
	return order.Policy{
		BeforePayment:    []order.Condition{{Fact: order.StockReserved}, {Fact: order.PointsFrozen, When: order.UsesPoints}},
		BeforeCompletion: []order.Condition{{Fact: order.PointsAwarded}},
	}
}

// in is an order that has come to status by the ordinary way.
func in(t *testing.T, status order.Status) *order.Order {
	t.Helper()
	ways := map[order.Status][]order.Fact{
		order.Pending:   {},
		order.Reserved:  {order.StockReserved},
		order.Paid:      {order.StockReserved, order.Captured},
		order.Completed: {order.StockReserved, order.Captured, order.PointsAwarded},
		order.Rejected:  {order.StockRefused},
		order.Cancelled: {order.StockReserved, order.PaymentFailed},
		order.Returning: {order.StockReserved, order.Captured, order.PointsAwarded},
		order.Returned:  {order.StockReserved, order.Captured, order.PointsAwarded},
	}
	o := order.Restore(&order.State{ID: 7, Status: order.Pending, Version: 1, CreatedAt: at}, policy())
	for _, f := range ways[status] {
		if _, err := o.Learn(f, at); err != nil {
			t.Fatal(err)
		}
	}
	giveBack(t, o, status)
	if got := o.State().Status; got != status {
		t.Fatalf("the way to %s leads to %s", status, got)
	}
	return o
}

// giveBack takes a completed order further, if that is where it is to go.
func giveBack(t *testing.T, o *order.Order, status order.Status) {
	t.Helper()
	if status != order.Returning && status != order.Returned {
		return
	}
	if _, err := o.Return(at); err != nil {
		t.Fatal(err)
	}
	if status == order.Returned {
		if _, err := o.FinishReturn(at); err != nil {
			t.Fatal(err)
		}
	}
}

const impossible = "impossible"

// What each fact does in each status, spelled out: the statuses entered, none,
// or impossible.
func TestEveryFactInEveryStatus(t *testing.T) {
	type effects map[order.Fact]any
	none := []order.Status{}
	to := func(s ...order.Status) []order.Status { return s }
	table := map[order.Status]effects{
		order.Pending: {
			order.StockReserved:  to(order.Reserved),
			order.StockRefused:   to(order.Rejected),
			order.Captured:       to(order.Reserved, order.Paid),
			order.PaymentFailed:  to(order.Cancelled),
			order.PointsAwarded:  to(order.Reserved, order.Paid, order.Completed),
			order.PointsFrozen:   none,
			order.PointsRefused:  to(order.Cancelled),
			order.Refunded:       impossible,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Reserved: {
			order.StockReserved:  none,
			order.StockRefused:   impossible,
			order.Captured:       to(order.Paid),
			order.PaymentFailed:  to(order.Cancelled),
			order.PointsAwarded:  to(order.Paid, order.Completed),
			order.PointsFrozen:   none,
			order.PointsRefused:  impossible,
			order.Refunded:       impossible,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Paid: {
			order.StockReserved:  none,
			order.StockRefused:   impossible,
			order.Captured:       none,
			order.PaymentFailed:  none,
			order.PointsAwarded:  to(order.Completed),
			order.PointsFrozen:   none,
			order.PointsRefused:  impossible,
			order.Refunded:       impossible,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Completed: {
			order.StockReserved:  none,
			order.StockRefused:   impossible,
			order.Captured:       none,
			order.PaymentFailed:  none,
			order.PointsAwarded:  none,
			order.PointsFrozen:   none,
			order.PointsRefused:  impossible,
			order.Refunded:       impossible,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Rejected: {
			order.StockReserved:  impossible,
			order.StockRefused:   none,
			order.Captured:       impossible,
			order.PaymentFailed:  impossible,
			order.PointsAwarded:  impossible,
			order.PointsFrozen:   none,
			order.PointsRefused:  none,
			order.Refunded:       impossible,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Cancelled: {
			order.StockReserved:  none,
			order.StockRefused:   none,
			order.Captured:       to(order.Cancelled), // asks for the refund
			order.PaymentFailed:  none,
			order.PointsAwarded:  impossible,
			order.PointsFrozen:   none,
			order.PointsRefused:  none,
			order.Refunded:       none,
			order.Restocked:      impossible,
			order.PointsReversed: impossible,
		},
		order.Returning: {
			order.StockReserved:  none,
			order.StockRefused:   impossible,
			order.Captured:       none,
			order.PaymentFailed:  none,
			order.PointsAwarded:  none,
			order.PointsFrozen:   none,
			order.PointsRefused:  impossible,
			order.Refunded:       none,
			order.Restocked:      none,
			order.PointsReversed: none,
		},
		order.Returned: {
			order.StockReserved:  none,
			order.StockRefused:   impossible,
			order.Captured:       none,
			order.PaymentFailed:  none,
			order.PointsAwarded:  none,
			order.PointsFrozen:   none,
			order.PointsRefused:  impossible,
			order.Refunded:       none,
			order.Restocked:      none,
			order.PointsReversed: none,
		},
	}
	for _, status := range order.Statuses() {
		if len(table[status]) != len(order.AllFacts()) {
			t.Errorf("%s is tried with %d facts", status, len(table[status]))
		}
		for _, fact := range order.AllFacts() {
			t.Run(string(status)+" "+fact.String(), func(t *testing.T) {
				o := in(t, status)
				before := *o.State()
				changes, err := o.Learn(fact, at.Add(time.Second))
				check(t, table[status][fact], before, o.State(), changes, err)
			})
		}
	}
}

func check(t *testing.T, want any, before order.State, after *order.State, changes []order.Change, err error) {
	t.Helper()
	if want == impossible {
		if _, ok := errors.AsType[*order.ImpossibleFactError](err); !ok {
			t.Errorf("got %v, want an impossible fact", err)
		}
		if after.Status != before.Status || after.Facts != before.Facts || after.Version != before.Version {
			t.Errorf("an impossible fact changed %+v to %+v", before, after)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	entered := []order.Status{}
	for i, c := range changes {
		entered = append(entered, c.Status)
		if c.State.Version != before.Version+int64(i)+1 {
			t.Errorf("change %d has version %d after %d", i, c.State.Version, before.Version)
		}
	}
	if !slices.Equal(entered, want.([]order.Status)) {
		t.Errorf("entered %v, want %v", entered, want)
	}
}

// What was handed out is shared, with what remembers orders and with what emits
// events: an order that goes on leaves it as it is.
func TestAStateThatWasHandedOutNeverChanges(t *testing.T) {
	for _, status := range order.Statuses() {
		o := in(t, status)
		shown, was := []*order.State{o.State()}, []order.State{*o.State()}
		show := func(changes []order.Change, _ error) {
			shown, was = append(shown, o.State()), append(was, *o.State())
			for _, c := range changes {
				shown, was = append(shown, c.State), append(was, *c.State)
			}
		}
		show(o.Return(at))
		for i, fact := range order.AllFacts() {
			show(o.Ask(fact, at.Add(time.Duration(i)*time.Second)))
			show(o.Learn(fact, at.Add(time.Duration(i)*time.Minute)))
		}
		show(o.Cancel(contracts.ReasonUserCancelled, at.Add(time.Hour)))
		show(o.FinishReturn(at.Add(2 * time.Hour)))
		for i, s := range shown {
			if !reflect.DeepEqual(*s, was[i]) {
				t.Errorf("from %s: state %d was %+v and is %+v", status, i, was[i], *s)
			}
		}
	}
}

// The timeline of a good order is exactly PENDING, RESERVED, PAID, COMPLETED,
// whatever the order and number in which its facts arrive.
func TestTimelineOfAGoodOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.Permutation([]order.Fact{
			order.StockReserved, order.Captured, order.PointsAwarded, order.StockReserved, order.Captured, order.PointsAwarded,
		}).Draw(t, "facts")
		o := order.Restore(&order.State{Status: order.Pending, Version: 1, CreatedAt: at}, policy())
		for i, f := range facts {
			if _, err := o.Learn(f, at.Add(time.Duration(i+1)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		var statuses []order.Status
		var last time.Time
		for _, e := range o.State().Timeline() {
			statuses = append(statuses, e.Status)
			if e.At.Before(last) {
				t.Fatalf("%s at %v is before the entry ahead of it", e.Status, e.At)
			}
			last = e.At
		}
		want := []order.Status{order.Pending, order.Reserved, order.Paid, order.Completed}
		if !slices.Equal(statuses, want) || o.State().Version != 4 {
			t.Fatalf("timeline %v at version %d after %v", statuses, o.State().Version, facts)
		}
	})
}

// A check added to the policy holds payment back until it is known.
func TestPolicyDecidesWhatPaymentWaitsFor(t *testing.T) {
	strict := order.Policy{BeforePayment: []order.Condition{{Fact: order.StockReserved}, {Fact: order.PointsAwarded}}}
	o := order.Restore(&order.State{Status: order.Pending, Version: 1}, strict)
	changes, err := o.Learn(order.StockReserved, at)
	if err != nil || len(changes) != 0 || o.State().Status != order.Pending {
		t.Errorf("entered %v in %s, %v; want to wait in PENDING", changes, o.State().Status, err)
	}
}
