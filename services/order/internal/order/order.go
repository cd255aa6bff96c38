// Package order is the domain of the order service: what an order is, how it
// moves from PENDING to its end, and the use cases that move it. It decides an
// order's status from the facts other services report; nobody else does.
//
// The package knows no HTTP, SQL, Kafka or Redis: it speaks to storage through
// [Store] and [Unit].
package order

import (
	"time"

	"souk.example/pkg/money"
)

// ID identifies an order: a snowflake, so ids grow with time.
type ID int64

// UserID identifies the order's owner.
type UserID int64

// SKU names what is sold.
type SKU string

// Line is one SKU of an order at the price fixed when the order was placed.
type Line struct {
	SKU       SKU
	Quantity  int64
	UnitPrice int64 // minor units of the order's currency
}

// Key is what a client may repeat: its Idempotency-Key, scoped to the caller.
type Key struct {
	User UserID
	Key  string
}

// State is an order laid open, for storage and for rendering. The zero time
// means that the order has not been in that status.
type State struct {
	ID          ID
	Key         Key
	Fingerprint [32]byte // of the request that placed it
	Status      Status
	Version     int64 // grows by one with every status change, from 1
	Facts       Facts
	Lines       []Line
	Total       money.Amount
	Payable     money.Amount // total less the value of points used
	PointsUsed  int64
	Method      string
	Reason      string // why it was rejected or cancelled
	CreatedAt   time.Time
	Deadline    time.Time
	ReservedAt  time.Time
	PaidAt      time.Time
	CompletedAt time.Time
	ClosedAt    time.Time // when it was rejected or cancelled
}

// Order is the aggregate. Its state changes only through [Order.Learn].
// Not safe for concurrent use.
type Order struct {
	state  State
	policy Policy
}

// Restore rebuilds an order from its stored state.
func Restore(s State, p Policy) *Order { return &Order{state: s, policy: p} }

// State returns a copy of the order's state; Lines is shared and immutable.
func (o *Order) State() State { return o.state }

// Change is one status the order entered. It becomes exactly one event.
type Change struct {
	Status Status
	State  State // as of this change
}

// Learn records a fact and moves the order as far as all its facts allow,
// returning every status it enters, in order. A fact already known changes
// nothing; one that contradicts the order is an [ImpossibleFactError] and
// leaves the order as it was.
func (o *Order) Learn(f Fact, at time.Time) ([]Change, error) {
	if verdictOn(o.state.Status, f) == impossible {
		return nil, &ImpossibleFactError{Order: o.state.ID, Status: o.state.Status, Fact: f}
	}
	o.know(f)
	return o.settle(at), nil
}

// know adds f and what it presumes: nobody is paid or rewarded for an order
// before everything that payment waits for holds.
func (o *Order) know(f Fact) {
	facts := o.state.Facts.With(f)
	if f == Captured || f == PointsAwarded {
		facts = facts.With(Captured).With(o.policy.BeforePayment...)
	}
	o.state.Facts = facts
}

func (o *Order) settle(at time.Time) []Change {
	var changes []Change
	for {
		next, ok := o.next()
		if !ok {
			return changes
		}
		changes = append(changes, o.enter(next, at))
	}
}

// next is the status that the facts call for, one step ahead of today's.
func (o *Order) next() (Status, bool) {
	s := &o.state
	switch {
	case s.Status == Pending && s.Facts.Has(StockRefused):
		return Rejected, true
	case s.Status.beforePivot() && s.Facts.Has(PaymentFailed):
		return Cancelled, true
	case s.Status == Pending && s.Facts.HasAll(o.policy.BeforePayment):
		return Reserved, true
	case s.Status == Reserved && s.Facts.Has(Captured):
		return Paid, true
	case s.Status == Paid && s.Facts.HasAll(o.policy.BeforeCompletion):
		return Completed, true
	}
	return "", false
}

func (o *Order) enter(next Status, at time.Time) Change {
	s := &o.state
	s.Status = next
	s.Version++
	switch next {
	case Reserved:
		s.ReservedAt = at
	case Paid:
		s.PaidAt = at
	case Completed:
		s.CompletedAt = at
	case Rejected, Cancelled:
		s.ClosedAt, s.Reason = at, reasonFor(next)
	}
	return Change{Status: next, State: *s}
}
