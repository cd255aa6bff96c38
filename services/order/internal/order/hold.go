package order

import (
	"fmt"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
)

// Slot is the answer to one request for room among a user's open orders. The
// zero value lets the request pass.
type Slot struct {
	Taken  bool          // by this request: to be freed when no open order comes of it
	Cap    int           // how many slots there are, when all are taken by others; else 0
	FreeIn time.Duration // until the first of those runs out by itself
}

// refusal is why the request must not pass, nil when it may.
func (s Slot) refusal() error {
	if s.Cap == 0 {
		return nil
	}
	detail := fmt.Sprintf("at most %d orders may wait for payment at a time, and those that were not paid in time count for a while: pay or cancel one", s.Cap)
	return apperr.New(apperr.TooMany, contracts.CodeTooManyOpenOrders, detail).WithRetryAfter(s.FreeIn)
}

// Release says that an order is open no more: it was paid, rejected or
// cancelled, so the slot of its key is free.
type Release struct {
	Key    Key
	Lapsed bool // nobody paid by the deadline, so its slot counts for a while yet
}

// Releases reports whether the update took its order out of PENDING and
// RESERVED.
func (u Update) Releases() (Release, bool) {
	r := Release{Key: u.After.Key, Lapsed: u.After.Reason == contracts.ReasonDeadlinePassed}
	return r, u.Before.Status.Cancellable() && !u.After.Status.Cancellable()
}
