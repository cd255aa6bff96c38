// Package order is the domain of the order service: what an order is, how it
// moves from PENDING to its end, and the use cases that move it. It decides an
// order's status from the facts other services report; nobody else does.
//
// The package knows no HTTP, SQL, Kafka or Redis: it speaks to storage through
// [Store] and [Unit].
package order

import (
	"errors"
	"fmt"
	"time"

	"souk.example/contracts"
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
// means that the order has not been in that status. It is large, and shared by
// all who look at it: once handed out it never changes.
type State struct {
	ID          ID
	Key         Key
	Fingerprint [32]byte // of the request that placed it
	Status      Status
	Version     int64 // grows by one with every event of the order, from 1
	Facts       Facts
	Lines       []Line
	Total       money.Amount
	Payable     money.Amount // total less the value of points used
	PointsUsed  int64
	Method      string
	Token       CardToken // of the card to be charged; "" for wallets
	Reason      string    // why it was rejected, cancelled or returned
	CreatedAt   time.Time
	Deadline    time.Time
	ReservedAt  time.Time
	PaidAt      time.Time
	CompletedAt time.Time
	ClosedAt    time.Time // when it was rejected or cancelled

	RefundRequestedAt time.Time // of a capture that came after cancelling, or of a return
	RefundedAt        time.Time
	Return            ReturnTimes
}

// ReturnTimes are when a return began, when inventory and points were asked for
// their parts of it, and when it was finished; payment's is the refund.
type ReturnTimes struct {
	RequestedAt         time.Time
	RestockRequestedAt  time.Time
	ReversalRequestedAt time.Time
	DoneAt              time.Time
}

// Order is the aggregate. Its state changes only through [Order.Learn],
// [Order.Cancel] and what a return takes: [Order.Return], [Order.Ask] and
// [Order.FinishReturn].
// Not safe for concurrent use.
type Order struct {
	state  *State
	policy Policy
}

// Restore rebuilds an order from its stored state.
func Restore(s *State, p Policy) *Order { return &Order{state: s, policy: p} }

// State returns the order's state as it is now.
func (o *Order) State() *State { return o.state }

// revise makes the state that follows today's, to be filled in.
func (o *Order) revise() *State {
	s := *o.state
	o.state = &s
	return &s
}

// Change is one version of the order after another: a status it entered, or
// what it asked for while it stays CANCELLED or RETURNING. It becomes exactly
// one event.
type Change struct {
	Status Status
	State  *State // as of this change
}

// Learn records a fact and moves the order as far as all its facts allow,
// returning every change, in order. A fact already known changes nothing; one
// that contradicts the order is an [ImpossibleFactError] and leaves the order
// as it was.
func (o *Order) Learn(f Fact, at time.Time) ([]Change, error) {
	if verdictOn(o.state.Status, f) == impossible {
		return nil, &ImpossibleFactError{Order: o.state.ID, Status: o.state.Status, Fact: f}
	}
	o.know(f, at)
	return o.settle(at), nil
}

// know adds f and what it presumes: nobody is paid or rewarded for an order
// before everything that payment waits for holds. A cancelled order may have
// been charged on the word of an earlier self, and presumes nothing.
func (o *Order) know(f Fact, at time.Time) {
	s := o.revise()
	if f == Refunded && !s.Facts.Has(Refunded) {
		s.RefundedAt = at
	}
	if s.Status.Cancellable() && (f == Captured || f == PointsAwarded) {
		s.Facts = presume(o.policy.BeforePayment, s).With(Captured)
	}
	s.Facts = s.Facts.With(f)
}

func (o *Order) settle(at time.Time) []Change {
	var changes []Change
	for {
		next, reason, ok := o.next()
		switch {
		case ok:
			changes = append(changes, o.enter(next, reason, at))
		case o.owesRefund():
			changes = append(changes, o.requestRefund(at))
		default:
			return changes
		}
	}
}

// next is the status that the facts call for, one step ahead of today's, and
// why when it is an unhappy one.
func (o *Order) next() (status Status, reason string, ok bool) {
	s := o.state
	switch {
	case s.Status == Pending && s.Facts.Has(StockRefused):
		return Rejected, contracts.ReasonOutOfStock, true
	case s.Status == Pending && s.Facts.Has(PointsRefused):
		return Cancelled, contracts.ReasonPointsRefused, true
	case s.Status.Cancellable() && s.Facts.Has(PaymentFailed):
		return Cancelled, contracts.ReasonPaymentFailed, true
	case s.Status == Pending && hold(o.policy.BeforePayment, s):
		return Reserved, "", true
	case s.Status == Reserved && s.Facts.Has(Captured):
		return Paid, "", true
	case s.Status == Paid && hold(o.policy.BeforeCompletion, s):
		return Completed, "", true
	}
	return "", "", false
}

func (o *Order) enter(next Status, reason string, at time.Time) Change {
	s := o.revise()
	s.Status, s.Reason = next, reason
	s.Version++
	switch next {
	case Reserved:
		s.ReservedAt = at
	case Paid:
		s.PaidAt = at
	case Completed:
		s.CompletedAt = at
	case Rejected, Cancelled:
		s.ClosedAt = at
	case Returning:
		s.Return.RequestedAt = at
	case Returned:
		s.Return.DoneAt = at
	}
	return Change{Status: next, State: s}
}

// owesRefund: money was taken for an order that is off, and nobody has said so.
func (o *Order) owesRefund() bool {
	s := o.state
	return s.Status == Cancelled && s.Facts.Has(Captured) && s.RefundRequestedAt.IsZero()
}

func (o *Order) requestRefund(at time.Time) Change {
	return o.ask((*State).refundRequested, at)
}

// ask notes that another service is asked for something.
func (o *Order) ask(asked func(*State) *time.Time, at time.Time) Change {
	s := o.revise()
	*asked(s) = at
	s.Version++
	return Change{Status: s.Status, State: s}
}

func (s *State) refundRequested() *time.Time { return &s.RefundRequestedAt }

// ErrNotCancellable says that an order is past the point where it can be
// called off, or closed for another reason.
var ErrNotCancellable = errors.New("order can no longer be cancelled")

// Cancel calls the order off for reason, before it is paid. To cancel again
// for the same reason changes nothing.
func (o *Order) Cancel(reason string, at time.Time) ([]Change, error) {
	s := o.state
	switch {
	case s.Status.Cancellable():
		return []Change{o.enter(Cancelled, reason, at)}, nil
	case s.Status == Cancelled && s.Reason == reason:
		return nil, nil
	}
	return nil, fmt.Errorf("order %d is %s: %w", s.ID, s.Status, ErrNotCancellable)
}
