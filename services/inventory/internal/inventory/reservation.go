package inventory

import (
	"errors"
	"time"
)

// Status is where a reservation stands.
type Status string

// The statuses. A reservation ends in any but HELD and never leaves its end,
// but for a COMMITTED one, which may be returned.
const (
	Held      Status = "HELD"      // every line is taken off what is available
	Committed Status = "COMMITTED" // the order is paid: the units are sold
	Released  Status = "RELEASED"  // the units are back, or were never held: a tombstone
	Refused   Status = "REFUSED"   // some line could not be held, so none is
	Returned  Status = "RETURNED"  // the units were sold, and are back
)

// Line is a SKU of an order and how many units of it.
type Line struct {
	SKU      SKU
	Quantity int64
}

// Reservation is what was decided for one order.
type Reservation struct {
	Order      OrderID
	Status     Status
	Lines      []Line    // none in a tombstone
	Reason     string    // of a refusal, in the words of contracts
	RefusedSKU SKU       // the first line that could not be held
	Deadline   time.Time // by which order decides; 0 of a tombstone
	Version    int64     // 1 when decided, up by one per change
	At         time.Time
	UpdatedAt  time.Time
}

// answered reports that order was told of this decision: a tombstone answers
// a question that nobody had asked yet.
func (r Reservation) answered() bool { return len(r.Lines) > 0 }

// WaitsSince is when order should have said what becomes of a hold: at its
// deadline, or when it was held if that came later. False when nothing is held.
func (r Reservation) WaitsSince() (time.Time, bool) {
	if r.At.After(r.Deadline) {
		return r.At, r.Status == Held
	}
	return r.Deadline, r.Status == Held
}

// Errors of requests that no correct order makes. They do not go away by
// themselves.
var (
	ErrCommitWithoutHold  = errors.New("paid order holds no stock")
	ErrReleaseAfterCommit = errors.New("order was closed after its stock was sold")
	ErrRestockUnsold      = errors.New("returned order has bought nothing")
	ErrBadRequest         = errors.New("malformed request")
)

// IsImpossible reports that err will be the same however often the request is
// repeated.
func IsImpossible(err error) bool {
	return errors.Is(err, ErrCommitWithoutHold) || errors.Is(err, ErrReleaseAfterCommit) ||
		errors.Is(err, ErrRestockUnsold) || errors.Is(err, ErrBadRequest)
}

// step is what a request does to a reservation.
type step uint8

const (
	impossible step = iota // the zero value, so that a pair left out is noticed
	keep                   // nothing: it is decided, a repetition is passed over
	decide                 // hold every line or refuse
	bury                   // leave a tombstone
	commit                 // the held units are sold
	release                // the held units are available again
	restock                // the sold units are available again
	resell                 // the held units were sold, of which nobody has told, and are available again
)

// undecided stands for no reservation in the table of transitions.
const undecided Status = ""

// transitions is what each action does in each status; what is not here is
// impossible.
func transitions() map[Status]map[Action]step {
	return map[Status]map[Action]step{
		undecided: {Reserve: decide, Release: bury},
		Held:      {Reserve: keep, Commit: commit, Release: release, Restock: resell},
		Committed: {Reserve: keep, Commit: keep, Restock: restock},
		Returned:  {Reserve: keep, Commit: keep, Restock: keep},
		Released:  {Reserve: keep, Release: keep},
		Refused:   {Reserve: keep, Release: keep},
	}
}
