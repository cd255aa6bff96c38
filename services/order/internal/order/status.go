package order

import "fmt"

// Status is where an order stands. Only this service decides it.
type Status string

const (
	Pending   Status = "PENDING"
	Reserved  Status = "RESERVED" // payment is due
	Paid      Status = "PAID"     // the pivot: from here only forward
	Completed Status = "COMPLETED"
	Rejected  Status = "REJECTED"
	Cancelled Status = "CANCELLED"
	Returning Status = "RETURNING" // from here only forward, too
	Returned  Status = "RETURNED"
)

// Statuses lists every status, in the order of a good order's life; then how
// the others end.
func Statuses() []Status {
	return []Status{Pending, Reserved, Paid, Completed, Rejected, Cancelled, Returning, Returned}
}

// Cancellable reports whether an order in s may still be called off.
func (s Status) Cancellable() bool { return s == Pending || s == Reserved }

// Terminal reports whether an order in s is at rest: nothing but its owner's
// wish to return it will move it.
func (s Status) Terminal() bool {
	return s == Completed || s == Rejected || s == Cancelled || s == Returned
}

type verdict uint8

const (
	apply      verdict = iota // the fact moves the order, or may once others join it
	keep                      // it changes nothing any more: remember it, move nothing
	impossible                // contradicts what the order has been through: park and alarm
)

// verdicts is the whole state table: what each fact means in each status.
// A row per status, a column per fact, in the order of the constants in
// fact.go: stock reserved, stock refused, captured, payment failed, points
// awarded, points frozen, points refused, refunded, restocked, points reversed.
//
// Captured is payment's last word: a failure that comes after it was said
// before it. A capture that meets CANCELLED has the refund requested. A
// RETURNING order is moved by its saga, which waits for the same facts.
var verdicts = map[Status][factCount]verdict{
	Pending:   {apply, apply, apply, apply, apply, apply, apply, impossible, impossible, impossible},
	Reserved:  {keep, impossible, apply, apply, apply, keep, impossible, impossible, impossible, impossible},
	Paid:      {keep, impossible, keep, keep, apply, keep, impossible, impossible, impossible, impossible},
	Completed: {keep, impossible, keep, keep, keep, keep, impossible, impossible, impossible, impossible},
	Rejected:  {impossible, keep, impossible, impossible, impossible, keep, keep, impossible, impossible, impossible},
	Cancelled: {keep, keep, apply, keep, impossible, keep, keep, keep, impossible, impossible},
	Returning: {keep, impossible, keep, keep, keep, keep, impossible, keep, keep, keep},
	Returned:  {keep, impossible, keep, keep, keep, keep, impossible, keep, keep, keep},
}

func verdictOn(s Status, f Fact) verdict { return verdicts[s][f] }

// ImpossibleFactError says that a fact contradicts the order's status: a bug
// or a lost message somewhere, for a human to look at.
type ImpossibleFactError struct {
	Order  ID
	Status Status
	Fact   Fact
}

func (e *ImpossibleFactError) Error() string {
	return fmt.Sprintf("order %d is %s: %s is impossible", e.Order, e.Status, e.Fact)
}
