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
)

// Statuses lists every status, in the order of a good order's life.
func Statuses() []Status {
	return []Status{Pending, Reserved, Paid, Completed, Rejected, Cancelled}
}

// Cancellable reports whether an order in s may still be called off.
func (s Status) Cancellable() bool { return s == Pending || s == Reserved }

// Terminal reports whether an order in s is at rest.
func (s Status) Terminal() bool { return s == Completed || s == Rejected || s == Cancelled }

type verdict uint8

const (
	apply      verdict = iota // the fact moves the order, or may once others join it
	keep                      // it changes nothing any more: remember it, move nothing
	impossible                // contradicts what the order has been through: park and alarm
)

// verdicts is the whole state table: what each fact means in each status.
// A row per status, a column per fact, in the order of the constants in
// fact.go: stock reserved, stock refused, captured, payment failed, points
// awarded, points frozen, points refused, refunded.
//
// Captured is payment's last word: a failure that comes after it was said
// before it. A capture that meets CANCELLED has the refund requested.
var verdicts = map[Status][factCount]verdict{
	Pending:   {apply, apply, apply, apply, apply, apply, apply, impossible},
	Reserved:  {keep, impossible, apply, apply, apply, keep, impossible, impossible},
	Paid:      {keep, impossible, keep, keep, apply, keep, impossible, impossible},
	Completed: {keep, impossible, keep, keep, keep, keep, impossible, impossible},
	Rejected:  {impossible, keep, impossible, impossible, impossible, keep, keep, impossible},
	Cancelled: {keep, keep, apply, keep, impossible, keep, keep, keep},
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
