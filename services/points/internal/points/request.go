package points

import (
	"fmt"
	"time"

	"souk.example/pkg/money"
)

// Action is what an order wants of its user's points.
type Action uint8

// The actions.
const (
	Try     Action = iota + 1 // the order was placed: freeze what it uses
	Confirm                   // it was paid: take what it uses, give what it earns
	Cancel                    // it was rejected or cancelled: unfreeze
	Reverse                   // it is returned: take what it earned, give what it used
)

// Request is an action for one order.
type Request struct {
	Order  OrderID
	User   UserID
	Action Action
	Points int64        // that the order uses; above 0 with Try, unknown with Cancel and Reverse
	Paid   money.Amount // with Confirm: the money that earns points
	Nudged bool         // asked before: order still waits for the answer

	Deadline time.Time // with Try: by which order decides
}

func (r Request) validate() error {
	switch {
	case r.Order <= 0 || r.User <= 0:
		return fmt.Errorf("order %d of user %d: %w: ids are positive", r.Order, r.User, ErrMalformed)
	case r.Paid.IsNegative():
		return fmt.Errorf("order %d: %w: the amount is negative", r.Order, ErrMalformed)
	case r.Points < 0, r.Action == Try && r.Points == 0:
		return fmt.Errorf("order %d: %w: it uses %d points", r.Order, ErrMalformed, r.Points)
	}
	return nil
}
