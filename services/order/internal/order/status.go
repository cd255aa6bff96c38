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

func (s Status) beforePivot() bool { return s == Pending || s == Reserved }

// Terminal reports whether an order in s is at rest.
func (s Status) Terminal() bool { return s == Completed || s == Rejected || s == Cancelled }

// Fact is something another service reported about an order.
type Fact uint8

const (
	StockReserved Fact = iota
	StockRefused
	Captured
	PaymentFailed
	PointsAwarded
	factCount
)

var factNames = [factCount]string{"stock reserved", "stock refused", "captured", "payment failed", "points awarded"}

func (f Fact) String() string { return factNames[f] }

// AllFacts lists every fact.
func AllFacts() []Fact {
	return []Fact{StockReserved, StockRefused, Captured, PaymentFailed, PointsAwarded}
}

// Facts is the set of facts an order knows; the zero value knows none.
type Facts uint32

// With adds the facts.
func (fs Facts) With(facts ...Fact) Facts {
	for _, f := range facts {
		fs |= 1 << f
	}
	return fs
}

// Has reports whether f is known.
func (fs Facts) Has(f Fact) bool { return fs&(1<<f) != 0 }

// HasAll reports whether every one of want is known.
func (fs Facts) HasAll(want []Fact) bool {
	for _, f := range want {
		if !fs.Has(f) {
			return false
		}
	}
	return true
}

// Policy names what must hold before an order may be charged and before it is
// complete. Taking points out, or a fraud check in, is one entry here.
type Policy struct {
	BeforePayment    []Fact
	BeforeCompletion []Fact
}

type verdict uint8

const (
	apply      verdict = iota // the fact moves the order, or may once others join it
	keep                      // already so: remember it, move nothing
	impossible                // contradicts what the order has been through: park and alarm
)

// verdicts is the whole state table: what each fact means in each status.
// A row per status, a column per fact, in the order of the constants above:
// stock reserved, stock refused, captured, payment failed, points awarded.
var verdicts = map[Status][factCount]verdict{
	Pending:   {apply, apply, apply, apply, apply},
	Reserved:  {keep, impossible, apply, apply, apply},
	Paid:      {keep, impossible, keep, impossible, apply},
	Completed: {keep, impossible, keep, impossible, keep},
	Rejected:  {impossible, keep, impossible, impossible, impossible},
	Cancelled: {keep, keep, impossible, keep, impossible},
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
