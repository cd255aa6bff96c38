package points

import (
	"errors"
	"time"
)

// Status is where a freeze stands.
type Status string

// The statuses. A freeze ends in any but FROZEN and never leaves its end.
const (
	Frozen    Status = "FROZEN"    // the points are set aside for the order
	Confirmed Status = "CONFIRMED" // the order is paid: they are used
	Cancelled Status = "CANCELLED" // they are free again, or were never frozen: a tombstone
	Refused   Status = "REFUSED"   // the user did not have them
)

// Freeze is what was decided about the points that one order uses: the try of
// a TCC transaction (Pardon and Pautasso, "Atomic Distributed Transactions: a
// RESTful Design", 2014), which order.paid confirms and order.rejected or
// order.cancelled cancels.
type Freeze struct {
	Order     OrderID
	User      UserID
	Amount    int64 // points; 0 in a tombstone
	Status    Status
	At        time.Time // when it was decided
	UpdatedAt time.Time
	Deadline  time.Time // by which order decides; 0 of a tombstone
}

// WaitsSince is when order should have said what becomes of a freeze: at its
// deadline, or when it was frozen if that came later. False when nothing is
// frozen.
func (f Freeze) WaitsSince() (time.Time, bool) {
	if f.At.After(f.Deadline) {
		return f.At, f.Status == Frozen
	}
	return f.Deadline, f.Status == Frozen
}

// answered reports that order was told of this decision: a tombstone answers
// a question that nobody had asked yet.
func (f Freeze) answered() bool { return f.Amount > 0 }

// Errors of requests that no correct order makes. They do not go away by
// themselves.
var (
	ErrMalformed            = errors.New("malformed request")
	ErrConfirmWithoutFreeze = errors.New("paid order has no points frozen")
	ErrReverseUnrewarded    = errors.New("returned order has earned nothing, not even 0 points")
	ErrCancelAfterConfirm   = errors.New("order was closed after its points were used")
)

// IsImpossible reports that err will be the same however often the request is
// repeated.
func IsImpossible(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrConfirmWithoutFreeze) || errors.Is(err, ErrCancelAfterConfirm) ||
		errors.Is(err, ErrReverseUnrewarded)
}

// step is what a request does to a freeze.
type step uint8

const (
	impossible step = iota // the zero value, so that a pair left out is noticed
	keep                   // nothing: it is decided, a repetition is passed over
	decide                 // freeze all or refuse
	bury                   // leave a tombstone
	redeem                 // the frozen points are used
	unfreeze               // the frozen points are free again
)

// undecided stands for no freeze in the table of transitions.
const undecided Status = ""

// transitions is what each action does in each status; what is not here is
// impossible.
func transitions() map[Status]map[Action]step {
	return map[Status]map[Action]step{
		undecided: {Try: decide, Cancel: bury},
		Frozen:    {Try: keep, Confirm: redeem, Cancel: unfreeze},
		Confirmed: {Try: keep, Confirm: keep},
		Cancelled: {Try: keep, Cancel: keep},
		Refused:   {Try: keep, Cancel: keep},
	}
}
