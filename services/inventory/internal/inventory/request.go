package inventory

import (
	"fmt"
	"time"
)

// Action is what an order wants of its stock.
type Action uint8

// The actions.
const (
	Reserve Action = iota + 1 // the order was placed
	Commit                    // it was paid
	Release                   // it was rejected or cancelled
	Restock                   // it is returned
)

// maxLines bounds what a row of reservation has to hold.
const maxLines = 500

// Request is an action for one order. Lines and a deadline only come with
// Reserve; several lines of one SKU add up.
type Request struct {
	Order  OrderID
	Action Action
	Lines  []Line
	Nudged bool // order has asked before and still waits for the answer

	Deadline time.Time // by which order decides
}

func (r Request) validate() error {
	if r.Order <= 0 {
		return fmt.Errorf("%w: order id %d", ErrBadRequest, r.Order)
	}
	if r.Action == Reserve && (len(r.Lines) == 0 || len(r.Lines) > maxLines) {
		return fmt.Errorf("%w: order %d has %d lines", ErrBadRequest, r.Order, len(r.Lines))
	}
	for _, l := range r.Lines {
		if l.SKU == "" || len(l.SKU) > 64 || l.Quantity <= 0 || l.Quantity > maxUnits {
			return fmt.Errorf("%w: order %d wants %d of %q", ErrBadRequest, r.Order, l.Quantity, l.SKU)
		}
	}
	return nil
}
